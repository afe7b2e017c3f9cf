namespace NatsAspire.Server.Primitives.S2;

/// <summary>Makes an S2 stream: an identifier, then chunks with checksums. Each call's chunks can be decoded at once.</summary>
public sealed class S2Encoder
{
    private const int IdentifierLength = S2Format.ChunkHeader + 6;
    private const int ChunkOverhead = S2Format.ChunkHeader + S2Format.ChecksumLength;

    /// <summary>Smaller chunks are not worth a table of positions.</summary>
    private const int CompressionThreshold = 32;

    private readonly int _blockSize;
    private bool _begun;
    private volatile S2Effort _effort = S2Effort.Fast;

    /// <param name="blockSize">Decoded bytes of a chunk, 1..4 MiB.</param>
    public S2Encoder(int blockSize = 1024 * 1024)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(blockSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(blockSize, S2Format.MaxBlock);
        _blockSize = blockSize;
    }

    /// <summary>May change at any time; holds from the next chunk on. Without any, chunks are stored as they are.</summary>
    public S2Effort Effort
    {
        get => _effort;
        set => _effort = value;
    }

    /// <summary>Room that encoding so many bytes takes at worst.</summary>
    public int MaxLength(int length) => checked(IdentifierLength + length + ((length / _blockSize) + 1) * (ChunkOverhead + 10));

    /// <summary>Encodes the next bytes of the stream, all of them.</summary>
    /// <param name="data">Any number of bytes.</param>
    /// <param name="target">At least <see cref="MaxLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public int Encode(ReadOnlySpan<byte> data, Span<byte> target)
    {
        var written = 0;
        if (!_begun)
        {
            _begun = true;
            WriteHeader(S2Format.ChunkIdentifier, S2Format.Identifier.Length, target);
            S2Format.Identifier.CopyTo(target[S2Format.ChunkHeader..]);
            written = IdentifierLength;
        }
        while (!data.IsEmpty)
        {
            var block = data[..Math.Min(data.Length, _blockSize)];
            written += EncodeChunk(block, target[written..]);
            data = data[block.Length..];
        }
        return written;
    }

    /// <summary>A whole stream of these bytes.</summary>
    public static byte[] EncodeAll(ReadOnlySpan<byte> data)
    {
        var encoder = new S2Encoder();
        var target = System.Buffers.ArrayPool<byte>.Shared.Rent(encoder.MaxLength(data.Length));
        var stream = target.AsSpan(0, encoder.Encode(data, target)).ToArray();
        System.Buffers.ArrayPool<byte>.Shared.Return(target);
        return stream;
    }

    /// <summary>Begins another stream.</summary>
    public void Reset() => _begun = false;

    private int EncodeChunk(ReadOnlySpan<byte> block, Span<byte> target)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(target[S2Format.ChunkHeader..], S2Format.Checksum(block));
        var body = target[ChunkOverhead..];
        var effort = _effort;
        var length = effort != S2Effort.None && block.Length >= CompressionThreshold ? S2Block.Encode(block, body, effort) : block.Length;
        var kind = S2Format.ChunkCompressed;
        if (length >= block.Length)
        {
            block.CopyTo(body);
            length = block.Length;
            kind = S2Format.ChunkPlain;
        }
        WriteHeader(kind, length + S2Format.ChecksumLength, target);
        return ChunkOverhead + length;
    }

    private static void WriteHeader(byte kind, int length, Span<byte> target)
    {
        target[0] = kind;
        target[1] = (byte)length;
        target[2] = (byte)(length >> 8);
        target[3] = (byte)(length >> 16);
    }
}
