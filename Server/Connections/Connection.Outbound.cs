using System.Runtime.CompilerServices;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Connections;

/// <summary>
/// Writing. Producers append to pooled segments under the gate; whoever ends a batch sends them, without
/// blocking and outside the gate. One thread sends at a time; what is appended meanwhile it sends as well.
/// </summary>
public abstract partial class Connection
{
    private readonly Lock _gate = new();
    private readonly Queue<Segment> _queued = new();
    private byte[]? _tail;
    private int _tailCount;
    private Segment _unsent;
    private bool _sending;
    private bool _touched;
    private bool _ioDisposed;
    private long _pending;
    private volatile bool _writeBlocked;

    /// <summary>Bytes that wait to be sent.</summary>
    public long PendingBytes => Volatile.Read(ref _pending);

    /// <summary>Bytes that may wait before the peer is a slow consumer.</summary>
    public long MaxPendingBytes { get; set; } = long.MaxValue;

    /// <summary>True while three quarters of the allowed bytes wait: producers are to slow down.</summary>
    public bool IsCongested { get; private set; }

    internal bool WriteBlocked => _writeBlocked;

    public void EnterGate() => _gate.Enter();

    public void ExitGate() => _gate.Exit();

    /// <summary>Takes the gate with no other one held: two threads that hold one and want another wait for ever.</summary>
    private Lock.Scope EnterGateOnly()
    {
        FlushBatch.ReleaseOnThisThread();
        return _gate.EnterScope();
    }

    /// <summary>Room for <paramref name="length"/> bytes at the end of the queue, to be filled at once. Under the gate.</summary>
    /// <param name="length">1..<see cref="MaxReservation"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected Span<byte> Reserve(int length)
    {
        if (_tail is null || _tail.Length - _tailCount < length) NextSegment();
        var room = _tail.AsSpan(_tailCount, length);
        _tailCount += length;
        _pending += length;
        return room;
    }

    /// <summary>Gives back the unused end of the last <see cref="Reserve"/>. Under the gate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected void Unreserve(int length)
    {
        _tailCount -= length;
        _pending -= length;
    }

    /// <summary>Largest <see cref="Reserve"/>.</summary>
    protected const int MaxReservation = SegmentPool.SegmentSize;

