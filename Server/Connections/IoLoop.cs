using System.Collections.Concurrent;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Connections;

/// <summary>
/// One thread that owns connections for life: reads, parses, matches, delivers and flushes, and runs their
/// timers. Nothing on it may block; a watchdog counts and reports turns above <see cref="LongTurn"/>.
/// </summary>
public abstract class IoLoop : IDisposable
{
    /// <summary>Bytes read from one connection before the next one has its turn, and of the shared buffer.</summary>
    public const int ReceiveBufferSize = 256 * 1024;

    /// <summary>A turn that takes longer holds up every connection of the loop.</summary>
    public static readonly TimeSpan LongTurn = TimeSpan.FromMilliseconds(10);

    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly PriorityQueue<LoopTimer, long> _timers = new();
    private readonly Action<Exception> _onFault;
    private readonly Thread _thread;
    private volatile bool _stopping;
    private int _wakePending;

    protected IoLoop(int index, Action<Exception> onFault)
    {
        _onFault = onFault;
        _thread = new Thread(Run) { IsBackground = true, Name = $"nats-io-{index}" };
    }

    /// <summary>The targets of the current turn.</summary>
    public FlushBatch Batch { get; } = new();

    /// <summary>Milliseconds of a monotonic clock, read once a turn.</summary>
    public long NowMilliseconds => Batch.NowMilliseconds;

    /// <summary>Calls posted that wait for their turn.</summary>
    public int PostedCount => _posted.Count;

    /// <summary>Name of its thread.</summary>
    public string Name => _thread.Name!;

    /// <summary>Connections whose home this loop is.</summary>
    public int ConnectionCount { get; protected set; }

    /// <summary>Turns that took longer than <see cref="LongTurn"/>.</summary>
    public long LongTurns { get; private set; }

    /// <summary>The longest turn so far.</summary>
    public TimeSpan LongestTurn { get; private set; }

    public bool IsOwnThread => Thread.CurrentThread == _thread;

    internal byte[] ReceiveBuffer { get; } = GC.AllocateUninitializedArray<byte>(ReceiveBufferSize, pinned: true);

    protected bool Stopping => _stopping;

    /// <summary>The loop kind that suits this machine: epoll on Linux, else portable.</summary>
    public static IoLoop Create(int index, Action<Exception> onFault, bool portable = false) =>
        OperatingSystem.IsLinux() && !portable ? new EpollLoop(index, onFault) : new PortableLoop(index, onFault);

    public void Start()
    {
        Batch.NowMilliseconds = Environment.TickCount64;
        _thread.Start();
    }

    /// <summary>Runs <paramref name="action"/> on the loop's thread, soon.</summary>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        if (Interlocked.Exchange(ref _wakePending, 1) == 0) Wake();
    }

    /// <summary>Makes a timer that is not running yet.</summary>
    public LoopTimer CreateTimer(Action callback) => new(callback);

    /// <summary>Sets a timer; a later setting replaces an earlier one. On the loop's thread.</summary>
    public void Schedule(LoopTimer timer, TimeSpan delay)
    {
        timer.DueMilliseconds = Environment.TickCount64 + Math.Max(1, (long)delay.TotalMilliseconds);
        _timers.Enqueue(timer, timer.DueMilliseconds);
    }

    /// <summary>Ends the thread after its current turn.</summary>
    public void Dispose()
    {
        if (_stopping) return;
        _stopping = true;
        Wake();
        if (!IsOwnThread && _thread.IsAlive) _thread.Join();
        GC.SuppressFinalize(this);
    }

    internal abstract SocketIo CreateIo(System.Net.Sockets.Socket socket);

    /// <summary>Takes a connection in; reads begin. On the loop's thread.</summary>
    internal abstract void Attach(Connection connection);

    /// <summary>Forgets a connection. On the loop's thread.</summary>
    internal abstract void Detach(Connection connection);

    /// <summary>Asks to be told when a connection can be written to again. From any thread.</summary>
    internal abstract void WantWrite(Connection connection);

    /// <summary>Stops or resumes reading of a connection. On the loop's thread.</summary>
    internal abstract void SetReading(Connection connection, bool reading);

    /// <summary>Waits for events and handles them, flushing as it goes.</summary>
    protected abstract void Turn(int timeoutMilliseconds);

    protected abstract void Wake();

    protected abstract void Release();

    /// <summary>Called by <see cref="Turn"/> when waiting is over.</summary>
    protected void BeginTurn()
    {
        Batch.NowMilliseconds = Environment.TickCount64;
        Batch.ProducerShouldStall = false;
    }

    /// <summary>Runs a step of one connection; what it throws closes that connection only.</summary>
    internal void Guard(Connection connection, Action<Connection> step)
    {
        try
        {
            step(connection);
        }
        catch (Exception fault)
        {
            Batch.Release();
            _onFault(fault);
            connection.Close(CloseReason.InternalError);
        }
    }

    private void Run()
    {
        while (!_stopping)
        {
            Turn(TimeoutUntilNextTimer());
            var started = Batch.NowMilliseconds;
            // Between the wake-up, which the turn took, and the look for what was posted. Earlier, the turn would take
            // the wake-up of a post that comes now, and all later ones would rely on it; a fence, as the look comes after.
            Interlocked.Exchange(ref _wakePending, 0);
            RunGuarded(DrainPosted);
            RunGuarded(RunTimers);
            Batch.FlushAll();
            MeasureTurn(started);
        }
        RunGuarded(DrainPosted);
        Batch.FlushAll();
        Release();
    }

    private void RunGuarded(Action step)
    {
        try
        {
            step();
        }
        catch (Exception fault)
        {
            Batch.Release();
            _onFault(fault);
        }
    }

    private void MeasureTurn(long started)
    {
        var took = TimeSpan.FromMilliseconds(Environment.TickCount64 - started);
        if (took <= LongTurn) return;
        LongTurns++;
        if (took > LongestTurn) LongestTurn = took;
    }

    private void DrainPosted()
    {
        while (_posted.TryDequeue(out var action)) action();
    }

    private int TimeoutUntilNextTimer()
    {
        if (!_posted.IsEmpty) return 0;
        if (!_timers.TryPeek(out _, out var due)) return -1;
        return (int)Math.Clamp(due - Environment.TickCount64, 0, int.MaxValue);
    }

    private void RunTimers()
    {
        while (_timers.TryPeek(out var timer, out var due) && due <= Batch.NowMilliseconds)
        {
            _timers.Dequeue();
            // A timer that was moved or cancelled has another entry or none.
            if (timer.DueMilliseconds != due) continue;
            timer.DueMilliseconds = long.MaxValue;
            timer.Fire();
        }
    }
}
