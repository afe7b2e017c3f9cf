using System.Runtime.CompilerServices;

namespace NatsAspire.Server.Primitives;

/// <summary>An outbound buffer that many threads append to and whoever appended last flushes.</summary>
public interface IFlushTarget
{
    /// <summary>Takes the target's lock. A thread holds at most one at a time.</summary>
    void EnterGate();

    void ExitGate();

    /// <summary>Writes what was appended, without blocking. Called outside the gate.</summary>
    void Flush();
}

/// <summary>
/// The targets one read batch of one I/O loop has appended to, flushed once at its end. The lock of the
/// target appended to last stays held, since the next message usually goes there again; it is given up before
/// another one is taken, so two batches never wait for each other.
/// </summary>
public sealed class FlushBatch
{
    /// <summary>
    /// The batch that holds a gate on this thread; null: none does. A batch may go on on another thread, so it must
    /// not be named here any longer than it holds one.
    /// </summary>
    [ThreadStatic]
    private static FlushBatch? _holder;

    [ThreadStatic]
    private static bool _mayWork;

    private readonly List<IFlushTarget> _touched = new(64);
    private IFlushTarget? _held;

    /// <summary>
    /// Whether a target that is flushed on this thread now may do a little work here instead of waking another thread: the thread
    /// holds nothing, and has nothing of its own half done. Never while such work is under way.
    /// </summary>
    public static bool MayWorkHere => _mayWork;

    /// <summary>Milliseconds of the loop's monotonic clock, read once per batch.</summary>
    public long NowMilliseconds { get; set; }

    /// <summary>Set by a target that is nearly full: the producer of this batch is to be slowed.</summary>
    public bool ProducerShouldStall { get; set; }

    /// <summary>Targets flushed so far; wraps.</summary>
    public int FlushCount { get; private set; }

    /// <summary>Makes <paramref name="target"/> the one whose gate is held.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Hold(IFlushTarget target)
    {
        if (!ReferenceEquals(_held, target)) Switch(target);
    }

    private void Switch(IFlushTarget target)
    {
        if (_held is { } held)
        {
            // Then it is the thread's holder already: any other would have had this gate given up.
            _held = null;
            held.ExitGate();
        }
        else
        {
            ReleaseOnThisThread();
            _holder = this;
        }
        target.EnterGate();
        _held = target;
    }

    /// <summary>
    /// Gives up the gate that any batch holds on this thread: whoever waits for a lock must hold none, or the
    /// holder of that lock may be waiting for the gate.
    /// </summary>
    public static void ReleaseOnThisThread() => _holder?.Release();

    /// <summary>Gives up the held gate. Must precede any call that may block; an <see cref="OuterLock"/> does it by itself.</summary>
    public void Release()
    {
        var held = _held;
        if (held is null) return;
        (_held, _holder) = (null, null);
        held.ExitGate();
    }

    /// <summary>Remembers a target for the flush at the end of the batch; the caller remembers that it did.</summary>
    public void Touch(IFlushTarget target) => _touched.Add(target);

    /// <summary>Flushes every touched target once, and lets those do what little they have to do. For threads that hold no lock.</summary>
    public void FlushAndWork()
    {
        if (_touched.Count == 0)
        {
            Release();
            return;
        }
        _mayWork = true;
        try
        {
            FlushAll();
        }
        finally
        {
            _mayWork = false;
        }
    }

    /// <summary>Has work done that must not lead to more of its kind on this thread.</summary>
    public static void Work(Action work)
    {
        var before = _mayWork;
        _mayWork = false;
        try
        {
            work();
        }
        finally
        {
            _mayWork = before;
        }
    }

    /// <summary>Flushes every touched target once.</summary>
    public void FlushAll()
    {
        Release();
        FlushCount += _touched.Count;
        for (var i = 0; i < _touched.Count; i++) _touched[i].Flush();
        _touched.Clear();
    }
}
