using System.IO.Compression;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>Compresses one message of permessage-deflate, without the context of those before it.</summary>
internal static class MessageDeflater
{
    /// <summary>The end of a flush, which is left out on the wire.</summary>
    private const int MarkerLength = 4;

    /// <summary>Room that compressing <paramref name="length"/> bytes takes at worst.</summary>
    public static int MaxLength(int length) => length + (length / 4) + 256;

    /// <summary>Compresses; the result is cut off where it is no smaller.</summary>
    /// <param name="data">A whole message.</param>
    /// <param name="target">At least <see cref="MaxLength"/> bytes.</param>
    /// <returns>Compressed bytes, or 0: better sent as it is.</returns>
    public static int Compress(ReadOnlySpan<byte> data, byte[] target)
    {
        using var output = new MemoryStream(target);
        using var deflate = new DeflateStream(output, CompressionLevel.Fastest, leaveOpen: true);
        deflate.Write(data);
        deflate.Flush();
        var length = (int)output.Position - MarkerLength;
        return length < data.Length ? length : 0;
    }
}
