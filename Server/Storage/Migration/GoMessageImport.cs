using System.Buffers;
using System.Buffers.Binary;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.Storage.Migration;

/// <summary>
/// Takes the blocks of a Go server's stream one after another and appends their messages to a store: the same sequences,
/// times and bytes, gaps where messages are gone. What was deleted shows only in later blocks and in the index, so it is
/// removed at the end.
/// </summary>
/// <param name="stream">Its name.</param>
/// <param name="target">An empty store.</param>
/// <param name="report">Where problems go.</param>
internal sealed partial class GoMessageImport(string stream, IMessageStore target, GoStoreReport report)
{
    private const byte S2 = 1;

    /// <summary>Sequences appended.</summary>
    private readonly SequenceSet _read = new();

    private readonly SequenceSet _tombstones = new();

    /// <summary>Sequences that may have stood where something was damaged.</summary>
    private readonly SequenceSet _suspect = new();

    private readonly Dictionary<uint, BlockEnds> _blocks = [];
    private readonly Dictionary<uint, GoBlockIndex> _indexes = [];
    private ulong _last;
    private long _lastTimestamp;
    private bool _damaged;
    private (ulong Sequence, long Timestamp) _lastTombstone;

    private static ReadOnlySpan<byte> Compressed => "cmp"u8;

    /// <summary>Whether a block begins with a record of that block.</summary>
    public bool BeginsWell(uint number, ReadOnlySpan<byte> content) =>
        GoBlockFormat.TryRead(content, GoBlockFormat.KeyOf(stream, number), out _, out _);

    /// <summary>Takes the next block.</summary>
    /// <param name="number">Of the block, ascending from call to call.</param>
    /// <param name="content">Plain.</param>
    /// <param name="file">For problems.</param>
    /// <exception cref="Disk.DiskException">The store's disk failed.</exception>
    public void Block(uint number, ReadOnlySpan<byte> content, string file)
    {
        var reader = new GoBlockReader(content, GoBlockFormat.KeyOf(stream, number));
        ulong first = 0;
        while (true)
        {
            var found = reader.Next(out var record);
            if (reader.DamagedBytes > 0) Damaged(file, reader.DamagedFrom, $"{reader.DamagedBytes} bytes are no records of this block");
            if (!found) break;
            Take(record, file, reader.Offset);
            if (first == 0 && record.Kind == GoRecordKind.Message) first = record.Sequence;
        }
        _blocks[number] = new BlockEnds(first, _last, ChecksumOf(content));
    }

    /// <summary>Takes what an old server noted beside a block, before or after the block.</summary>
    public void BlockIndex(uint number, GoBlockIndex index) => _indexes[number] = index;

    /// <summary>The last eight bytes of a block; 0: it is shorter.</summary>
    public static ulong ChecksumOf(ReadOnlySpan<byte> block) =>
        block.Length < HighwayHash64.Length ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(block[^HighwayHash64.Length..]);

    /// <summary>Notes that something could not be read before what comes next.</summary>
    public void Damaged(string file, long offset, string what)
    {
        report.Add(file, offset, what);
        _damaged = true;
    }

