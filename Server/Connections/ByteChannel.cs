namespace NatsAspire.Server.Connections;

/// <summary>
/// A way for bytes that never blocks: a socket, memory, or a layer (TLS, WebSocket frames, compression) over another
/// channel. Receiving belongs to the connection's loop; sending to one thread at a time, maybe another one.
/// </summary>
public abstract class ByteChannel : IDisposable
{
    /// <summary>Answer of a call that would have had to wait.</summary>
    public const int WouldBlock = -1;

    /// <summary>Answer of a call on a connection that is gone.</summary>
    public const int Failed = -2;

    /// <summary>
    /// True when bytes may wait inside although the channel below is silent: receive again before waiting for it.
    /// </summary>
    public virtual bool HasBuffered => false;

    /// <summary>
    /// True when accepted bytes could not be passed on yet: send again, if only nothing, once the channel below
    /// takes more.
    /// </summary>
    public virtual bool HasUnsent => false;

    /// <summary>Why receiving has failed, when it is not that the connection is gone; else null.</summary>
    public virtual string? Fault => null;

    /// <summary>Bytes read, 0 at the end of the stream, <see cref="WouldBlock"/> or <see cref="Failed"/>.</summary>
    public abstract int Receive(Span<byte> buffer);

    /// <summary>Bytes accepted (maybe fewer), <see cref="WouldBlock"/> or <see cref="Failed"/>.</summary>
    public abstract int Send(ReadOnlySpan<byte> data);

    /// <summary>Told before <see cref="Dispose()"/>, for layers that say goodbye with a reason.</summary>
    public virtual void Closing(CloseReason reason)
    {
    }

    /// <summary>Says goodbye and closes, this channel and those below.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
