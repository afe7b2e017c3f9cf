using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace NatsAspire.Server.Connections;

/// <summary>The Linux loop: level-triggered epoll, one shared receive buffer, an eventfd to wake it.</summary>
internal sealed unsafe class EpollLoop : IoLoop
{
    private const int EventCapacity = 512;

    /// <summary>Bytes handled in one turn before what they produced is flushed.</summary>
    private const int FlushThreshold = ReceiveBufferSize;

    private const uint WakeToken = uint.MaxValue;
    private static readonly Action<Connection> ReadStep = static c => c.OnReadable();
    private static readonly Action<Connection> WriteStep = static c => c.OnWritable();
    private readonly List<Connection?> _slots = [];
    private readonly Stack<int> _free = new();
    private readonly EpollEvent* _events;
    private readonly int _epoll;
    private readonly int _wake;
    private uint _generation;
    private WakeModeration _moderation;

    public EpollLoop(int index, Action<Exception> onFault) : base(index, onFault)
    {
        _epoll = Check(LibC.EpollCreate(LibC.EpollCloExec));
        _wake = Check(LibC.EventFd(0, LibC.EventNonBlock | LibC.EventCloExec));
        _events = (EpollEvent*)NativeMemory.Alloc(EventCapacity, (nuint)sizeof(EpollEvent));
        Control(LibC.ControlAdd, _wake, LibC.Readable, WakeToken, 0);
    }

    internal override SocketIo CreateIo(Socket socket) => new LibCSocketIo(socket);

    internal override void Attach(Connection connection)
    {
        if (!_free.TryPop(out var slot))
        {
            slot = _slots.Count;
            _slots.Add(null);
        }
        _slots[slot] = connection;
        connection.LoopSlot = slot;
        connection.LoopGeneration = ++_generation;
        ConnectionCount++;
        if (connection.Io is null) connection.SignalReadable();
        else Watch(connection, LibC.ControlAdd, LibC.Readable);
    }

    internal override void Detach(Connection connection)
    {
        if (connection.LoopSlot < 0) return;
        if (connection.Io is not null) Control(LibC.ControlDelete, Descriptor(connection), 0, 0, 0);
        _slots[connection.LoopSlot] = null;
        _free.Push(connection.LoopSlot);
        connection.LoopSlot = -1;
        ConnectionCount--;
    }

    internal override void WantWrite(Connection connection) => Post(() =>
    {
        UpdateWatch(connection);
        connection.NotifyWriteBlocked();
    });

    internal override void SetReading(Connection connection, bool reading) => UpdateWatch(connection);

    protected override void Turn(int timeoutMilliseconds)
    {
        _moderation.Pause();
        var count = LibC.EpollWait(_epoll, _events, EventCapacity, timeoutMilliseconds);
        BeginTurn();
        var handled = 0;
        var turnBytes = 0;
        var flushesBefore = Batch.FlushCount;
        for (var i = 0; i < count; i++)
        {
            var ready = _events[i];
            if (ready.TokenLow == WakeToken)
            {
                DrainWake();
                continue;
            }
            var connection = _slots[(int)ready.TokenLow];
            if (connection is null || connection.LoopGeneration != ready.TokenHigh) continue;
            if ((ready.Events & LibC.Writable) != 0)
            {
                Guard(connection, WriteStep);
                UpdateWatch(connection);
            }
            if ((ready.Events & ~LibC.Writable) == 0) continue;
            Guard(connection, ReadStep);
            handled += connection.LastReadBytes;
            turnBytes += connection.LastReadBytes;
            if (handled < FlushThreshold) continue;
            handled = 0;
            Batch.FlushAndWork();
        }
        Batch.FlushAndWork();
        _moderation.Count(NowMilliseconds, turnBytes, Batch.FlushCount - flushesBefore);
    }

    protected override void Wake()
    {
        ulong one = 1;
        // A full counter means that a wake-up is already waiting.
        LibC.Write(_wake, (byte*)&one, sizeof(ulong));
    }

    protected override void Release()
    {
        Check(LibC.Close(_wake));
        Check(LibC.Close(_epoll));
        NativeMemory.Free(_events);
    }

    private void UpdateWatch(Connection connection)
    {
        if (connection.LoopSlot < 0 || connection.Io is null) return;
        var wanted = (connection.ReadingPaused ? 0 : LibC.Readable) | (connection.WriteBlocked ? LibC.Writable : 0);
        Watch(connection, LibC.ControlModify, wanted);
    }

    private void Watch(Connection connection, int operation, uint events) =>
        Control(operation, Descriptor(connection), events, (uint)connection.LoopSlot, connection.LoopGeneration);

    private static int Descriptor(Connection connection) => ((LibCSocketIo)connection.Io!).FileDescriptor;

    private void Control(int operation, int fd, uint events, uint low, uint high)
    {
        var change = new EpollEvent { Events = events, TokenLow = low, TokenHigh = high };
        Check(LibC.EpollControl(_epoll, operation, fd, &change));
    }

    private void DrainWake()
    {
        ulong count;
        LibC.Read(_wake, (byte*)&count, sizeof(ulong));
    }

    private static int Check(int result) =>
        result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError());
}
