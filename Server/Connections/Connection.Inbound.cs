using System.Buffers;

namespace NatsAspire.Server.Connections;

/// <summary>
/// Reading. Data goes through the loop's shared buffer; an idle connection holds none. What is left of an
/// unfinished item waits in a stash, sized to the item when its length is known, so a large payload is
/// received in place.
/// </summary>
public abstract partial class Connection
{
    /// <summary>Above this, the rest of a stashed item is read straight into the stash.</summary>
    private const int DirectReadThreshold = 32 * 1024;

    /// <summary>Announced sizes may lie: memory beyond this is taken only as data really arrives.</summary>
    private const int TrustedStashSize = 1024 * 1024;

    private byte[]? _stash;
    private int _stashCount;
    private int _stashTarget;
    private LoopTimer? _resumeTimer;

    /// <summary>Bytes the last <see cref="OnReadable"/> read.</summary>
    internal int LastReadBytes { get; private set; }

    internal bool ReadingPaused { get; private set; }

    /// <summary>Stops reading for a while: back-pressure on a producer.</summary>
    protected void PauseReading(TimeSpan duration)
    {
        if (ReadingPaused || IsClosing) return;
        ReadingPaused = true;
        Loop.SetReading(this, false);
        Loop.Schedule(_resumeTimer ??= Loop.CreateTimer(ResumeReading), duration);
    }

    /// <summary>True while nothing is read or parsed until <see cref="ResumeSuspended"/>.</summary>
    protected bool IsSuspended { get; private set; }

    /// <summary>Stops reading and parsing; what is unparsed waits.</summary>
    protected void Suspend()
    {
        IsSuspended = true;
        ReadingPaused = true;
        Loop.SetReading(this, false);
    }

    /// <summary>Parses what waited and reads on.</summary>
    protected void ResumeSuspended()
    {
        IsSuspended = false;
        var waiting = _stash;
        var count = _stashCount;
        _stash = null;
        ReleaseStash();
        if (waiting is not null)
        {
            Process(waiting.AsSpan(0, count));
            ArrayPool<byte>.Shared.Return(waiting);
        }
        ResumeReading();
    }

    /// <summary>Reads what there is, at most one buffer full, and has it handled.</summary>
    internal void OnReadable()
    {
        LastReadBytes = 0;
        if (_closed) return;
        while (!IsClosing && !IsSuspended && LastReadBytes < IoLoop.ReceiveBufferSize)
        {
            var wanted = ReadOnce(out var received);
            if (received > 0) LastReadBytes += received;
            else if (received != ByteChannel.WouldBlock)
            {
                EndReading(received);
                return;
            }
            // A short read has emptied the socket.
            if (received < wanted && (received == ByteChannel.WouldBlock || !Channel.HasBuffered)) break;
        }
        // Layers answer some of what they read by themselves.
        if (Channel.HasUnsent) Flush();
        if (Channel.HasBuffered && !ReadingPaused) SignalReadable();
    }

    private void EndReading(int result)
    {
        if (result != 0 && Channel.Fault is { } fault) OnReadFault(fault);
        Close(result == 0 ? CloseReason.ClientClosed : CloseReason.ReadError);
    }

    private int ReadOnce(out int received)
    {
        if (_stash is not null && _stashTarget - _stashCount >= DirectReadThreshold)
        {
            return ReadIntoStash(out received);
        }
        var buffer = Loop.ReceiveBuffer.AsSpan();
        var carried = TakeStash(ref buffer, out var rented);
        var free = buffer[carried..];
        received = Channel.Receive(free);
        if (received > 0) Process(buffer[..(carried + received)]);
        else if (carried > 0) Stash(buffer[..carried], _stashTarget);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return free.Length;
    }

    private int ReadIntoStash(out int received)
    {
        if (_stashCount == _stash!.Length) GrowStash();
        var free = _stash.AsSpan(_stashCount, Math.Min(_stashTarget, _stash.Length) - _stashCount);
        received = Channel.Receive(free);
        if (received <= 0) return free.Length;
        _stashCount += received;
        if (_stashCount < _stashTarget) return free.Length;
        var full = _stash!;
        var count = _stashCount;
        _stash = null;
        _stashCount = _stashTarget = 0;
        Process(full.AsSpan(0, count));
        ArrayPool<byte>.Shared.Return(full);
        return free.Length;
    }

    /// <summary>
    /// Moves the stash to the front of the shared buffer, or, when it would leave too little room there,
    /// to the front of a larger rented one.
    /// </summary>
    private int TakeStash(ref Span<byte> buffer, out byte[]? rented)
    {
        rented = null;
        if (_stash is null) return 0;
        var carried = _stashCount;
        if (carried > buffer.Length / 2)
        {
            rented = ArrayPool<byte>.Shared.Rent(carried + IoLoop.ReceiveBufferSize);
            buffer = rented;
        }
        _stash.AsSpan(0, carried).CopyTo(buffer);
        ReleaseStashArray();
        return carried;
    }

    private void Process(ReadOnlySpan<byte> data)
    {
        var consumed = OnReceived(data);
        if (IsClosing) return;
        var left = data[consumed..];
        if (!left.IsEmpty) Stash(left, PendingItemLength);
    }

    private void Stash(ReadOnlySpan<byte> left, int target)
    {
        _stash = ArrayPool<byte>.Shared.Rent(Math.Max(left.Length, Math.Min(target, TrustedStashSize)));
        left.CopyTo(_stash);
        _stashCount = left.Length;
        _stashTarget = target;
    }

    private void GrowStash()
    {
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min((long)_stashCount * 2, _stashTarget));
        _stash.AsSpan(0, _stashCount).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_stash!);
        _stash = larger;
    }

    private void ReleaseStash()
    {
        ReleaseStashArray();
        _stashTarget = 0;
    }

    private void ReleaseStashArray()
    {
        if (_stash is not null) ArrayPool<byte>.Shared.Return(_stash);
        _stash = null;
        _stashCount = 0;
    }

    private void ResumeReading()
    {
        if (IsClosing || IsSuspended || !ReadingPaused) return;
        ReadingPaused = false;
        Loop.SetReading(this, true);
        if (Io is null || Channel.HasBuffered) SignalReadable();
    }
}
