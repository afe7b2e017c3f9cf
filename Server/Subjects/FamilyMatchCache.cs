using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Subjects;

/// <summary>
/// Answers for subjects that are used once and belong together by their first tokens, as acknowledgements of one
/// consumer's messages do. Direct-mapped by these tokens; one thread.
/// </summary>
/// <param name="tokens">How many of them, at least 1.</param>
public sealed class FamilyMatchCache(int tokens)
{
    private const int Size = 16;

    private readonly Slot[] _slots = new Slot[Size];

    /// <summary>Who gets a message on a literal subject; null: that is not known from its first tokens.</summary>
    public MatchResult? Match(ReadOnlySpan<byte> subject, SubscriptionTrie trie)
    {
        var end = 0;
        for (var i = 0; i < tokens; i++)
        {
            var length = subject[end..].IndexOf((byte)'.');
            if (length < 0) return null;
            end += length + 1;
        }
        var rest = subject[(end - 1)..];
        if (rest.Length < 2 || rest[^1] == '.' || rest.IndexOf(".."u8) >= 0) return null;
        var prefix = subject[..(end - 1)];
        var hash = ByteArrayComparer.Hash(prefix);
        ref var slot = ref _slots[hash & (Size - 1)];
        var generation = trie.Generation;
        if (slot.Hash != hash || !ReferenceEquals(slot.Trie, trie) || slot.Generation != generation || slot.Prefix is not { } known || !prefix.SequenceEqual(known))
        {
            slot = new Slot { Hash = hash, Trie = trie, Generation = generation, Prefix = prefix.ToArray(), Result = trie.MatchFamily(prefix) };
        }
        return slot.Result;
    }

    private struct Slot
    {
        public int Hash;
        public SubscriptionTrie? Trie;
        public long Generation;
        public byte[]? Prefix;

        /// <summary>Null: it depends on what comes.</summary>
        public MatchResult? Result;
    }
}
