namespace NatsAspire.Server.Connections;

/// <summary>
/// Peers that read too slowly. When the socket takes no more, what waits then has the write deadline to go out. Late
/// means slow; a slow peer is closed, or, where it is worth keeping, only if it took nothing at all.
/// </summary>
public abstract partial class Connection
{
    private LoopTimer? _deadlineTimer;
    private long _sentBytes;
    private long _deadlineFrom;
    private long _deadlineTo;
    private long _deadlineStarted;
    private bool _deadlineRuns;
    private bool _isSlow;

    /// <summary>How long the peer may take for what waits; infinite: as long as it likes.</summary>
    protected virtual TimeSpan WriteDeadline => Timeout.InfiniteTimeSpan;

    /// <summary>A slow peer that takes something is kept.</summary>
    protected virtual bool KeepsSlowPeer => false;

    /// <summary>The deadline has passed.</summary>
    /// <param name="isKnown">The peer has been slow before and did not recover.</param>
    /// <param name="text">What happened, for the log.</param>
    protected virtual void OnSlowPeer(bool isKnown, string text)
    {
    }

    /// <summary>A peer that was slow has taken all that waited.</summary>
    protected virtual void OnPeerRecovered(string text)
    {
    }

    internal void NotifyWriteBlocked()
    {
        if (_writeBlocked && !IsClosing && !_deadlineRuns) StartDeadline();
    }

    private void StartDeadline()
    {
        var deadline = WriteDeadline;
        if (deadline == Timeout.InfiniteTimeSpan) return;
        using (EnterGateOnly()) (_deadlineFrom, _deadlineTo) = (_sentBytes, _sentBytes + _pending);
        _deadlineStarted = Loop.NowMilliseconds;
        _deadlineRuns = true;
        Loop.Schedule(_deadlineTimer ??= Loop.CreateTimer(CheckDeadline), deadline);
    }

    private void CheckDeadline()
    {
        _deadlineRuns = false;
        if (IsClosing) return;
        var sent = Volatile.Read(ref _sentBytes);
        if (sent < _deadlineTo)
        {
            OnSlowPeer(_isSlow, $"WriteDeadline of {WriteDeadline.TotalSeconds:0.###}s exceeded with {_deadlineTo - _deadlineFrom} total bytes.");
            _isSlow = true;
            if (!KeepsSlowPeer || sent == _deadlineFrom)
            {
                Close(CloseReason.SlowConsumerWriteDeadline);
                return;
            }
        }
        if (_writeBlocked) StartDeadline();
    }

    /// <summary>After a send on the loop's thread.</summary>
    private void CheckRecovery()
    {
        if (!_isSlow || Volatile.Read(ref _sentBytes) < _deadlineTo) return;
        _isSlow = false;
        OnPeerRecovered($"Flush took {(Loop.NowMilliseconds - _deadlineStarted) / 1000.0:0.000}s with {_deadlineTo - _deadlineFrom} total bytes.");
    }
}
