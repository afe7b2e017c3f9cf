using System.Buffers.Binary;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Storage.Log;

/// <summary>
/// The bytes of the log. All numbers are little-endian.
/// <code>
/// segment = write+ [seal]           file NNNNNNNNNNNNNNNNNNNN.wal, its number in decimal; zeros or stale bytes behind
/// write   = batch record*           what one round of the committer wrote
/// record  = crc:u32 length:u32 group:u64 index:u64 kind:u8 payload:length bytes
/// batch   = record of kind 0, group 0, index 0, payload =
///           durable-segment:u64 durable-offset:u64   so far the log was durable when this was written
///           first-segment:u64                        the oldest segment still needed
///           segment-length:u64                       bytes of this file, at least
/// seal    = record of kind 253, group 0, index 0, payload = next-segment:u64 next-length:u64
/// crc     = CRC32C of everything behind it in the record, then of the segment's number:u64 and the record's offset:u64
/// </code>
/// The sum covers number and offset, so nothing left from a file's earlier life, and nothing misplaced, is ever a record.
/// </summary>
internal static class LogFormat
{
    public const int Header = 25;
    public const int BatchPayload = 32;
    public const int BatchSize = Header + BatchPayload;
    public const int SealPayload = 16;
    public const int SealSize = Header + SealPayload;

    public const byte Batch = 0;
    public const byte Seal = 253;

    /// <summary>The group's records so far are void.</summary>
    public const byte Remove = 254;

    /// <summary>The group's records so far above the index are void.</summary>
    public const byte Truncate = 255;

    /// <summary>Kinds above belong to the log.</summary>
    public const byte LastFreeKind = 127;

    private const int SumSize = sizeof(uint);

    /// <summary>Writes all of the header but the checksum.</summary>
    public static void WriteHeader(Span<byte> record, int length, ulong group, ulong index, byte kind)
    {
        BinaryPrimitives.WriteInt32LittleEndian(record[4..], length);
        BinaryPrimitives.WriteUInt64LittleEndian(record[8..], group);
        BinaryPrimitives.WriteUInt64LittleEndian(record[16..], index);
        record[24] = kind;
    }

    public static LogHeader ReadHeader(ReadOnlySpan<byte> record) => new(
        BinaryPrimitives.ReadInt32LittleEndian(record[4..]),
        BinaryPrimitives.ReadUInt64LittleEndian(record[8..]),
        BinaryPrimitives.ReadUInt64LittleEndian(record[16..]),
        record[24]);

    /// <summary>Puts the unfinished sum of a whole record in its place; <see cref="FinishSum"/> follows when its position is known.</summary>
    public static void BeginSum(Span<byte> record) =>
        BinaryPrimitives.WriteUInt32LittleEndian(record, Crc32C.Append(uint.MaxValue, record[SumSize..]));

    public static void FinishSum(Span<byte> record, ulong segment, long offset) =>
        BinaryPrimitives.WriteUInt32LittleEndian(record, Finish(BinaryPrimitives.ReadUInt32LittleEndian(record), segment, offset));

    /// <summary>Whether the sum of a whole record is right for its position.</summary>
    public static bool SumIsRight(ReadOnlySpan<byte> record, ulong segment, long offset) =>
        BinaryPrimitives.ReadUInt32LittleEndian(record) == Finish(Crc32C.Append(uint.MaxValue, record[SumSize..]), segment, offset);

    /// <summary>Writes a whole batch record but for its sum.</summary>
    public static void WriteBatch(Span<byte> record, in BatchMark mark)
    {
        WriteHeader(record, BatchPayload, 0, 0, Batch);
        var payload = record[Header..];
        BinaryPrimitives.WriteUInt64LittleEndian(payload, mark.Durable.Segment);
        BinaryPrimitives.WriteInt64LittleEndian(payload[8..], mark.Durable.Offset);
        BinaryPrimitives.WriteUInt64LittleEndian(payload[16..], mark.FirstSegment);
        BinaryPrimitives.WriteInt64LittleEndian(payload[24..], mark.SegmentLength);
        BeginSum(record[..BatchSize]);
    }

    public static BatchMark ReadBatch(ReadOnlySpan<byte> payload) => new(
        new LogPosition(BinaryPrimitives.ReadUInt64LittleEndian(payload), BinaryPrimitives.ReadInt64LittleEndian(payload[8..])),
        BinaryPrimitives.ReadUInt64LittleEndian(payload[16..]),
        BinaryPrimitives.ReadInt64LittleEndian(payload[24..]));

    public static void WriteSeal(Span<byte> record, ulong nextSegment, long nextLength)
    {
        WriteHeader(record, SealPayload, 0, 0, Seal);
        BinaryPrimitives.WriteUInt64LittleEndian(record[Header..], nextSegment);
        BinaryPrimitives.WriteInt64LittleEndian(record[(Header + 8)..], nextLength);
        BeginSum(record[..SealSize]);
    }

    public static (ulong NextSegment, long NextLength) ReadSeal(ReadOnlySpan<byte> payload) =>
        (BinaryPrimitives.ReadUInt64LittleEndian(payload), BinaryPrimitives.ReadInt64LittleEndian(payload[8..]));

    private static uint Finish(uint sum, ulong segment, long offset) => ~Crc32C.Append(Crc32C.Append(sum, segment), (ulong)offset);
}

/// <summary>A record's header without its sum.</summary>
internal readonly record struct LogHeader(int Length, ulong Group, ulong Index, byte Kind);

/// <summary>What a batch record says.</summary>
internal readonly record struct BatchMark(LogPosition Durable, ulong FirstSegment, long SegmentLength);

/// <summary>A place in the log; segments count from 1.</summary>
internal readonly record struct LogPosition(ulong Segment, long Offset) : IComparable<LogPosition>
{
    public int CompareTo(LogPosition other) => Segment != other.Segment ? Segment.CompareTo(other.Segment) : Offset.CompareTo(other.Offset);
}
