using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace NatsAspire.Server.JetStream.Consumers.Delivery;

/// <summary>Header blocks that tell a client how its request or subscription stands (ADR-13, ADR-15).</summary>
internal static class DeliveryStatus
{
    public static ReadOnlySpan<byte> RequestTimeout => "408 Request Timeout"u8;

    public static ReadOnlySpan<byte> TooLarge => "409 Message Size Exceeds MaxBytes"u8;

    public static ReadOnlySpan<byte> BatchCompleted => "409 Batch Completed"u8;

    public static ReadOnlySpan<byte> WrongPin => "423 Nats-Wrong-Pin-Id"u8;

    public static ReadOnlySpan<byte> NoMessages => "NATS/1.0 404 No Messages\r\n\r\n"u8;

    public static ReadOnlySpan<byte> FlowControl => "NATS/1.0 100 FlowControl Request\r\n\r\n"u8;

    /// <summary>A status and no more.</summary>
    public static byte[] Of(string status) => Encoding.UTF8.GetBytes($"NATS/1.0 {status}\r\n\r\n");

    /// <summary>A status with what a request has not got.</summary>
    public static ReadOnlySpan<byte> WithPending(ArrayBufferWriter<byte> room, ReadOnlySpan<byte> status, long messages, long bytes)
    {
        room.ResetWrittenCount();
        room.Write("NATS/1.0 "u8);
        room.Write(status);
        room.Write("\r\nNats-Pending-Messages: "u8);
        Write(room, messages);
        room.Write("\r\nNats-Pending-Bytes: "u8);
        Write(room, bytes);
        room.Write("\r\n\r\n"u8);
        return room.WrittenSpan;
    }

    /// <summary>A sign of life.</summary>
    /// <param name="room">To write into.</param>
    /// <param name="last">The last delivery.</param>
    /// <param name="stalled">What must be answered before more is delivered; empty: nothing.</param>
    public static ReadOnlySpan<byte> Heartbeat(ArrayBufferWriter<byte> room, SequencePair last, ReadOnlySpan<byte> stalled)
    {
        room.ResetWrittenCount();
        room.Write("NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: "u8);
        Write(room, (long)last.Consumer);
        room.Write("\r\nNats-Last-Stream: "u8);
        Write(room, (long)last.Stream);
        if (!stalled.IsEmpty)
        {
            room.Write("\r\nNats-Consumer-Stalled: "u8);
            room.Write(stalled);
        }
        room.Write("\r\n\r\n"u8);
        return room.WrittenSpan;
    }

    /// <summary>Begins with a message's headers and leaves the block open for more.</summary>
    public static void Open(ArrayBufferWriter<byte> room, ReadOnlySpan<byte> headers)
    {
        room.ResetWrittenCount();
        if (headers.Length > 2) room.Write(headers[..^2]);
        else room.Write("NATS/1.0\r\n"u8);
    }

    public static void Add(ArrayBufferWriter<byte> room, ReadOnlySpan<byte> name, long value)
    {
        room.Write(name);
        room.Write(": "u8);
        Write(room, value);
        room.Write("\r\n"u8);
    }

    public static void Add(ArrayBufferWriter<byte> room, ReadOnlySpan<byte> name, string value)
    {
        room.Write(name);
        room.Write(": "u8);
        Encoding.UTF8.GetBytes(value, room);
        room.Write("\r\n"u8);
    }

    private static void Write(ArrayBufferWriter<byte> room, long number)
    {
        Utf8Formatter.TryFormat(number, room.GetSpan(20), out var written);
        room.Advance(written);
    }
}
