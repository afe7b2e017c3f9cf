namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>When the next message may go out, if not at once: a limit of bytes a second, and messages replayed in their own time.</summary>
internal sealed class DeliveryPace
{
    private const long NanosecondsPerSecond = 1_000_000_000;
    private const long Millisecond = 1_000_000;

    private double _bytesPerSecond;
    private double _burst;
    private double _tokens;
    private long _filledAt;
    private long _lastSent;
    private long _lastTimestamp;

    /// <summary>Up to this message, and as long as there is more, gaps are kept; 0: not (any more).</summary>
    public ulong ReplayThrough { get; set; }

    /// <summary>When it is to be tried again, nanoseconds since 1970; null: nothing waits.</summary>
    public long? Due { get; private set; }

    /// <summary>Sets the limit.</summary>
    /// <param name="bitsPerSecond">0: none.</param>
    /// <param name="burst">Bytes that may go at once.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    public void SetRate(ulong bitsPerSecond, long burst, long now)
    {
        var rate = bitsPerSecond / 8.0;
        if (rate == _bytesPerSecond) return;
        _bytesPerSecond = rate;
        _burst = Math.Max(1, burst);
        _tokens = _burst;
        _filledAt = now;
        Due = null;
    }

    /// <summary>Whether a message may go now; otherwise <see cref="Due"/> says when.</summary>
    public bool Allows(int size, long timestamp, long now)
    {
        Due = null;
        var wait = 0L;
        if (ReplayThrough > 0 && _lastTimestamp != 0 && timestamp - _lastTimestamp > Millisecond) wait = _lastSent + (timestamp - _lastTimestamp) - now;
        if (_bytesPerSecond > 0)
        {
            Fill(now);
            // What is larger than the burst goes when all of it is there.
            var missing = Math.Min(size, _burst) - _tokens;
            if (missing > 0) wait = Math.Max(wait, (long)Math.Ceiling(missing / _bytesPerSecond * NanosecondsPerSecond));
        }
        if (wait <= 0) return true;
        Due = now + wait;
        return false;
    }

    /// <summary>What was waited for may have come: it is to be tried again, and nobody need be woken for it any more.</summary>
    public void Tick(long now)
    {
        if (Due <= now) Due = null;
    }

    /// <summary>A message goes.</summary>
    public void Took(int size, long timestamp, long now)
    {
        if (_bytesPerSecond > 0) _tokens -= size;
        _lastSent = now;
        _lastTimestamp = timestamp;
    }

    /// <summary>There is nothing more to deliver: from now on messages come as they are published, once the old ones are through.</summary>
    public void CaughtUp(ulong next)
    {
        Due = null;
        if (next > ReplayThrough) ReplayThrough = 0;
    }

    private void Fill(long now)
    {
        if (now <= _filledAt) return;
        _tokens = Math.Min(_burst, _tokens + ((now - _filledAt) * _bytesPerSecond / NanosecondsPerSecond));
        _filledAt = now;
    }
}
