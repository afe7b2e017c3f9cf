using System.Buffers.Binary;

namespace NatsAspire.Server.Primitives.S2;

/// <summary>Decompression: every length and offset is checked before it is used.</summary>
public static partial class S2Block
{
    /// <summary>Carries out the operations; they must fill the target to its last byte.</summary>
    private static bool DecodeBody(ReadOnlySpan<byte> source, Span<byte> target)
    {
        var (at, filled, offset) = (0, 0, 0);
        while (at < source.Length)
        {
            var tag = source[at];
            int length;
            if ((tag & 3) == S2Format.Literal)
            {
                if (!ReadLiteral(source, ref at, out length) || length > source.Length - at || length > target.Length - filled) return false;
                source.Slice(at, length).CopyTo(target[filled..]);
                at += length;
            }
            else
            {
                if (!ReadCopy(source, ref at, ref offset, out length)) return false;
                if (offset <= 0 || offset > filled || length > target.Length - filled) return false;
                Repeat(target, filled, offset, length);
            }
            filled += length;
        }
        return filled == target.Length;
    }

    private static bool ReadLiteral(ReadOnlySpan<byte> source, ref int at, out int length)
    {
        length = (source[at++] >> 2) + 1;
        if (length <= S2Format.ShortLiteral) return true;
        var bytes = length - S2Format.ShortLiteral;
        if (!ReadNumber(source, ref at, bytes, out var number) || number >= int.MaxValue) return false;
        length = (int)number + 1;
        return true;
    }

    private static bool ReadCopy(ReadOnlySpan<byte> source, ref int at, ref int offset, out int length)
    {
        var tag = source[at++];
        uint number;
        switch (tag & 3)
        {
            case S2Format.Copy1:
                length = ((tag >> 2) & 7) + S2Format.MinCopy;
                if (at == source.Length) return false;
                var near = ((tag & 0xE0) << 3) | source[at++];
                if (near == 0) return ReadRepeatLength(source, ref at, (tag >> 2) & 7, out length);
                offset = near;
                return true;
            case S2Format.Copy2:
                length = (tag >> 2) + 1;
                if (!ReadNumber(source, ref at, sizeof(ushort), out number)) return false;
                offset = (int)number;
                return true;
            default:
                length = (tag >> 2) + 1;
                if (!ReadNumber(source, ref at, sizeof(uint), out number) || number > int.MaxValue) return false;
                offset = (int)number;
                return true;
        }
    }

    private static bool ReadRepeatLength(ReadOnlySpan<byte> source, ref int at, int field, out int length)
    {
        length = field + S2Format.MinCopy;
        if (field < S2Format.Repeat8) return true;
        if (!ReadNumber(source, ref at, field - S2Format.Repeat8 + 1, out var number)) return false;
        length = (int)number + field switch
        {
            S2Format.Repeat8 => S2Format.Repeat8Base,
            S2Format.Repeat16 => S2Format.Repeat16Base,
            _ => S2Format.Repeat24Base,
        };
        return true;
    }

    private static bool ReadNumber(ReadOnlySpan<byte> source, ref int at, int bytes, out uint number)
    {
        number = 0;
        if (source.Length - at < bytes) return false;
        if (bytes == sizeof(uint)) number = BinaryPrimitives.ReadUInt32LittleEndian(source[at..]);
        else
        {
            for (var i = 0; i < bytes; i++) number |= (uint)source[at + i] << (8 * i);
        }
        at += bytes;
        return true;
    }

    /// <summary>Copies from <paramref name="offset"/> bytes before; where the two overlap, what was copied repeats.</summary>
    private static void Repeat(Span<byte> target, int filled, int offset, int length)
    {
        var from = filled - offset;
        while (length > 0)
        {
            var count = Math.Min(length, filled - from);
            target.Slice(from, count).CopyTo(target[filled..]);
            filled += count;
            length -= count;
        }
    }
}
