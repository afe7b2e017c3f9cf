namespace NatsAspire.Server.Primitives.S2;

/// <summary>Blocks of S2: a whole value compressed at once.</summary>
public static partial class S2Block
{
    private const int MaxLengthBytes = 5;

    /// <summary>Room a block of this many bytes takes at worst.</summary>
    public static int MaxEncodedLength(int length) => checked(length + MaxLengthBytes + MaxLengthBytes);

    /// <summary>Compresses a value, with the S2 extensions.</summary>
    /// <param name="source">The value.</param>
    /// <param name="target">At least <see cref="MaxEncodedLength"/> bytes.</param>
    /// <param name="effort">With <see cref="S2Effort.None"/> the block is one literal.</param>
    /// <returns>Bytes written.</returns>
    public static int Encode(ReadOnlySpan<byte> source, Span<byte> target, S2Effort effort = S2Effort.Fast)
    {
        var written = WriteLength(source.Length, target);
        if (source.IsEmpty) return written;
        var body = effort switch
        {
            S2Effort.None => 0,
            S2Effort.Better => EncodeSearching(source, target[written..], BetterDepth),
            S2Effort.Best => EncodeSearching(source, target[written..], BestDepth),
            _ => EncodeBody(source, target[written..]),
        };
        return written + (body > 0 ? body : EmitLiteral(source, target[written..]));
    }

    /// <summary>The same into an array of its own.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> source, S2Effort effort = S2Effort.Fast)
    {
        var target = System.Buffers.ArrayPool<byte>.Shared.Rent(MaxEncodedLength(source.Length));
        var length = Encode(source, target, effort);
        var block = target.AsSpan(0, length).ToArray();
        System.Buffers.ArrayPool<byte>.Shared.Return(target);
        return block;
    }

    /// <summary>Length of the value in a block; ask before taking memory for it.</summary>
    /// <returns>False when the block does not begin with a length of 32 bits.</returns>
    public static bool TryGetDecodedLength(ReadOnlySpan<byte> block, out int length) => TryReadLength(block, out length, out _);

    /// <summary>Decompresses a block.</summary>
    /// <param name="block">The whole block.</param>
    /// <param name="target">At least as long as its value.</param>
    /// <param name="written">Length of the value.</param>
    /// <returns>False when the block is damaged or the target too small.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> block, Span<byte> target, out int written)
    {
        if (!TryReadLength(block, out written, out var consumed) || written > target.Length) return false;
        return DecodeBody(block[consumed..], target[..written]);
    }

    /// <summary>Decompresses a block into an array of its own.</summary>
    /// <param name="block">The whole block.</param>
    /// <param name="limit">Longest value that is wanted, in bytes.</param>
    /// <exception cref="InvalidDataException">The block is damaged or its value too long.</exception>
    public static byte[] Decode(ReadOnlySpan<byte> block, int limit)
    {
        if (!TryGetDecodedLength(block, out var length)) throw new InvalidDataException("s2: corrupt input");
        if (length > limit) throw new InvalidDataException("s2: decoded block is too large");
        // No operation makes more than 2^24 + 65540 bytes of 5: what claims more lies, and gets no memory.
        if (length > (long)block.Length * MaxExpansion) throw new InvalidDataException("s2: corrupt input");
        var value = new byte[length];
        return TryDecode(block, value, out _) ? value : throw new InvalidDataException("s2: corrupt input");
    }

    private const long MaxExpansion = (1 << 24) + S2Format.Repeat24Base;

    private static int WriteLength(int length, Span<byte> target)
    {
        var at = 0;
        var rest = (uint)length;
        while (rest >= 0x80)
        {
            target[at++] = (byte)(rest | 0x80);
            rest >>= 7;
        }
        target[at++] = (byte)rest;
        return at;
    }

    private static bool TryReadLength(ReadOnlySpan<byte> block, out int length, out int consumed)
    {
        ulong value = 0;
        for (var i = 0; i < block.Length && i < MaxLengthBytes; i++)
        {
            value |= (ulong)(block[i] & 0x7F) << (7 * i);
            if (block[i] >= 0x80) continue;
            consumed = i + 1;
            length = (int)Math.Min(value, int.MaxValue);
            return value <= int.MaxValue;
        }
        (length, consumed) = (0, 0);
        return false;
    }
}