    /// <summary>Appends any number of bytes. Under the gate.</summary>
    protected void Append(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            if (_tail is null || _tailCount == _tail.Length) NextSegment();
            var part = data[..Math.Min(data.Length, _tail!.Length - _tailCount)];
            part.CopyTo(_tail.AsSpan(_tailCount));
            _tailCount += part.Length;
            _pending += part.Length;
            data = data[part.Length..];
        }
    }

    /// <summary>Checks the limits after appending; under the gate.</summary>
    /// <returns>False when the peer is now a slow consumer.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected bool CheckPending()
    {
        if (_pending > MaxPendingBytes - (MaxPendingBytes >> 2)) IsCongested = true;
        return _pending <= MaxPendingBytes;
    }

    /// <summary>True for the first append since the last flush: the caller puts it on its batch. Under the gate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected bool MarkTouched()
    {
        if (_touched) return false;
        _touched = true;
        return true;
    }

    /// <summary>Sends what is queued, as far as the socket takes it.</summary>
    public void Flush()
    {
        FlushBatch.ReleaseOnThisThread();
        _gate.Enter();
        _touched = false;
        if (_sending || _writeBlocked || _ioDisposed || (_pending == 0 && !Channel.HasUnsent))
        {
            _gate.Exit();
            return;
        }
        _sending = true;
        _gate.Exit();
        SendAll();
    }

    internal void OnWritable()
    {
        _writeBlocked = false;
        _handshake?.Advance();
        Flush();
        CheckRecovery();
    }

    /// <summary>Appends protocol bytes and flushes with the batch (own loop) or at once (other threads).</summary>
    protected void Enqueue(ReadOnlySpan<byte> data)
    {
        if (Loop.IsOwnThread)
        {
            Loop.Batch.Hold(this);
            Append(data);
            if (MarkTouched()) Loop.Batch.Touch(this);
            Loop.Batch.Release();
            return;
        }
        using (EnterGateOnly()) Append(data);
        Flush();
    }

    /// <summary>Appends, and has its own loop flush soon: for callers that hold locks of their own.</summary>
    protected void EnqueueNow(ReadOnlySpan<byte> data)
    {
        bool post;
        using (EnterGateOnly())
        {
            Append(data);
            post = MarkTouched();
        }
        if (post) Loop.Post(Flush);
    }

    private void SendAll()
    {
        while (true)
        {
            if (Channel.HasUnsent && Channel.Send(default) < 0 | Channel.HasUnsent)
            {
                StopSending(ByteChannel.WouldBlock);
                return;
            }
            if (_unsent.Count == 0 && !TakeNext())
            {
                // The channel may have got something to send of its own since the look above.
                if (Channel.HasUnsent) Flush();
                return;
            }
            var sent = Channel.Send(_unsent.Array.AsSpan(_unsent.Offset, _unsent.Count));
            if (sent <= 0)
            {
                StopSending(sent);
                return;
            }
            FinishSegment(sent);
        }
    }

    private void FinishSegment(int sent)
    {
        _unsent = _unsent with { Offset = _unsent.Offset + sent, Count = _unsent.Count - sent };
        var done = _unsent.Count == 0 ? _unsent.Array : null;
        if (done is not null)
        {
            _unsent = default;
            SegmentPool.Return(done);
        }
        lock (_gate)
        {
            _pending -= sent;
            _sentBytes += sent;
            if (IsCongested && _pending <= MaxPendingBytes >> 1) IsCongested = false;
        }
    }

    /// <summary>Takes the oldest segment out of the queue; none left: this thread stops being the sender.</summary>
    private bool TakeNext()
    {
        lock (_gate)
        {
            if (_queued.TryDequeue(out _unsent)) return true;
            if (_tailCount > 0)
            {
                _unsent = new Segment(_tail!, 0, _tailCount);
                _tail = null;
                _tailCount = 0;
                return true;
            }
            _sending = false;
            return false;
        }
    }

    private void StopSending(int result)
    {
        lock (_gate)
        {
            _sending = false;
            if (result == ByteChannel.WouldBlock) _writeBlocked = true;
        }
        if (result == ByteChannel.WouldBlock) Loop.WantWrite(this);
        else Close(CloseReason.WriteError);
    }

    private void NextSegment()
    {
        if (_tailCount > 0) _queued.Enqueue(new Segment(_tail!, 0, _tailCount));
        else if (_tail is not null) SegmentPool.Return(_tail);
        _tail = SegmentPool.Rent();
        _tailCount = 0;
    }

    private void FlushBeforeClose()
    {
        _writeBlocked = false;
        if (_handshake is not null)
        {
            _handshake = null;
            using (EnterGateOnly()) _sending = false;
            return;
        }
        Flush();
    }

    /// <summary>Closes the socket when no other thread is in a send on it; that thread does it otherwise.</summary>
    private void DisposeIo()
    {
        SpinWait spin = default;
        while (true)
        {
            using (EnterGateOnly())
            {
                if (!_sending)
                {
                    _ioDisposed = true;
                    break;
                }
            }
            // A send in progress never blocks, so this is short.
            spin.SpinOnce();
        }
        DropQueued();
        Channel.Closing(CloseReason);
        Channel.Dispose();
    }

    private void DropQueued()
    {
        using (EnterGateOnly())
        {
            if (_unsent.Array is not null) SegmentPool.Return(_unsent.Array);
            while (_queued.TryDequeue(out var segment)) SegmentPool.Return(segment.Array);
            if (_tail is not null) SegmentPool.Return(_tail);
            _unsent = default;
            _tail = null;
            _tailCount = 0;
            _pending = 0;
        }
    }

    private readonly record struct Segment(byte[] Array, int Offset, int Count);
}
