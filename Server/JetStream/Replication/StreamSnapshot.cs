using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Replication;

/// <summary>
/// What a replicated stream holds at one place of its log: not its messages, but which ones. A replica that is behind
/// compares its store with it and fetches the rest (<see cref="Streams.Catchup.StreamCatchup"/>).
/// </summary>
/// <remarks>
/// <code>
/// snapshot = 42 version(1) uvarint messages, bytes, first, last, failed, deleted [deleted blocks]
/// </code>
/// (clusterwire.md §7.4.) Servers before 2.10 wrote JSON, which is read too.
/// </remarks>
public sealed class StreamSnapshot
{
    private const byte Magic = 42;
    private const byte Version = 1;

    /// <summary>Messages held.</summary>
    public required ulong Messages { get; init; }

    /// <summary>What they count for limits, as the server that made it counts.</summary>
    public required ulong Bytes { get; init; }

    /// <summary>Of the oldest message; the last one plus 1 when there is none.</summary>
    public required ulong FirstSequence { get; init; }

    public required ulong LastSequence { get; init; }

    /// <summary>Entries up to here that came to nothing (upstream's clfs): by so much the log's sequences are ahead of the stream's.</summary>
    public required ulong Failed { get; init; }

    /// <summary>Sequences between the ends without a message, as ascending ranges that do not touch. Read anew each time.</summary>
    public required IEnumerable<SequenceRange> Deleted { get; init; }

    /// <summary>Writes a snapshot.</summary>
    /// <param name="state">What the stream holds.</param>
    /// <param name="failed">Entries that came to nothing.</param>
    /// <param name="deleted">Sequences between its ends without a message, as ascending ranges that do not touch.</param>
    public static byte[] Encode(in StoreState state, ulong failed, IEnumerable<SequenceRange> deleted)
    {
        var target = new ArrayBufferWriter<byte>(64);
        var writer = new SpanWriter(target.GetSpan(2 + (6 * SpanWriter.MaxVarintLength)));
        writer.Byte(Magic);
        writer.Byte(Version);
        writer.Uvarint(state.Messages);
        writer.Uvarint(state.Bytes);
        writer.Uvarint(state.FirstSequence);
        writer.Uvarint(state.LastSequence);
        writer.Uvarint(failed);
        writer.Uvarint(state.Deleted);
        target.Advance(writer.Count);
        if (state.Deleted > 0) new DeletedBlocksWriter(target).Write(deleted);
        return target.WrittenSpan.ToArray();
    }

    /// <summary>Reads a snapshot.</summary>
    /// <param name="bytes">All of it; it is used as long as the result is.</param>
    /// <param name="snapshot">What was read.</param>
    /// <returns>False: it is none, or damaged.</returns>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out StreamSnapshot? snapshot)
    {
        snapshot = null;
        var reader = new SpanReader(bytes.Span);
        if (!reader.TryReadByte(out var magic)) return false;
        if (magic == '{') return TryDecodeJson(bytes.Span, out snapshot);
        if (magic != Magic || !reader.TryReadByte(out var version) || version != Version) return false;
        if (!reader.TryReadUvarint(out var messages) || !reader.TryReadUvarint(out var size)
            || !reader.TryReadUvarint(out var first) || !reader.TryReadUvarint(out var last)
            || !reader.TryReadUvarint(out var failed) || !reader.TryReadUvarint(out var count)) return false;
        IEnumerable<SequenceRange> deleted = [];
        if (count > 0)
        {
            if (!DeletedBlocks.TryRead(bytes[^reader.Rest.Length..], out var blocks)) return false;
            deleted = blocks;
        }
        snapshot = Make(messages, size, first, last, failed, deleted);
        return snapshot is not null;
    }

    private static bool TryDecodeJson(ReadOnlySpan<byte> bytes, out StreamSnapshot? snapshot)
    {
        snapshot = null;
        try
        {
            if (JsonSerializer.Deserialize(bytes, SnapshotJson.Default.JsonStreamSnapshot) is not { } json) return false;
            var deleted = json.Deleted ?? [];
            Array.Sort(deleted);
            snapshot = Make(json.Messages, json.Bytes, json.FirstSequence, json.LastSequence, json.Failed, Ranges(deleted));
            return snapshot is not null;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static StreamSnapshot? Make(ulong messages, ulong bytes, ulong first, ulong last, ulong failed, IEnumerable<SequenceRange> deleted)
    {
        // Sequences have 63 bits: what has more has run backwards somewhere.
        if ((first | last | failed) >> 63 != 0 || first > last + 1 || messages > last + 1 - first) return null;
        return new StreamSnapshot { Messages = messages, Bytes = bytes, FirstSequence = first, LastSequence = last, Failed = failed, Deleted = deleted };
    }

    private static IEnumerable<SequenceRange> Ranges(ulong[] sorted)
    {
        for (var i = 0; i < sorted.Length;)
        {
            var first = i++;
            while (i < sorted.Length && sorted[i] - sorted[i - 1] <= 1) i++;
            yield return new SequenceRange(sorted[first], sorted[i - 1]);
        }
    }
}

/// <summary>A snapshot as servers before 2.10 wrote it.</summary>
internal sealed record JsonStreamSnapshot
{
    [JsonPropertyName("messages")] public ulong Messages { get; init; }
    [JsonPropertyName("bytes")] public ulong Bytes { get; init; }
    [JsonPropertyName("first_seq")] public ulong FirstSequence { get; init; }
    [JsonPropertyName("last_seq")] public ulong LastSequence { get; init; }
    [JsonPropertyName("clfs")] public ulong Failed { get; init; }
    [JsonPropertyName("deleted")] public ulong[]? Deleted { get; init; }
}

[JsonSerializable(typeof(JsonStreamSnapshot))]
internal sealed partial class SnapshotJson : JsonSerializerContext;
