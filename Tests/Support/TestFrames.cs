using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace NatsAspire.Tests.Support;

/// <summary>One frame as a test reads it.</summary>
public sealed record TestFrame(int Opcode, bool Final, bool Compressed, bool Masked, byte[] Payload)
{
    public string Text => Encoding.Latin1.GetString(Payload);

    /// <summary>Status and text of a close frame.</summary>
    public (int Status, string Text) Close => (BinaryPrimitives.ReadUInt16BigEndian(Payload), Encoding.UTF8.GetString(Payload.AsSpan(2)));
}

/// <summary>WebSocket frames made and read by hand, without the server's code.</summary>
public static class TestFrames
{
    public const int Continuation = 0;
    public const int Text = 1;
    public const int Binary = 2;
    public const int Close = 8;
    public const int Ping = 9;
    public const int Pong = 10;
    private static readonly byte[] Key = [0x37, 0xfa, 0x21, 0x3d];

    public static byte[] Of(string payload, int opcode = Binary, bool final = true, bool compressed = false, bool masked = true) =>
        Of(Encoding.Latin1.GetBytes(payload), opcode, final, compressed, masked);

    public static byte[] Of(byte[] payload, int opcode = Binary, bool final = true, bool compressed = false, bool masked = true)
    {
        var frame = new List<byte> { (byte)((final ? 0x80 : 0) | (compressed ? 0x40 : 0) | opcode) };
        var mask = masked ? 0x80 : 0;
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(length, (ulong)payload.Length);
        if (payload.Length <= 125) frame.Add((byte)(mask | payload.Length));
        else if (payload.Length <= 65535) frame.AddRange([(byte)(mask | 126), .. length[6..]]);
        else frame.AddRange([(byte)(mask | 127), .. length]);
        if (!masked) return [.. frame, .. payload];
        return [.. frame, .. Key, .. payload.Select((one, i) => (byte)(one ^ Key[i & 3]))];
    }

    public static byte[] OfClose(int status, string text = "")
    {
        var payload = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)status);
        return Of([.. payload, .. Encoding.UTF8.GetBytes(text)], Close);
    }

    /// <summary>Takes the first frame off the bytes; null: it is not whole yet.</summary>
    public static TestFrame? Read(ReadOnlySpan<byte> data, out int consumed)
    {
        consumed = 0;
        if (data.Length < 2) return null;
        var length = (ulong)(data[1] & 0x7F);
        var at = 2 + (length == 126 ? 2 : length == 127 ? 8 : 0);
        var masked = (data[1] & 0x80) != 0;
        if (data.Length < at + (masked ? 4 : 0)) return null;
        if (length == 126) length = BinaryPrimitives.ReadUInt16BigEndian(data[2..]);
        else if (length == 127) length = BinaryPrimitives.ReadUInt64BigEndian(data[2..]);
        var key = masked ? data.Slice(at, 4).ToArray() : [0, 0, 0, 0];
        if (masked) at += 4;
        if ((ulong)(data.Length - at) < length) return null;
        consumed = at + (int)length;
        var payload = data[at..consumed].ToArray().Select((one, i) => (byte)(one ^ key[i & 3])).ToArray();
        return new TestFrame(data[0] & 0x0F, (data[0] & 0x80) != 0, (data[0] & 0x40) != 0, masked, payload);
    }

    /// <summary>Reads all frames of the bytes; they have to be whole.</summary>
    public static List<TestFrame> ReadAll(ReadOnlySpan<byte> data)
    {
        var frames = new List<TestFrame>();
        while (Read(data, out var consumed) is { } frame)
        {
            frames.Add(frame);
            data = data[consumed..];
        }
        data.Length.ShouldBe(0, "bytes after the last whole frame");
        return frames;
    }

    public static byte[] Deflate(string text) => Deflate(Encoding.Latin1.GetBytes(text));

    /// <summary>A message as permessage-deflate has it: without the marker at its end.</summary>
    public static byte[] Deflate(byte[] data)
    {
        if (data.Length == 0) return [0];
        using var output = new MemoryStream();
        using var deflate = new DeflateStream(output, CompressionLevel.Optimal, leaveOpen: true);
        deflate.Write(data);
        deflate.Flush();
        return output.ToArray()[..^4];
    }

    public static byte[] Inflate(byte[] message)
    {
        using var input = new MemoryStream([.. message, 0, 0, 0xFF, 0xFF, 1, 0, 0, 0xFF, 0xFF]);
        using var inflate = new DeflateStream(input, CompressionMode.Decompress);
        using var output = new MemoryStream();
        inflate.CopyTo(output);
        return output.ToArray();
    }
}
