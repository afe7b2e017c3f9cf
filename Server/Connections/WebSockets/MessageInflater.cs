using System.IO.Compression;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>
/// Decompresses one message of permessage-deflate as its bytes come in. Nothing is gathered: input that does not fit
/// the output yet stays with the caller, so a bomb costs no memory, and <paramref name="limit"/> ends it.
/// </summary>
/// <param name="limit">Bytes a message may have, compressed or not.</param>
internal sealed class MessageInflater(long limit) : IDisposable
{
    private readonly InputStream _input = new();
    private DeflateStream? _inflate;
    private bool _ended;
    private long _consumed;
    private long _produced;

    /// <summary>A message has begun and is not over.</summary>
    public bool IsActive => _inflate is not null;

    /// <summary>More bytes came, or came out, than are allowed.</summary>
    public bool IsTooLarge => _consumed > limit || _produced > limit;

    /// <summary>Hands in the next piece; it must stay unchanged until <see cref="Read"/> returned 0.</summary>
    /// <returns>False when the message is too large.</returns>
    public bool Feed(ReadOnlyMemory<byte> piece, bool endsMessage)
    {
        _inflate ??= new DeflateStream(_input, CompressionMode.Decompress, leaveOpen: true);
        _consumed += piece.Length;
        _input.Add(piece, endsMessage);
        _ended = endsMessage;
        return !IsTooLarge;
    }

    /// <summary>Decompressed bytes; 0: hand in more, or the message is over.</summary>
    /// <exception cref="InvalidDataException">Not a deflate stream, or one that is too large.</exception>
    public int Read(Span<byte> target)
    {
        var count = _inflate!.Read(target);
        _produced += count;
        if (IsTooLarge) throw new InvalidDataException("The message is too large.");
        if (count == 0 && _ended) Reset();
        return count;
    }

    public void Dispose() => Reset();

    private void Reset()
    {
        _inflate?.Dispose();
        _inflate = null;
        _input.Clear();
        _consumed = _produced = 0;
        _ended = false;
    }

    /// <summary>The pieces as a stream; 0 where it has none does not end it.</summary>
    private sealed class InputStream : Stream
    {
        /// <summary>The marker that senders leave out, and an empty last block, so that the inflater ends.</summary>
        private static readonly byte[] Tail = [0x00, 0x00, 0xFF, 0xFF, 0x01, 0x00, 0x00, 0xFF, 0xFF];
        private ReadOnlyMemory<byte> _piece;
        private ReadOnlyMemory<byte> _tail;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException("A message under way has no length.");

        public override long Position
        {
            get => throw new NotSupportedException("A message under way has no position.");
            set => throw new NotSupportedException("A message under way has no position.");
        }

        public void Add(ReadOnlyMemory<byte> piece, bool endsMessage)
        {
            _piece = piece;
            if (endsMessage) _tail = Tail;
        }

        public void Clear() => _piece = _tail = default;

        public override int Read(Span<byte> buffer)
        {
            if (_piece.IsEmpty) (_piece, _tail) = (_tail, default);
            var count = Math.Min(buffer.Length, _piece.Length);
            _piece.Span[..count].CopyTo(buffer);
            _piece = _piece[count..];
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("A message under way has no position.");

        public override void SetLength(long value) => throw new NotSupportedException("A message under way has no length.");

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Messages are only read here.");
    }
}
