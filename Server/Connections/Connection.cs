using System.Net;
using System.Net.Sockets;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Connections;

/// <summary>
/// A socket with its home loop. Reading and all state of the protocol above belong to the loop's thread;
/// any thread may append to the outbound side (Outbound part) and ask for a close.
/// </summary>
public abstract partial class Connection : IFlushTarget
{
    private Action? _readStep;
    private Action? _writeStep;
    private int _closeRequested;
    private volatile bool _closed;

    protected Connection(Socket socket, IoLoop loop) : this(Transport.Over(socket, loop))
    {
    }

    /// <summary>
    /// A connection that takes a transport over, see <see cref="HandOver"/>. Without a socket, who owns the other end
    /// calls <see cref="SignalReadable"/> and <see cref="SignalWritable"/>.
    /// </summary>
    protected Connection(Transport transport)
    {
        Loop = transport.Loop;
        Io = transport.Io;
        Channel = transport.Channel;
        Tls = transport.Tls;
        RemoteEndPoint = transport.Remote;
        LocalEndPoint = transport.Local;
    }

    /// <summary>The loop that owns the connection.</summary>
    public IoLoop Loop { get; }

    public IPEndPoint RemoteEndPoint { get; protected set; }

    public IPEndPoint LocalEndPoint { get; }

    /// <summary>True as soon as a close was asked for; nothing is parsed or delivered any more.</summary>
    public bool IsClosing => Volatile.Read(ref _closeRequested) != 0;

    /// <summary>Why it was closed; <see cref="Connections.CloseReason.None"/> while it lives.</summary>
    public CloseReason CloseReason { get; private set; }

    /// <summary>The socket below all layers; null: there is none.</summary>
    internal SocketIo? Io { get; }

    /// <summary>What the connection reads from and writes to: the socket or the topmost layer over it.</summary>
    protected ByteChannel Channel { get; private set; }

    internal int LoopSlot { get; set; } = -1;

    internal uint LoopGeneration { get; set; }

    /// <summary>Begins reading; calls <see cref="OnOpened"/> first. From any thread, once.</summary>
    public void Open() => Loop.Post(() =>
    {
        if (IsClosing) return;
        Loop.Attach(this);
        Loop.Guard(this, static c => c.OnOpened());
        if (Channel.HasBuffered) SignalReadable();
    });

    /// <summary>
    /// Ends the connection: what is queued is written as far as the socket takes it, then it is closed on its
    /// loop, at the end of its turn. The first reason given stays.
    /// </summary>
    public void Close(CloseReason reason)
    {
        if (Interlocked.Exchange(ref _closeRequested, 1) != 0) return;
        CloseReason = reason;
        Loop.Post(FinishClose);
    }

    /// <summary>Bytes (or room, or the end) have come to a channel without a socket. From any thread.</summary>
    public void SignalReadable() => Loop.Post(_readStep ??= () =>
    {
        // A socket is not watched while reading is paused; a signal has to wait in the same way, for the resumption.
        if (Io is null && ReadingPaused) return;
        Loop.Guard(this, static c => c.OnReadable());
    });

    /// <summary>A channel without a socket takes more. From any thread.</summary>
    public void SignalWritable() => Loop.Post(_writeStep ??= () => Loop.Guard(this, static c => c.OnWritable()));

    /// <summary>
    /// Puts a layer between the connection and what it talks to now. On the loop's thread, when nothing is queued
    /// to be sent.
    /// </summary>
    protected void AddLayer(Func<ByteChannel, ByteChannel> layer) => Channel = layer(Channel);

    /// <summary>
    /// Ends this connection but not what it talks through, with which another one goes on. On the loop's thread;
    /// <see cref="OnClosed"/> is not called.
    /// </summary>
    /// <param name="successor">Makes the other connection, on the same loop; null: nobody takes it, it is closed.</param>
    protected void HandOver(Func<Transport, Connection?> successor)
    {
        Flush();
        if (PendingBytes > 0) Close(CloseReason.WriteError);
        if (Interlocked.Exchange(ref _closeRequested, 1) != 0) return;
        _closed = true;
        Loop.Detach(this);
        ReleaseStash();
        using (EnterGateOnly()) _ioDisposed = true;
        var next = successor(new Transport(Loop, Channel, RemoteEndPoint, LocalEndPoint, Tls) { Io = Io });
        if (next is null) Channel.Dispose();
        else next.Open();
        DropQueued();
    }

    /// <summary>Receiving failed for a reason of the channel's own (see <see cref="ByteChannel.Fault"/>).</summary>
    protected virtual void OnReadFault(string fault)
    {
    }

    /// <summary>First call on the loop's thread: send a greeting, set timers.</summary>
    protected abstract void OnOpened();

    /// <summary>Handles bytes; those not consumed are handed in again with more behind them.</summary>
    /// <returns>Bytes consumed, 0 to all.</returns>
    protected abstract int OnReceived(ReadOnlySpan<byte> data);

    /// <summary>
    /// Bytes the item that <see cref="OnReceived"/> left over has in all, when its control line told;
    /// 0: not known yet.
    /// </summary>
    protected virtual int PendingItemLength => 0;

    /// <summary>Last call on the loop's thread; subscriptions and registrations go here.</summary>
    protected abstract void OnClosed();

    private void FinishClose()
    {
        if (_closed) return;
        FlushBeforeClose();
        _closed = true;
        _deadlineTimer?.Cancel();
        Loop.Detach(this);
        ReleaseStash();
        try
        {
            OnClosed();
        }
        finally
        {
            DisposeIo();
        }
    }
}
