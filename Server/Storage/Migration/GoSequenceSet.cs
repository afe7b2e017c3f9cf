using System.Numerics;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.Storage.Migration;

/// <summary>
/// Upstream's encoding of a set of sequences: <c>22 version(1|2) nodes(4) size(4) nodes×{base(8) words×bits(8) height(2)}</c>,
/// 64 words a node in version 1 and 32 in version 2, in any order.
/// </summary>
internal static class GoSequenceSet
{
    private const byte Magic = 22;

    /// <summary>Reads a set.</summary>
    /// <returns>False when there is none or a damaged one.</returns>
    public static bool TryRead(ref SpanReader reader, out SequenceSet set)
    {
        set = new SequenceSet();
        if (!reader.TryReadByte(out var magic) || magic != Magic || !reader.TryReadByte(out var version) || version is not (1 or 2)) return false;
        if (!reader.TryReadUInt32(out var nodes) || !reader.TryReadUInt32(out var size)) return false;
        var words = version == 1 ? 64 : 32;
        for (uint node = 0; node < nodes; node++)
        {
            if (!reader.TryReadUInt64(out var first) || first > ulong.MaxValue - (ulong)(words * 64)) return false;
            for (var word = 0; word < words; word++)
            {
                if (!reader.TryReadUInt64(out var bits)) return false;
                Add(set, first + (ulong)(word * 64), bits);
            }
            if (!reader.TryReadUInt16(out _)) return false;
        }
        return set.Count == size;
    }

    private static void Add(SequenceSet set, ulong first, ulong bits)
    {
        if (bits == ulong.MaxValue)
        {
            set.AddRange(first, first + 63);
            return;
        }
        for (; bits != 0; bits &= bits - 1) set.Add(first + (ulong)BitOperations.TrailingZeroCount(bits));
    }
}

/// <summary>Sums over ascending ranges that do not touch.</summary>
internal static class SequenceRanges
{
    /// <summary>What is in the one and not in the other.</summary>
    public static IEnumerable<SequenceRange> Without(this IEnumerable<SequenceRange> ranges, IEnumerable<SequenceRange> removed)
    {
        using var others = removed.GetEnumerator();
        var more = others.MoveNext();
        foreach (var range in ranges)
        {
            var first = range.First;
            var isLeft = true;
            while (more && others.Current.First <= range.Last)
            {
                var other = others.Current;
                if (other.Last >= first)
                {
                    if (other.First > first) yield return new SequenceRange(first, other.First - 1);
                    if (other.Last >= range.Last)
                    {
                        isLeft = false;
                        break;
                    }
                    first = other.Last + 1;
                }
                more = others.MoveNext();
            }
            if (isLeft) yield return new SequenceRange(first, range.Last);
        }
    }
}
