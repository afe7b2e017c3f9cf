using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Subjects;

/// <summary>
/// The subscriptions of an account by subject, and a cache of answers. One lock guards the trie; answers are
/// immutable and may be used by anybody until they are stale. Every answer handed out stands in the cache
/// until it is marked stale, so that holders of copies need no generation counter.
/// </summary>
public sealed partial class SubscriptionTrie(bool cached = true)
{
    private readonly Lock _lock = new();
    private readonly TrieNode _root = new();

    /// <summary>Of answers in the making; under the lock.</summary>
    private readonly MatchResultBuilder _builder = new();
    private readonly Stack<(TrieNode Node, int Offset)> _branches = new();
    private int _count;

    /// <summary>Subscriptions held, those of the server's own services left out.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Adds a subscription.</summary>
    /// <returns>False when its subject is not valid.</returns>
    public bool Insert(Subscription subscription)
    {
        if (!SubjectRules.IsValid(subscription.Subject)) return false;
        lock (_lock)
        {
            var node = _root;
            ReadOnlySpan<byte> rest = subscription.Subject;
            for (var last = false; !last;)
            {
                var token = SubjectRules.NextToken(rest, out rest, out last);
                node = node.GetOrAddChild(token);
            }
            node.Add(subscription);
            if (subscription.Subscriber.Kind != SubscriberKind.Internal) _count++;
            _inserts++;
            Invalidate(subscription);
        }
        TellWatchers(subscription);
        return true;
    }

    /// <summary>Removes a subscription.</summary>
    /// <returns>False when it is not there.</returns>
    public bool Remove(Subscription subscription)
    {
        lock (_lock)
        {
            if (subscription.SlotInNode < 0) return false;
            var path = new List<TrieNode> { _root };
            ReadOnlySpan<byte> rest = subscription.Subject;
            for (var last = false; !last;)
            {
                var token = SubjectRules.NextToken(rest, out rest, out last);
                if (path[^1].FindExact(token) is not { } child) return false;
                path.Add(child);
            }
            if (!path[^1].Remove(subscription)) return false;
            Prune(path, subscription.Subject);
            if (subscription.Subscriber.Kind != SubscriberKind.Internal) _count--;
            _removes++;
            Invalidate(subscription);
        }
        TellWatchers(subscription);
        return true;
    }

    /// <summary>Whether anybody wants messages on a literal subject.</summary>
    public bool HasInterest(ReadOnlySpan<byte> subject) => !Match(subject).IsEmpty;

    /// <summary>Changes with every subscription added or removed.</summary>
    public long Generation => Volatile.Read(ref _inserts) + Volatile.Read(ref _removes);

    /// <summary>
    /// Who gets a message on any literal subject that is this prefix and one more token; null when that depends on the
    /// token. For those who publish on ever new subjects below the same one, such as replies.
    /// </summary>
    /// <param name="prefix">A literal subject without its last token and the dot before it.</param>
    /// <returns>As of now; not tracked, so that its user watches <see cref="Generation"/>.</returns>
    public MatchResult? MatchSiblings(ReadOnlySpan<byte> prefix)
    {
        var subject = prefix.ToArray();
        if (!IsWellFormed(subject)) return null;
        lock (_lock) return BuildSiblings(subject, isFamily: false);
    }

    /// <summary>
    /// Who gets a message on any literal subject that is this prefix and any more tokens; null when that depends on them.
    /// </summary>
    /// <param name="prefix">A literal subject's first tokens, without the dot behind them.</param>
    /// <returns>As of now; not tracked, so that its user watches <see cref="Generation"/>.</returns>
    public MatchResult? MatchFamily(ReadOnlySpan<byte> prefix)
    {
        var subject = prefix.ToArray();
        if (!IsWellFormed(subject)) return null;
        lock (_lock) return BuildSiblings(subject, isFamily: true);
    }

    /// <summary>Every subscription, as of now.</summary>
    public IReadOnlyList<Subscription> ToList()
    {
        var all = new List<Subscription>();
        lock (_lock) _root.CollectAll(all);
        return all;
    }

    /// <summary>Every subscription whose subject lies within <paramref name="filter"/>, as of now.</summary>
    public IReadOnlyList<Subscription> ReverseMatch(ReadOnlySpan<byte> filter)
    {
        var found = new List<Subscription>();
        foreach (var subscription in ToList())
        {
            if (SubjectRules.Collide(subscription.Subject, filter)) found.Add(subscription);
        }
        return found;
    }

    /// <summary>Drops the nodes that hold nothing any more, from the leaf up.</summary>
    private static void Prune(List<TrieNode> path, ReadOnlySpan<byte> subject)
    {
        for (var level = path.Count - 1; level > 0 && path[level].IsEmpty; level--)
        {
            var token = subject[(subject.LastIndexOf((byte)'.') + 1)..];
            path[level - 1].RemoveChild(token);
            subject = subject[..Math.Max(0, subject.Length - token.Length - 1)];
        }
    }

    /// <summary>Walks all branches that fit the subject. Iterative, since subjects may have thousands of tokens.</summary>
    private MatchResult BuildResult(byte[] subject)
    {
        var (builder, branches) = (_builder.Reset(), _branches);
        branches.Clear();
        branches.Push((_root, 0));
        while (branches.TryPop(out var branch))
        {
            var token = SubjectRules.NextToken(subject.AsSpan(branch.Offset), out _, out var last);
            // An empty token makes the subject invalid: nobody is meant.
            if (token.IsEmpty) return MatchResult.Nobody(subject);
            if (branch.Node.Full is { } full) builder.Add(full);
            var next = branch.Offset + token.Length + 1;
            Follow(branch.Node.FindLiteral(token));
            Follow(branch.Node.Star);

            void Follow(TrieNode? child)
            {
                if (child is null) return;
                if (last) builder.Add(child);
                else branches.Push((child, next));
            }
        }
        return IsWellFormed(subject) ? builder.Build(subject) : MatchResult.Nobody(subject);
    }

    /// <summary>Walks the prefix; where it ends, only wildcards may follow, of a family only those for all that comes.</summary>
    private MatchResult? BuildSiblings(byte[] prefix, bool isFamily)
    {
        var (builder, branches) = (_builder.Reset(), _branches);
        branches.Clear();
        branches.Push((_root, 0));
        while (branches.TryPop(out var branch))
        {
            if (branch.Node.Full is { } full) builder.Add(full);
            if (branch.Offset > prefix.Length)
            {
                if (branch.Node.HasLiterals) return null;
                if (branch.Node.Star is not { } star) continue;
                if (isFamily) return null;
                builder.Add(star);
                continue;
            }
            var token = SubjectRules.NextToken(prefix.AsSpan(branch.Offset), out _, out _);
            var next = branch.Offset + token.Length + 1;
            if (branch.Node.FindLiteral(token) is { } literal) branches.Push((literal, next));
            if (branch.Node.Star is { } any) branches.Push((any, next));
        }
        return builder.Build(prefix);
    }

    private static bool IsWellFormed(ReadOnlySpan<byte> subject) =>
        !subject.IsEmpty && subject[0] != '.' && subject[^1] != '.' && subject.IndexOf(".."u8) < 0;
}
