namespace NatsAspire.Server.Connections.InProcess;

/// <summary>
/// Bytes in one direction between two threads: a ring of fixed size. Neither side blocks; who finds it full or empty
/// is told when that has changed.
/// </summary>
/// <param name="capacity">Bytes it holds at most.</param>
internal sealed class BoundedPipe(int capacity)
{
    private readonly Lock _lock = new();
    private byte[]? _ring;
    private int _start;
    private int _count;
    private bool _writerWaits;
    private bool _completed;
    private bool _abandoned;

    /// <summary>Called, outside all locks, when there is something to read where nothing was: bytes or the end.</summary>
    public Action? Readable { get; set; }

    /// <summary>Called, outside all locks, when there is room for a writer who found none, or no reader any more.</summary>
    public Action? Writable { get; set; }

    /// <summary>True when a read would find bytes or the end.</summary>
    public bool HasData
    {
        get
        {
            lock (_lock) return _count > 0 || _completed;
        }
    }

    /// <summary>Bytes taken, <see cref="ByteChannel.WouldBlock"/>, or <see cref="ByteChannel.Failed"/> when nobody reads.</summary>
    public int TryWrite(ReadOnlySpan<byte> data)
    {
        bool wake;
        int taken;
        lock (_lock)
        {
            if (_abandoned || _completed) return ByteChannel.Failed;
            if (data.IsEmpty) return 0;
            if (_count == capacity)
            {
                _writerWaits = true;
                return ByteChannel.WouldBlock;
            }
            wake = _count == 0;
            taken = Put(data);
        }
        if (wake) Readable?.Invoke();
        return taken;
    }

    /// <summary>Bytes read, 0 at the end, or <see cref="ByteChannel.WouldBlock"/>.</summary>
    public int TryRead(Span<byte> buffer)
    {
        bool wake;
        int read;
        lock (_lock)
        {
            if (_count == 0) return _completed ? 0 : ByteChannel.WouldBlock;
            read = Get(buffer);
            wake = _writerWaits && read > 0;
            if (wake) _writerWaits = false;
        }
        if (wake) Writable?.Invoke();
        return read;
    }

    /// <summary>The writer has said all; the reader finds the end behind what waits.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            if (_completed) return;
            _completed = true;
        }
        Readable?.Invoke();
    }

    /// <summary>The reader has gone; what waits is forgotten and writes fail.</summary>
    public void Abandon()
    {
        lock (_lock)
        {
            if (_abandoned) return;
            _abandoned = true;
            _count = 0;
            _ring = null;
        }
        Writable?.Invoke();
    }

    private int Put(ReadOnlySpan<byte> data)
    {
        _ring ??= GC.AllocateUninitializedArray<byte>(capacity);
        var taken = Math.Min(data.Length, capacity - _count);
        var end = (_start + _count) % capacity;
        var first = Math.Min(taken, capacity - end);
        data[..first].CopyTo(_ring.AsSpan(end));
        data[first..taken].CopyTo(_ring);
        _count += taken;
        return taken;
    }

    private int Get(Span<byte> buffer)
    {
        var read = Math.Min(buffer.Length, _count);
        var first = Math.Min(read, capacity - _start);
        _ring.AsSpan(_start, first).CopyTo(buffer);
        _ring.AsSpan(0, read - first).CopyTo(buffer[first..]);
        _start = (_start + read) % capacity;
        _count -= read;
        if (_count == 0) _start = 0;
        return read;
    }
}
