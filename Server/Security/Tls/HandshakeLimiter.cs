namespace NatsAspire.Server.Security.Tls;

/// <summary>Lets so many handshakes begin in each second.</summary>
/// <param name="perSecond">1 or more.</param>
public sealed class HandshakeLimiter(long perSecond)
{
    private readonly Lock _lock = new();
    private long _second;
    private long _count;

    /// <summary>Counts one; false when the second is full.</summary>
    /// <param name="nowMilliseconds">A monotonic clock.</param>
    public bool TryBegin(long nowMilliseconds)
    {
        lock (_lock)
        {
            if (nowMilliseconds - _second >= 1000)
            {
                _second = nowMilliseconds;
                _count = 0;
            }
            return ++_count <= perSecond;
        }
    }
}
