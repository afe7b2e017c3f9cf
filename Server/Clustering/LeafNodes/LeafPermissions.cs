using NatsAspire.Server.Configuration;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>
/// What may cross a leaf node connection, seen from this side. Immutable; other lists make another one.
/// </summary>
internal sealed class LeafPermissions
{
    /// <summary>Everything may cross.</summary>
    public static readonly LeafPermissions None = new(null, null, [], [], []);

    private readonly SubjectPermissionOptions? _out;
    private readonly SubjectPermissionOptions? _in;
    private readonly IReadOnlyList<string> _deniedOut;
    private readonly IReadOnlyList<string> _deniedIn;
    private readonly IReadOnlyList<string> _refused;
    private readonly Permissions? _rules;
    private readonly Permissions? _admitted;
    private readonly Permissions? _queues;

    private LeafPermissions(
        SubjectPermissionOptions? outgoing,
        SubjectPermissionOptions? incoming,
        IReadOnlyList<string> deniedOut,
        IReadOnlyList<string> deniedIn,
        IReadOnlyList<string> refused)
    {
        (_out, _in, _deniedOut, _deniedIn, _refused) = (outgoing, incoming, deniedOut, deniedIn, refused);
        if (Merge(incoming, refused) is { } admitted) _admitted = Permissions.Compile(new PermissionOptions { Publish = admitted });
        var (plain, scoped) = Split(outgoing);
        if (scoped.Count > 0) _queues = Permissions.Compile(new PermissionOptions { Subscribe = new SubjectPermissionOptions { Deny = scoped } });
        var (sent, told) = (Merge(plain, deniedOut), Merge(incoming, deniedIn));
        if (sent is not null || told is not null) _rules = Permissions.Compile(new PermissionOptions { Publish = sent, Subscribe = told });
    }

    /// <summary>Something may not cross.</summary>
    public bool Any => _rules is not null || _admitted is not null;

    /// <summary>Some queue groups of the peer get less than others of its subscriptions.</summary>
    public bool HasQueueRules => _queues is not null;

    /// <param name="outgoing">What may be sent; null: everything.</param>
    /// <param name="incoming">What may come; null: everything.</param>
    public static LeafPermissions Of(SubjectPermissionOptions? outgoing, SubjectPermissionOptions? incoming) => new(outgoing, incoming, [], [], []);

    /// <summary>The same, and more that is not let through.</summary>
    public LeafPermissions Denying(IReadOnlyList<string> outgoing, IReadOnlyList<string> incoming) =>
        outgoing.Count == 0 && incoming.Count == 0 ? this : new(_out, _in, [.. _deniedOut, .. outgoing], [.. _deniedIn, .. incoming], _refused);

    /// <summary>The same, and a peer that sends something of these subjects is cut off.</summary>
    public LeafPermissions Refusing(IReadOnlyList<string> incoming) => new(_out, _in, _deniedOut, _deniedIn, [.. _refused, .. incoming]);

    /// <summary>The lists of a peer, in the place of those there were; what else is denied stays.</summary>
    public LeafPermissions With(SubjectPermissionOptions? outgoing, SubjectPermissionOptions? incoming) => new(outgoing, incoming, _deniedOut, _deniedIn, _refused);

    /// <summary>Whether a message may be sent.</summary>
    public bool MaySend(ReadOnlySpan<byte> subject) => _rules is null || _rules.MayPublish(subject);

    /// <summary>Whether a rule that names queues keeps a message from one of the peer's.</summary>
    public bool IsKeptFrom(ReadOnlySpan<byte> queue, ReadOnlySpan<byte> subject) => _queues is not null && _queues.DeniesDelivery(subject, queue);

    /// <summary>The queue groups that get a message.</summary>
    public List<byte[]> WithoutKept(List<byte[]> queues, ReadOnlySpan<byte> subject)
    {
        var left = new List<byte[]>(queues.Count);
        foreach (var queue in queues)
        {
            if (!IsKeptFrom(queue, subject)) left.Add(queue);
        }
        return left;
    }

    /// <summary>Whether the peer is told that a subject is wanted here.</summary>
    public bool MayTell(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue = default) => _rules is null || _rules.MaySubscribe(subject, queue);

    /// <summary>Whether a message may come in.</summary>
    /// <param name="subject">Its literal subject.</param>
    /// <param name="isSpoke">
    /// At the hub the peer's own permissions decide: what is denied beside them keeps interest from crossing, but a subject that
    /// was asked for under another name is welcome.
    /// </param>
    public bool MayReceive(ReadOnlySpan<byte> subject, bool isSpoke) => isSpoke ? MayTell(subject) : _admitted is null || _admitted.MayPublish(subject);

    /// <summary>Lists as INFO carries them.</summary>
    public static SubjectLists? ToLists(SubjectPermissionOptions? options) =>
        options is null ? null : new SubjectLists { Allow = options.Allow, Deny = options.Deny };

    /// <summary>Lists as INFO brought them.</summary>
    public static SubjectPermissionOptions? FromLists(SubjectLists? lists) =>
        lists is null ? null : new SubjectPermissionOptions { Allow = lists.Allow, Deny = lists.Deny };

    /// <summary>Whether two users may do the same; lists by what they hold.</summary>
    public static bool AreSame(PermissionOptions? one, PermissionOptions? other) =>
        AreSame(one?.Publish, other?.Publish) && AreSame(one?.Subscribe, other?.Subscribe) && one?.Responses == other?.Responses;

    private static bool AreSame(SubjectPermissionOptions? one, SubjectPermissionOptions? other) =>
        AreSame(one?.Allow, other?.Allow) && AreSame(one?.Deny, other?.Deny);

    private static bool AreSame(IReadOnlyList<string>? one, IReadOnlyList<string>? other) =>
        one is null || other is null ? ReferenceEquals(one, other) : one.SequenceEqual(other);

    /// <summary>Rules that name a queue apart from the others.</summary>
    private static (SubjectPermissionOptions? Plain, IReadOnlyList<string> Scoped) Split(SubjectPermissionOptions? options)
    {
        if (options?.Deny is not { } deny || !deny.Any(NamesQueue)) return (options, []);
        return (new SubjectPermissionOptions { Allow = options.Allow, Deny = [.. deny.Where(rule => !NamesQueue(rule))] }, [.. deny.Where(NamesQueue)]);
    }

    private static bool NamesQueue(string rule) => rule.AsSpan().Trim().IndexOfAny(" \t") >= 0;

    private static SubjectPermissionOptions? Merge(SubjectPermissionOptions? options, IReadOnlyList<string> denied) =>
        denied.Count == 0 ? options : new SubjectPermissionOptions { Allow = options?.Allow, Deny = [.. options?.Deny ?? [], .. denied] };
}
