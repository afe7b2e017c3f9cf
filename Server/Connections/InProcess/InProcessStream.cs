namespace NatsAspire.Server.Connections.InProcess;

/// <summary>
/// The client's end: a duplex stream. One reader and one writer at a time, as with a socket; a read returns 0 when
/// the server has closed, a write then throws <see cref="IOException"/>.
/// </summary>
internal sealed class InProcessStream : Stream
{
    private readonly BoundedPipe _in;
    private readonly BoundedPipe _out;
    private readonly Signal _readable = new();
    private readonly Signal _writable = new();
    private int _disposed;

    public InProcessStream(BoundedPipe fromServer, BoundedPipe toServer)
    {
        _in = fromServer;
        _out = toServer;
        _in.Readable = _readable.Set;
        _out.Writable = _writable.Set;
    }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        if (buffer.IsEmpty) return 0;
        while (true)
        {
            var changed = _readable.Next;
            var read = _in.TryRead(buffer.Span);
            if (read >= 0) return read;
            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
            ThrowIfDisposed();
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            ThrowIfDisposed();
            var changed = _writable.Next;
            var taken = _out.TryWrite(buffer.Span);
            if (taken == ByteChannel.Failed) throw new IOException("The server has closed the connection.");
            if (taken > 0) buffer = buffer[taken..];
            else await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override void Write(byte[] buffer, int offset, int count) =>
        WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override void Flush()
    {
        // What is written is with the server already.
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _out.Complete();
            _in.Abandon();
            _readable.Set();
            _writable.Set();
        }
        base.Dispose(disposing);
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);

    /// <summary>Tells one waiter that something has changed since it asked for <see cref="Next"/>.</summary>
    private sealed class Signal
    {
        private TaskCompletionSource _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Next => Volatile.Read(ref _source).Task;

        public void Set() =>
            Interlocked.Exchange(ref _source, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }
}
