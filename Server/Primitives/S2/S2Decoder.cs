using System.Buffers;
using System.Buffers.Binary;

namespace NatsAspire.Server.Primitives.S2;

/// <summary>
/// Reads an S2 (or Snappy) stream, wherever its bytes are split. Holds at most one chunk and its decoded bytes, both
/// rented and given back as soon as they are used up; memory is taken only as bytes really arrive.
/// </summary>
public sealed class S2Decoder : IDisposable
{
    private const int FirstRent = 64 * 1024;
    private static readonly int LongestChunk = S2Block.MaxEncodedLength(S2Format.MaxBlock) + S2Format.ChecksumLength;
    private readonly byte[] _header = new byte[S2Format.ChunkHeader];
    private int _headerCount;
    private bool _begun;
    private int _skip;
    private byte[]? _chunk;
    private int _chunkCount;
    private byte[]? _decoded;
    private int _decodedStart;
    private int _decodedEnd;

    /// <summary>Decoded bytes wait: call <see cref="Decode"/> again, if only with nothing.</summary>
    public bool HasDecoded => _decodedEnd > _decodedStart;

    /// <summary>True between chunks: a stream may end here.</summary>
    public bool IsBetweenChunks => _headerCount == 0 && _skip == 0 && !HasDecoded;

    private int ChunkLength => _header[1] | (_header[2] << 8) | (_header[3] << 16);

    /// <summary>Decodes until the input is used up or the output is full.</summary>
    /// <param name="input">The next bytes of the stream.</param>
    /// <param name="output">Where decoded bytes go.</param>
    /// <param name="consumed">Bytes of the input that were used.</param>
    /// <returns>Decoded bytes.</returns>
    /// <exception cref="InvalidDataException">No such stream, or a damaged one.</exception>
    public int Decode(ReadOnlySpan<byte> input, Span<byte> output, out int consumed)
    {
        var written = 0;
        consumed = 0;
        while (true)
        {
            if (HasDecoded) written += TakeDecoded(output[written..]);
            if (HasDecoded) return written;
            if (!ReadHeader(input, ref consumed)) return written;
            if (_skip > 0)
            {
                if (!Skip(input, ref consumed)) return written;
                continue;
            }
            if (!TakeBody(input, ref consumed, out var body)) return written;
            _headerCount = 0;
            written += DecodeChunk(body, output[written..]);
            ReleaseChunk();
        }
    }

    public void Dispose()
    {
        ReleaseChunk();
        ReleaseDecoded();
    }

    private bool ReadHeader(ReadOnlySpan<byte> input, ref int consumed)
    {
        if (_headerCount == S2Format.ChunkHeader) return true;
        while (_headerCount < S2Format.ChunkHeader)
        {
            if (consumed == input.Length) return false;
            _header[_headerCount++] = input[consumed++];
        }
        var (kind, length) = (_header[0], ChunkLength);
        if (!_begun && kind != S2Format.ChunkIdentifier) throw Corrupt("no stream identifier");
        switch (kind)
        {
            case S2Format.ChunkIdentifier:
                if (length != S2Format.Identifier.Length) throw Corrupt("stream identifier of another length");
                break;
            case S2Format.ChunkCompressed or S2Format.ChunkPlain:
                if (length < S2Format.ChecksumLength || length > LongestChunk) throw Corrupt("chunk of an impossible length");
                break;
            case >= S2Format.FirstReserved and < S2Format.FirstSkippable:
                throw Corrupt($"unsupported chunk type 0x{kind:x2}");
            default:
                _skip = length;
                if (length == 0) _headerCount = 0;
                return length > 0 || ReadHeader(input, ref consumed);
        }
        return true;
    }

    private bool Skip(ReadOnlySpan<byte> input, ref int consumed)
    {
        var count = Math.Min(_skip, input.Length - consumed);
        consumed += count;
        _skip -= count;
        if (_skip > 0) return false;
        _headerCount = 0;
        return true;
    }

    /// <summary>The body of the current chunk: where it lies, if it is there as a whole, else gathered.</summary>
    private bool TakeBody(ReadOnlySpan<byte> input, ref int consumed, out ReadOnlySpan<byte> body)
    {
        var length = ChunkLength;
        if (_chunk is null && input.Length - consumed >= length)
        {
            body = input.Slice(consumed, length);
            consumed += length;
            return true;
        }
        var piece = input.Slice(consumed, Math.Min(length - _chunkCount, input.Length - consumed));
        if (!piece.IsEmpty) Gather(piece, length);
        consumed += piece.Length;
        body = _chunk.AsSpan(0, _chunkCount);
        return _chunkCount == length;
    }

    private void Gather(ReadOnlySpan<byte> piece, int length)
    {
        var needed = _chunkCount + piece.Length;
        if (_chunk is null || _chunk.Length < needed)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Min(length, Math.Max(needed, _chunk is null ? FirstRent : _chunk.Length * 2)));
            _chunk.AsSpan(0, _chunkCount).CopyTo(larger);
            if (_chunk is not null) ArrayPool<byte>.Shared.Return(_chunk);
            _chunk = larger;
        }
        piece.CopyTo(_chunk.AsSpan(_chunkCount));
        _chunkCount = needed;
    }

    /// <returns>Bytes decoded straight into the output.</returns>
    private int DecodeChunk(ReadOnlySpan<byte> body, Span<byte> output)
    {
        if (_header[0] == S2Format.ChunkIdentifier)
        {
            if (!body.SequenceEqual(S2Format.Identifier) && !body.SequenceEqual(S2Format.SnappyIdentifier)) throw Corrupt("unknown stream identifier");
            _begun = true;
            return 0;
        }
        var data = body[S2Format.ChecksumLength..];
        var isPlain = _header[0] == S2Format.ChunkPlain;
        var length = data.Length;
        if (!isPlain && !S2Block.TryGetDecodedLength(data, out length)) throw Corrupt("block without a length");
        if (length > S2Format.MaxBlock) throw Corrupt("block too large");
        if (length <= output.Length)
        {
            DecodeBlock(body, isPlain, output[..length]);
            return length;
        }
        _decoded = ArrayPool<byte>.Shared.Rent(length);
        DecodeBlock(body, isPlain, _decoded.AsSpan(0, length));
        (_decodedStart, _decodedEnd) = (0, length);
        return 0;
    }

    private static void DecodeBlock(ReadOnlySpan<byte> body, bool isPlain, Span<byte> target)
    {
        var data = body[S2Format.ChecksumLength..];
        if (isPlain) data.CopyTo(target);
        else if (!S2Block.TryDecode(data, target, out _)) throw Corrupt("damaged block");
        if (BinaryPrimitives.ReadUInt32LittleEndian(body) != S2Format.Checksum(target)) throw Corrupt("checksum mismatch");
    }

    private int TakeDecoded(Span<byte> output)
    {
        var count = Math.Min(output.Length, _decodedEnd - _decodedStart);
        _decoded.AsSpan(_decodedStart, count).CopyTo(output);
        _decodedStart += count;
        if (!HasDecoded) ReleaseDecoded();
        return count;
    }

    private void ReleaseChunk()
    {
        if (_chunk is not null) ArrayPool<byte>.Shared.Return(_chunk);
        _chunk = null;
        _chunkCount = 0;
    }

    private void ReleaseDecoded()
    {
        if (_decoded is not null) ArrayPool<byte>.Shared.Return(_decoded);
        _decoded = null;
        _decodedStart = _decodedEnd = 0;
    }

    private static InvalidDataException Corrupt(string what) => new($"s2: corrupt input: {what}");
}
