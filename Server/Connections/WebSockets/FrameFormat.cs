using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>
/// The bytes of a frame (RFC 6455, 5.2).
/// <code>
/// frame = %b(final rsv1 rsv2 rsv3 opcode) %b(mask length7) [length16 | length64] [key(4)] payload
/// </code>
/// </summary>
internal static class FrameFormat
{
    public const int FinalBit = 0x80;
    public const int CompressedBit = 0x40;
    public const int ReservedBits = 0x30;
    public const int OpcodeBits = 0x0F;
    public const int MaskBit = 0x80;
    public const int LengthBits = 0x7F;

    /// <summary>Length field that says: two bytes of length follow.</summary>
    public const int Length16 = 126;

    /// <summary>Length field that says: eight bytes of length follow.</summary>
    public const int Length64 = 127;

    public const int KeyLength = 4;

    /// <summary>The longest header, its key included.</summary>
    public const int MaxHeader = 14;

    /// <summary>The longest payload of a control frame.</summary>
    public const int MaxControlPayload = 125;

    /// <summary>Writes a header; the key, if any, is its end.</summary>
    /// <param name="target">At least <see cref="MaxHeader"/> bytes.</param>
    /// <param name="first">First byte: opcode and bits.</param>
    /// <param name="length">Of the payload.</param>
    /// <param name="key">Masking key; empty: the payload is not masked.</param>
    /// <returns>Length of the header.</returns>
    public static int WriteHeader(Span<byte> target, int first, int length, ReadOnlySpan<byte> key)
    {
        var mask = key.IsEmpty ? 0 : MaskBit;
        var written = 2;
        target[0] = (byte)first;
        if (length < Length16) target[1] = (byte)(mask | length);
        else if (length <= ushort.MaxValue)
        {
            target[1] = (byte)(mask | Length16);
            BinaryPrimitives.WriteUInt16BigEndian(target[2..], (ushort)length);
            written = 4;
        }
        else
        {
            target[1] = (byte)(mask | Length64);
            BinaryPrimitives.WriteUInt64BigEndian(target[2..], (ulong)length);
            written = 10;
        }
        key.CopyTo(target[written..]);
        return written + key.Length;
    }

    /// <summary>Masks or unmasks in place.</summary>
    /// <param name="data">A piece of a payload.</param>
    /// <param name="key">Key as the header has it, in memory order.</param>
    /// <param name="offset">Where in the payload the piece begins.</param>
    public static void Mask(Span<byte> data, uint key, long offset)
    {
        var shift = (int)(offset & 3) * 8;
        var turned = BitConverter.IsLittleEndian
            ? uint.RotateRight(key, shift)
            : uint.RotateLeft(key, shift);
        var wide = ((ulong)turned << 32) | turned;
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        for (var i = 0; i < words.Length; i++) words[i] ^= wide;
        Span<byte> single = stackalloc byte[sizeof(ulong)];
        MemoryMarshal.Write(single, wide);
        var rest = data[(words.Length * sizeof(ulong))..];
        for (var i = 0; i < rest.Length; i++) rest[i] ^= single[i];
    }
}
