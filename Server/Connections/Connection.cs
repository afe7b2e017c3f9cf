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

    protected Connection(Socket socket, IoLoop loop)
    {
        socket.NoDelay = true;
        Loop = loop;
        Io = loop.CreateIo(socket);
        Channel = Io;
        RemoteEndPoint = Unmap((IPEndPoint)socket.RemoteEndPoint!);
        LocalEndPoint = Unmap((IPEndPoint)socket.LocalEndPoint!);
    }

    /// <summary>
    /// A connection without a socket: who owns the other end calls <see cref="SignalReadable"/> and
    /// <see cref="SignalWritable"/>.
    /// </summary>
    protected Connection(ByteChannel channel, IoLoop loop, IPEndPoint remote, IPEndPoint local)
    {
        Loop = loop;
        Io = channel as SocketIo;
        Channel = channel;
        RemoteEndPoint = Unmap(remote);
        LocalEndPoint = Unmap(local);
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

    /// <summary>An IPv4 address as such, also on a socket that speaks both.</summary>
    private static IPEndPoint Unmap(IPEndPoint address) =>
        address.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(address.Address.MapToIPv4(), address.Port) : address;

    private void FinishClose()
    {
        if (_closed) return;
        Loop.Batch.Release();
        FlushBeforeClose();
        _closed = true;
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
