using System.Buffers;
using System.Threading.Tasks.Sources;

namespace NatsAspire.Server.Connections;

/// <summary>
/// The side of an SslStream that records go through. A read that finds nothing stays pending until
/// <see cref="Feed"/>; a write never waits: it is queued and drained by the channel.
/// </summary>
internal sealed class TlsWire : Stream, IValueTaskSource<int>
{
    private const byte HandshakeRecord = 0x16;
    private readonly ByteChannel _below;
    private readonly Lock _lock = new();
    private ArrayBufferWriter<byte>? _unsent;
    private int _unsentOffset;
    private byte[] _early;
    private Memory<byte> _wanted;
    private ManualResetValueTaskSourceCore<int> _source;
    private bool _isPending;
    private int _firstByte = -1;

    public TlsWire(ByteChannel below, ReadOnlySpan<byte> early)
    {
        _below = below;
        _early = early.ToArray();
    }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException("A connection has no length.");

    public override long Position
    {
        get => throw new NotSupportedException("A connection has no position.");
        set => throw new NotSupportedException("A connection has no position.");
    }

    /// <summary>The peer began with something else than a handshake of TLS.</summary>
    public bool BeganOtherwise => _firstByte is not (-1 or HandshakeRecord);

    public bool HasUnsent
    {
        get
        {
            lock (_lock) return _unsent is not null && _unsent.WrittenCount > _unsentOffset;
        }
    }

    /// <summary>Completes the pending read, if there is one and anything for it.</summary>
    public void Feed()
    {
        // A completed read may run into the next one inline; each gets its chance while data lasts.
        while (_isPending)
        {
            // A read of nothing asks to be told that there is something; so no buffer is held by those who wait long.
            var count = _wanted.IsEmpty ? 0 : ReadBelow(_wanted.Span);
            if (count == ByteChannel.WouldBlock) return;
            _isPending = false;
            _wanted = default;
            if (count == ByteChannel.Failed) _source.SetException(new IOException("The connection is gone."));
            else _source.SetResult(count);
        }
    }

    /// <summary>Passes queued records on, as far as the channel below takes them.</summary>
    /// <returns>0, or the answer of the channel below when it took not all.</returns>
    public int Drain()
    {
        lock (_lock)
        {
            while (_unsent is not null && _unsent.WrittenCount > _unsentOffset)
            {
                var sent = _below.Send(_unsent.WrittenSpan[_unsentOffset..]);
                if (sent <= 0) return sent == 0 ? ByteChannel.WouldBlock : sent;
                _unsentOffset += sent;
            }
            _unsent = null;
            _unsentOffset = 0;
            return 0;
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = buffer.IsEmpty ? Probe() : ReadBelow(buffer.Span);
        if (count >= 0) return new ValueTask<int>(count);
        if (count == ByteChannel.Failed) return ValueTask.FromException<int>(new IOException("The connection is gone."));
        _source.Reset();
        _wanted = buffer;
        _isPending = true;
        return new ValueTask<int>(this, _source.Version);
    }

    public override int Read(Span<byte> buffer) =>
        ReadBelow(buffer) is >= 0 and var count ? count : throw new IOException("Nothing to read yet.");

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        lock (_lock) (_unsent ??= new ArrayBufferWriter<byte>(buffer.Length)).Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("A connection has no position.");

    public override void SetLength(long value) => throw new NotSupportedException("A connection has no length.");

    int IValueTaskSource<int>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private int Probe() => _early.Length > 0 || _below.HasBuffered ? 0 : ByteChannel.WouldBlock;

    private int ReadBelow(Span<byte> buffer)
    {
        var count = Take(buffer);
        if (count > 0 && _firstByte < 0) _firstByte = buffer[0];
        return count;
    }

    private int Take(Span<byte> buffer)
    {
        if (_early.Length == 0) return _below.Receive(buffer);
        var count = Math.Min(buffer.Length, _early.Length);
        _early.AsSpan(0, count).CopyTo(buffer);
        _early = _early[count..];
        return count;
    }
}
