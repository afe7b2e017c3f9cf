using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace NatsAspire.Server.JetStream.Replication;

/// <summary>What a replica that is behind asks its leader for, on the stream's sync subject (clusterwire.md §7.5).</summary>
public sealed record StreamSyncRequest
{
    /// <summary>Who asks; null: an old server, which does not say.</summary>
    [JsonPropertyName("peer")] public string? Peer { get; init; }

    [JsonPropertyName("first_seq")] public required ulong FirstSequence { get; init; }

    [JsonPropertyName("last_seq")] public required ulong LastSequence { get; init; }

    /// <summary>Sequences without a message may come as ranges.</summary>
    [JsonPropertyName("delete_ranges")] public bool TakesRanges { get; init; }

    /// <summary>Place of the snapshot in the log: who has applied less must not answer yet.</summary>
    [JsonPropertyName("min_applied")] public ulong MinApplied { get; init; }

    /// <summary>
    /// Who is to answer, though it does not lead, because nobody does; null: the leader. Ours alone: who does not know it leaves the request to the leader.
    /// </summary>
    [JsonPropertyName("of"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Of { get; init; }

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, EntryJson.Default.StreamSyncRequest);

    /// <returns>Null: it is none.</returns>
    public static StreamSyncRequest? Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, EntryJson.Default.StreamSyncRequest) is { } request
                && request.FirstSequence > 0 && (request.FirstSequence | request.LastSequence) >> 63 == 0 ? request : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>
/// Where what a leader sends is acknowledged: <c>$JSC.ACK.&lt;id&gt;.&lt;bytes&gt;</c>. With nothing in it: taken; otherwise
/// why nothing more is to come.
/// </summary>
public static class CatchupAckSubject
{
    /// <summary>Bytes of any of them at most.</summary>
    public const int MaxLength = 9 + 8 + 1 + 20;

    /// <summary>Writes a subject.</summary>
    /// <param name="target">At least <see cref="MaxLength"/> and what the id has beyond 8 bytes.</param>
    /// <param name="id">Of the catch-up.</param>
    /// <param name="size">Bytes that it stands for.</param>
    public static int Format(Span<byte> target, ReadOnlySpan<byte> id, long size)
    {
        "$JSC.ACK."u8.CopyTo(target);
        id.CopyTo(target[9..]);
        target[9 + id.Length] = (byte)'.';
        Utf8Formatter.TryFormat(size, target[(10 + id.Length)..], out var digits);
        return 10 + id.Length + digits;
    }

    /// <summary>The bytes that an acknowledgement stands for.</summary>
    public static bool TryGetSize(ReadOnlySpan<byte> subject, out long size)
    {
        size = 0;
        var digits = subject[(subject.LastIndexOf((byte)'.') + 1)..];
        return Utf8Parser.TryParse(digits, out size, out var length) && length == digits.Length && size >= 0 && !digits.StartsWith("-"u8) && !digits.StartsWith("+"u8);
    }
}
