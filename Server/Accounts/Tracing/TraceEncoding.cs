using System.IO.Compression;
using System.Text;
using NatsAspire.Server.Primitives.S2;

namespace NatsAspire.Server.Accounts.Tracing;

/// <summary>Events as their receiver wants them.</summary>
internal static class TraceEncoding
{
    /// <summary>Most bytes of a chunk of a Snappy stream.</summary>
    private const int SnappyBlock = 64 * 1024;

    /// <summary>Encodes an event.</summary>
    /// <param name="json">The event.</param>
    /// <param name="accepted">The message's Accept-Encoding; null: JSON as it is.</param>
    /// <param name="headers">A block that says how it is encoded; empty: not at all.</param>
    public static byte[] Encode(byte[] json, string? accepted, out byte[] headers)
    {
        var (name, payload) = accepted?.ToLowerInvariant() switch
        {
            null => ("", json),
            var wanted when wanted.Contains("snappy") || wanted.Contains("s2") => ("snappy", Snappy(json)),
            var wanted when wanted.Contains("gzip") => ("gzip", GZip(json)),
            _ => ("identity", json),
        };
        headers = name.Length == 0 ? [] : Encoding.ASCII.GetBytes($"NATS/1.0\r\nContent-Encoding: {name}\r\n\r\n");
        return payload;
    }

    private static byte[] GZip(byte[] json)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest)) gzip.Write(json);
        return output.ToArray();
    }

    /// <summary>
    /// A Snappy stream of chunks as they are: S2's blocks may hold operations that Snappy does not know, and the
    /// stream's form is what a receiver who asks for it needs.
    /// </summary>
    private static byte[] Snappy(byte[] json)
    {
        var encoder = new S2Encoder(SnappyBlock) { Effort = S2Effort.None };
        var stream = new byte[encoder.MaxLength(json.Length)];
        var length = encoder.Encode(json, stream);
        S2Format.SnappyIdentifier.CopyTo(stream.AsSpan(S2Format.ChunkHeader));
        return stream[..length];
    }
}
