using System.Buffers.Binary;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>
/// Writes the entries of a consumer's log (clusterwire.md §8.1):
/// <code>
///  7 uvarint(consumer) uvarint(stream) uvarint(deliveries) varint(time)   delivered, or its time has changed
///  8 uvarint(consumer) uvarint(stream)                                   acknowledged; consumer 0: its deliveries are forgotten
/// 10 u64(stream)                                                         goes on at this message
/// 12 reply                                                              a pull request waits
/// 13 reply                                                              it waits no more
/// 18 u64(stream) reply                                                   begins anew at this message
/// </code>
/// </summary>
internal static class ConsumerEntry
{
    /// <summary>Bytes of any entry but <see cref="Reset"/> at most.</summary>
    public const int MaxLength = 1 + (4 * SpanWriter.MaxVarintLength);

    public static ReadOnlySpan<byte> Delivered(Span<byte> room, ulong consumer, ulong stream, ulong deliveries, long timestamp)
    {
        var writer = new SpanWriter(room);
        writer.Byte((byte)EntryOperation.UpdateDelivered);
        writer.Uvarint(consumer);
        writer.Uvarint(stream);
        writer.Uvarint(deliveries);
        writer.Varint(timestamp);
        return room[..writer.Count];
    }

    public static ReadOnlySpan<byte> Acknowledged(Span<byte> room, ulong consumer, ulong stream)
    {
        var writer = new SpanWriter(room);
        writer.Byte((byte)EntryOperation.UpdateAcks);
        writer.Uvarint(consumer);
        writer.Uvarint(stream);
        return room[..writer.Count];
    }

    public static ReadOnlySpan<byte> Skip(Span<byte> room, ulong stream)
    {
        room[0] = (byte)EntryOperation.UpdateSkip;
        BinaryPrimitives.WriteUInt64LittleEndian(room[1..], stream);
        return room[..(1 + sizeof(ulong))];
    }

    public static byte[] RequestAdded(ReadOnlySpan<byte> reply) => [(byte)EntryOperation.AddPendingRequest, .. reply];

    public static byte[] RequestRemoved(ReadOnlySpan<byte> reply) => [(byte)EntryOperation.RemovePendingRequest, .. reply];

    public static byte[] Reset(ulong stream, ReadOnlySpan<byte> reply)
    {
        var entry = new byte[1 + sizeof(ulong) + reply.Length];
        entry[0] = (byte)EntryOperation.ResetSequence;
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(1), stream);
        reply.CopyTo(entry.AsSpan(1 + sizeof(ulong)));
        return entry;
    }
}
