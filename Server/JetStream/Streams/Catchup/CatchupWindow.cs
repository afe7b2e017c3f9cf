namespace NatsAspire.Server.JetStream.Streams.Catchup;

/// <summary>
/// Bytes that a server has under way to replicas that are behind, over all streams. Those who send share it evenly, so
/// that a large stream does not keep small ones waiting. Any thread.
/// </summary>
/// <param name="limit">Bytes (<c>max_outstanding_catchup</c>).</param>
public sealed class CatchupWindow(long limit = CatchupWindow.Default)
{
    /// <summary>As upstream.</summary>
    public const long Default = 64L << 20;

    private long _bytes;
    private int _members;

    /// <summary>Bytes under way.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Who send at present.</summary>
    public int Members => Volatile.Read(ref _members);

    internal CatchupShare Join()
    {
        Interlocked.Increment(ref _members);
        return new CatchupShare(this);
    }

    internal void Leave(long bytes)
    {
        Interlocked.Decrement(ref _members);
        Add(-bytes);
    }

    internal void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);

    internal bool HasRoomFor(long bytes) => Bytes < limit && bytes < Math.Max(1, limit / Math.Max(1, Members));
}

/// <summary>What one sender has of a window. One thread.</summary>
/// <param name="window">The server's.</param>
internal sealed class CatchupShare(CatchupWindow window)
{
    private bool _hasLeft;

    /// <summary>Bytes under way.</summary>
    public long Bytes { get; private set; }

    public bool HasRoom => window.HasRoomFor(Bytes);

    public void Add(long bytes)
    {
        Bytes += bytes;
        window.Add(bytes);
    }

    /// <summary>Bytes have arrived. Whoever acknowledges more than there is gains nothing by it.</summary>
    public void Remove(long bytes)
    {
        bytes = Math.Clamp(bytes, 0, Bytes);
        if (_hasLeft) return;
        Bytes -= bytes;
        window.Add(-bytes);
    }

    public void Leave()
    {
        if (_hasLeft) return;
        _hasLeft = true;
        window.Leave(Bytes);
        Bytes = 0;
    }
}
