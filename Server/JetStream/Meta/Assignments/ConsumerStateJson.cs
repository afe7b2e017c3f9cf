using System.Buffers;
using System.Globalization;
using System.Text.Json;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Migration;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>
/// States of consumers as assignments carry them:
/// <code>
/// {"delivered":{"consumer_seq","stream_seq"},"ack_floor":{…},"pending":{"SEQ":{"Sequence","Timestamp"}},"redelivered":{"SEQ":COUNT}}
/// </code>
/// Maps that are empty are left out; keys are in the order of their digits' text, as Go writes them.
/// </summary>
public static class ConsumerStateJson
{
    /// <summary>Writes a state.</summary>
    public static RawJson Write(GoConsumerState state)
    {
        var target = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(target))
        {
            writer.WriteStartObject();
            WritePair(writer, "delivered"u8, state.DeliveredConsumer, state.DeliveredStream);
            WritePair(writer, "ack_floor"u8, state.AckFloorConsumer, state.AckFloorStream);
            if (!state.Pending.IsEmpty) WritePending(writer, state);
            if (!state.Redelivered.IsEmpty)
            {
                writer.WriteStartObject("redelivered"u8);
                foreach (var one in state.Redelivered.OrderBy(static one => Text(one.StreamSequence), StringComparer.Ordinal)) writer.WriteNumber(Text(one.StreamSequence), one.Count);
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
        }
        return new RawJson(target.WrittenMemory);
    }

    /// <summary>Reads a state.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public static string? Read(RawJson json, out GoConsumerState state)
    {
        state = new GoConsumerState();
        try
        {
            using var document = JsonDocument.Parse(json.Bytes.ToArray());
            var root = document.RootElement;
            var (deliveredConsumer, deliveredStream) = ReadPair(root, "delivered"u8);
            var (floorConsumer, floorStream) = ReadPair(root, "ack_floor"u8);
            state = new GoConsumerState
            {
                DeliveredConsumer = deliveredConsumer,
                DeliveredStream = deliveredStream,
                AckFloorConsumer = floorConsumer,
                AckFloorStream = floorStream,
                Pending = [.. Members(root, "pending"u8).Select(static one => ReadPending(one)).OrderBy(static one => one.StreamSequence)],
                Redelivered = [.. Members(root, "redelivered"u8).Select(static one => new GoRedelivered(Number(one.Name), one.Value.GetUInt64())).OrderBy(static one => one.StreamSequence)],
            };
            return null;
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or KeyNotFoundException or OverflowException)
        {
            return e.Message;
        }
    }

    /// <summary>The same as a consumer keeps it (clusterwire.md §8.2).</summary>
    /// <returns>Null, or what is wrong.</returns>
    public static string? ToBytes(RawJson json, out byte[] bytes)
    {
        bytes = [];
        if (Read(json, out var state) is { } error) return error;
        var length = SpanWriter.MaxVarintLength * (8 + (3 * state.Pending.Length) + (2 * state.Redelivered.Length));
        var writer = new SpanWriter(new byte[length]);
        WriteState(ref writer, state);
        bytes = writer.Written.ToArray();
        return null;
    }

    private static void WriteState(ref SpanWriter writer, GoConsumerState state)
    {
        writer.Byte(22);
        writer.Byte(2);
        writer.Uvarint(state.AckFloorConsumer);
        writer.Uvarint(state.AckFloorStream);
        writer.Uvarint(state.DeliveredConsumer);
        writer.Uvarint(state.DeliveredStream);
        writer.Uvarint((ulong)state.Pending.Length);
        if (!state.Pending.IsEmpty)
        {
            var latest = state.Pending.Max(static one => Seconds(one.Timestamp));
            writer.Varint(latest);
            foreach (var one in state.Pending)
            {
                writer.Uvarint(unchecked(one.StreamSequence - state.AckFloorStream));
                writer.Uvarint(unchecked(one.ConsumerSequence - state.AckFloorConsumer));
                writer.Varint(latest - Seconds(one.Timestamp));
            }
        }
        writer.Uvarint((ulong)state.Redelivered.Length);
        foreach (var one in state.Redelivered)
        {
            writer.Uvarint(unchecked(one.StreamSequence - state.AckFloorStream));
            writer.Uvarint(one.Count);
        }
    }

    private static void WritePair(Utf8JsonWriter writer, ReadOnlySpan<byte> name, ulong consumer, ulong stream)
    {
        writer.WriteStartObject(name);
        writer.WriteNumber("consumer_seq"u8, consumer);
        writer.WriteNumber("stream_seq"u8, stream);
        writer.WriteEndObject();
    }

    private static void WritePending(Utf8JsonWriter writer, GoConsumerState state)
    {
        writer.WriteStartObject("pending"u8);
        foreach (var one in state.Pending.OrderBy(static one => Text(one.StreamSequence), StringComparer.Ordinal))
        {
            writer.WriteStartObject(Text(one.StreamSequence));
            writer.WriteNumber("Sequence"u8, one.ConsumerSequence);
            writer.WriteNumber("Timestamp"u8, one.Timestamp);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    private static (ulong Consumer, ulong Stream) ReadPair(JsonElement root, ReadOnlySpan<byte> name)
    {
        var pair = root.GetProperty(name);
        return (pair.GetProperty("consumer_seq"u8).GetUInt64(), pair.GetProperty("stream_seq"u8).GetUInt64());
    }

    private static GoPending ReadPending(JsonProperty one) =>
        new(Number(one.Name), one.Value.GetProperty("Sequence"u8).GetUInt64(), one.Value.GetProperty("Timestamp"u8).GetInt64());

    private static IEnumerable<JsonProperty> Members(JsonElement root, ReadOnlySpan<byte> name) =>
        root.TryGetProperty(name, out var map) && map.ValueKind == JsonValueKind.Object ? map.EnumerateObject() : [];

    private static string Text(ulong sequence) => sequence.ToString(CultureInfo.InvariantCulture);

    private static ulong Number(string text) => ulong.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private static long Seconds(long timestamp) => timestamp / 1_000_000_000;
}
