using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.Storage.Migration;

/// <summary>
/// What servers before 2.10 noted of a block beside it (<c>N.idx</c>), which knows of deletions that the block does not:
/// <code>22 version(1|2) messages bytes first(seq) first(time) last(seq) last(time) deleted last-record-hash(8) [set]</code>
/// Numbers are uvarints, times varints. The set is that of <see cref="GoSequenceSet"/>; in version 1 it is the distances
/// from the first sequence.
/// </summary>
internal sealed record GoBlockIndex
{
    private const byte Magic = 22;
    private const ulong SequenceBits = GoBlockFormat.MaxSequence;

    public ulong FirstSequence { get; private init; }

    public ulong LastSequence { get; private init; }

    /// <summary>Nanoseconds since 1970.</summary>
    public long LastTimestamp { get; private init; }

    public SequenceSet? Deleted { get; private init; }

    /// <summary>The last eight bytes of the block when this was written; the block has gone on since, if it ends otherwise.</summary>
    public ulong LastChecksum { get; private init; }

    /// <summary>Reads it; null when it is damaged.</summary>
    public static GoBlockIndex? Read(ReadOnlySpan<byte> file)
    {
        var reader = new SpanReader(file);
        if (!reader.TryReadByte(out var magic) || magic != Magic || !reader.TryReadByte(out var version) || version is not (1 or 2)) return null;
        if (!reader.TryReadUvarint(out var messages) || !reader.TryReadUvarint(out _) || !reader.TryReadUvarint(out var first) || !reader.TryReadVarint(out _)
            || !reader.TryReadUvarint(out var last) || !reader.TryReadVarint(out var lastTimestamp)
            || !reader.TryReadUvarint(out var count) || !reader.TryReadUInt64(out var checksum)) return null;
        (first, last) = (first & SequenceBits, last & SequenceBits);
        if (messages != last - first + 1 - count) return null;
        SequenceSet? deleted = null;
        if (count > 0 && version == 2 && !GoSequenceSet.TryRead(ref reader, out deleted)) return null;
        if (count > 0 && version == 1 && !TryReadDistances(ref reader, first, count, out deleted)) return null;
        return new GoBlockIndex { FirstSequence = first, LastSequence = last, LastTimestamp = lastTimestamp, Deleted = deleted, LastChecksum = checksum };
    }

    private static bool TryReadDistances(ref SpanReader reader, ulong first, ulong count, out SequenceSet deleted)
    {
        deleted = new SequenceSet();
        for (ulong i = 0; i < count; i++)
        {
            if (!reader.TryReadUvarint(out var distance)) return false;
            if (distance == 0) break;
            deleted.Add((first + distance) & SequenceBits);
        }
        return true;
    }
}
