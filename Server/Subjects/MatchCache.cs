using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Subjects;

/// <summary>
/// A connection's own cache of answers: direct-mapped, by subject, without locks. Used by one thread; empty and
/// free until the first lookup; grows when subjects collide.
/// </summary>
public sealed class MatchCache
{
    private const int FirstSize = 16;
    private const int LargestSize = 512;
    private Slot[] _slots = [];
    private int _misses;

    /// <summary>An answer, with what the connection may do on its subject.</summary>
    public struct Slot
    {
        internal int Hash;

        /// <summary>Never null in a slot that <see cref="Lookup"/> returns.</summary>
        public MatchResult Result;

        /// <summary>The connection's own note; 0 in a slot freshly filled.</summary>
        public byte PublishVerdict;
    }

    /// <summary>Forgets all answers and notes.</summary>
    public void Clear() => Array.Clear(_slots);

    /// <summary>The slot of a subject, filled from the trie when it held another or a stale one.</summary>
    public ref Slot Lookup(ReadOnlySpan<byte> subject, SubscriptionTrie trie)
    {
        var slots = _slots;
        var hash = ByteArrayComparer.Hash(subject);
        if (slots.Length != 0)
        {
            ref var slot = ref slots[hash & (slots.Length - 1)];
            if (slot.Hash == hash && slot.Result is { IsStale: false } result && subject.SequenceEqual(result.Subject))
            {
                return ref slot;
            }
        }
        return ref Fill(subject, hash, trie);
    }

    private ref Slot Fill(ReadOnlySpan<byte> subject, int hash, SubscriptionTrie trie)
    {
        if (_slots.Length == 0 || (++_misses > _slots.Length * 2 && _slots.Length < LargestSize))
        {
            _slots = new Slot[_slots.Length == 0 ? FirstSize : _slots.Length * 4 > LargestSize ? LargestSize : _slots.Length * 4];
            _misses = 0;
        }
        ref var slot = ref _slots[hash & (_slots.Length - 1)];
        slot = new Slot { Hash = hash, Result = trie.Match(subject) };
        return ref slot;
    }
}
