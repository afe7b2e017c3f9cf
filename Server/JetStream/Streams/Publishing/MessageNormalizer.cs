using System.Buffers.Text;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Streams.Publishing;

/// <summary>
/// What every replica changes in a message's headers before it stores it. Doing it twice changes nothing more, so the
/// leader may do it first.
/// </summary>
internal static class MessageNormalizer
{
    private static ReadOnlySpan<byte> Version => "NATS/1.0"u8;

    /// <summary>The headers as they are stored.</summary>
    /// <param name="block">As proposed.</param>
    /// <param name="headers">The same, read.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="editor">Holds the result where something changes.</param>
    /// <param name="ttlSeconds">How long the message stays: 0: as the stream says, <see cref="PublishHeaders.NeverExpires"/>.</param>
    public static ReadOnlySpan<byte> Normalize(
        ReadOnlySpan<byte> block, in PublishHeaders headers, StreamConfiguration stream, HeaderEditor editor, out long ttlSeconds)
    {
        ttlSeconds = 0;
        if (headers.IsEmpty) return block;
        if (!headers.Ttl.IsEmpty) PublishHeaders.TryParseTtl(headers.Ttl, out ttlSeconds);
        var shortest = stream.SubjectDeleteMarkerTtl / GoDuration.Second;
        // A message that went before the marker of its subject did would leave none itself.
        var isShort = ttlSeconds > 0 && ttlSeconds < shortest && stream.MaxMessagesPerSubject != 1;
        if (!isShort && !headers.HasRequestInfo) return block;
        editor.Load(block);
        if (headers.HasRequestInfo) editor.Remove("Nats-Request-Info"u8);
        if (isShort) SetTtl(editor, ttlSeconds = shortest);
        return editor.Block;
    }

    /// <summary>Whether a publisher has put a status behind the version, as only servers do.</summary>
    public static bool HasStatus(ReadOnlySpan<byte> block) => block.StartsWith(Version) && block.Length > Version.Length && block[Version.Length] != (byte)'\r' && block.Contains((byte)'\r');

    /// <summary>
    /// The headers without their status, which is never stored: replicas would take one of flow control, which goes through
    /// the log, for the origin's, and leave the message out.
    /// </summary>
    public static byte[] WithoutStatus(ReadOnlySpan<byte> block)
    {
        var rest = block[block.IndexOf((byte)'\r')..];
        return rest.SequenceEqual("\r\n\r\n"u8) ? [] : [.. Version, .. rest];
    }

    private static void SetTtl(HeaderEditor editor, long seconds)
    {
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(seconds, text, out var length);
        editor.Remove("Nats-TTL"u8);
        editor.Append("Nats-TTL"u8, text[..length]);
    }
}