    /// <summary>Undoes the compression of a block; what cannot be undone is noted.</summary>
    /// <returns>The plain block, as far as it can be read.</returns>
    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> block, string file)
    {
        var span = block.Span;
        if (!span.StartsWith(Compressed)) return block;
        var reader = new SpanReader(span[Compressed.Length..]);
        if (!reader.TryReadByte(out var algorithm) || !reader.TryReadUvarint(out _) || reader.Rest.Length < HighwayHash64.Length)
        {
            Damaged(file, 0, "the head of a compressed block is cut off");
            return default;
        }
        if (algorithm == 0) return block[^reader.Rest.Length..];
        if (algorithm != S2) Damaged(file, Compressed.Length, $"compression {algorithm} is not known");
        return algorithm == S2 ? Decode(reader.Rest, file) : default;
    }

    /// <summary>The last record's hash stands behind the stream, as it was.</summary>
    private ReadOnlyMemory<byte> Decode(ReadOnlySpan<byte> body, string file)
    {
        var plain = new ArrayBufferWriter<byte>();
        using var decoder = new S2Decoder();
        var rest = body[..^HighwayHash64.Length];
        try
        {
            int count;
            do
            {
                count = decoder.Decode(rest, plain.GetSpan(64 * 1024), out var consumed);
                plain.Advance(count);
                rest = rest[consumed..];
                if (plain.WrittenCount > GoBlockFormat.MaxBlock) throw new InvalidDataException("the block is too large");
            }
            while (count > 0 || decoder.HasDecoded);
            if (!decoder.IsBetweenChunks) throw new InvalidDataException("the block is cut off");
        }
        catch (InvalidDataException e)
        {
            Damaged(file, plain.WrittenCount, $"compressed content is damaged: {e.Message}");
            return plain.WrittenMemory;
        }
        plain.Write(body[^HighwayHash64.Length..]);
        return plain.WrittenMemory;
    }

    private void Take(in GoRecord record, string file, long end)
    {
        if (record.Sequence == 0) return;
        switch (record.Kind)
        {
            case GoRecordKind.Tombstone:
                _tombstones.Add(record.Sequence);
                if (record.Sequence > _lastTombstone.Sequence) _lastTombstone = (record.Sequence, record.Timestamp);
                break;
            case GoRecordKind.Erased:
                SkipTo(record.Sequence - 1, 0);
                SkipTo(record.Sequence, record.Timestamp);
                break;
            case GoRecordKind.Message when record.Sequence <= _last:
                if (!_read.Contains(record.Sequence)) Misplaced(record.Sequence, file, end);
                break;
            default:
                Append(record, file, end);
                break;
        }
    }

    private void Append(in GoRecord record, string file, long end)
    {
        // Anything else may have been published, however odd; these would break the protocol when they are delivered.
        if (record.Subject.IsEmpty || record.Subject.ContainsAnyInRange((byte)0, (byte)' '))
        {
            report.Add(file, end, $"message {record.Sequence} has a subject that no message can have");
            SkipTo(record.Sequence, record.Timestamp);
            _suspect.Add(record.Sequence);
            return;
        }
        // Hashes do not cover the length of headers: a flipped bit there moves their end.
        if (record.Headers.StartsWith("NATS/1.0"u8) && !record.Headers.EndsWith("\r\n\r\n"u8)) report.Add(file, end, $"the headers of message {record.Sequence} do not end where they should");
        SkipTo(record.Sequence - 1, 0);
        // Clocks may have been set back under the Go server; a store needs times that do not fall.
        _lastTimestamp = Math.Max(_lastTimestamp, record.Timestamp);
        target.Append(new StoredMessage
        {
            Sequence = record.Sequence,
            Timestamp = _lastTimestamp,
            Subject = record.Subject,
            Headers = record.Headers,
            Payload = record.Payload,
        });
        _read.Add(record.Sequence);
        _last = record.Sequence;
    }

    private void Misplaced(ulong sequence, string file, long end)
    {
        report.Add(file, end, $"message {sequence} stands behind {_last}");
        _suspect.Add(sequence);
    }

    /// <summary>Leaves out everything up to a sequence.</summary>
    private void SkipTo(ulong sequence, long timestamp)
    {
        if (sequence <= _last)
        {
            _damaged = false;
            return;
        }
        if (_damaged) _suspect.AddRange(_last + 1, sequence);
        _damaged = false;
        _lastTimestamp = Math.Max(_lastTimestamp, timestamp);
        target.Skip(sequence - _last, _lastTimestamp);
        _last = sequence;
    }

    /// <summary>The first message of a block, the last sequence behind it, and its last eight bytes.</summary>
    private readonly record struct BlockEnds(ulong First, ulong Last, ulong Checksum);
}
