using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Subjects;

/// <summary>
/// Answers for subjects that differ in their last token only, as replies to one client's requests do: asking for each
/// would fill the trie's cache with answers that are used once. Direct-mapped by prefix; one thread.
/// </summary>
public sealed class SiblingMatchCache
{
    private const int Size = 64;

    private readonly Slot[] _slots = new Slot[Size];
    private readonly MatchCache _exact = new();
    private SubscriptionTrie? _exactOf;

    /// <summary>Who gets a message on a literal subject.</summary>
    public MatchResult Match(ReadOnlySpan<byte> subject, SubscriptionTrie trie)
    {
        var end = subject.LastIndexOf((byte)'.');
        // An empty last token makes the subject invalid: the trie says so.
        if (end <= 0 || end == subject.Length - 1) return trie.Match(subject);
        var prefix = subject[..end];
        var hash = ByteArrayComparer.Hash(prefix);
        ref var slot = ref _slots[hash & (Size - 1)];
        var generation = trie.Generation;
        if (slot.Hash != hash || !ReferenceEquals(slot.Trie, trie) || slot.Generation != generation || slot.Prefix is not { } known || !prefix.SequenceEqual(known))
        {
            slot = new Slot { Hash = hash, Trie = trie, Generation = generation, Prefix = prefix.ToArray(), Result = trie.MatchSiblings(prefix) };
        }
        return slot.Result ?? MatchExactly(subject, trie);
    }

    /// <summary>Those who listen on literal subjects, such as the inbox of a consumer, are asked for again and again.</summary>
    private MatchResult MatchExactly(ReadOnlySpan<byte> subject, SubscriptionTrie trie)
    {
        if (!ReferenceEquals(_exactOf, trie)) _exact.Clear();
        _exactOf = trie;
        return _exact.Lookup(subject, trie).Result;
    }

    private struct Slot
    {
        public int Hash;
        public SubscriptionTrie? Trie;
        public long Generation;
        public byte[]? Prefix;

        /// <summary>Null: it depends on the last token.</summary>
        public MatchResult? Result;
    }
}
