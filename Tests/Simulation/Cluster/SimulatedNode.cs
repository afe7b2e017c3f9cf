using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Simulation.Cluster;

/// <summary>A server that lives and dies over simulated turns, clocks and a disk; what it runs is the derived class's.</summary>
internal abstract class SimulatedNode : ITurns, ILogger
{
    private readonly SimulatedWorld _world;
    private readonly List<Action> _due = [];
    private bool _commits;
    private long _pausedUntil;
    private int _operationsToCrash;

    protected SimulatedNode(SimulatedWorld world, string name, PeerId id)
    {
        (_world, Name, Id) = (world, name, id);
        Time = new SimulatedTime(this, world);
    }

    public string Name { get; }

    public PeerId Id { get; }

    public SimulatedTime Time { get; }

    public SimulatedDisk Disk { get; protected set; } = new();

    /// <summary>Grows with each start.</summary>
    public int Life { get; private set; }

    public bool IsRunning { get; private set; }

    /// <summary>Why it refuses to start, or does not serve its stream.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Its disk has failed, by the simulation's word: what is fenced is so rightly.</summary>
    public bool HasFailingDisk { get; set; }

    public bool IsPaused => _world.Now < _pausedUntil;

    /// <summary>The log of what it runs; null: it does not run.</summary>
    protected abstract WriteAheadLog? Log { get; }

    /// <summary>The next turn that is added happens at once.</summary>
    protected bool IsInline { get; set; }

    public void Start()
    {
        Life++;
        (IsRunning, Refusal) = (true, null);
        (_commits, _pausedUntil, HasFailingDisk, _operationsToCrash) = (false, 0, false, 0);
        _due.Clear();
        Disk.Capacity = 1L << 40;
        Disk.Intercept = Intercept;
        _world.Note(Name, "starts");
        try
        {
            Run();
        }
        catch (DiskException fault)
        {
            _world.Note(Name, $"cannot start: {fault.Message}");
            Crash();
        }
        catch (CorruptStoreException fault)
        {
            Refuse(fault.Message);
        }
        AfterEvent();
    }

    /// <summary>Makes what it runs.</summary>
    protected abstract void Run();

    /// <summary>Something has happened here.</summary>
    protected abstract void Look();

    /// <summary>How long a write and sync takes.</summary>
    protected abstract long DrawSync();

    /// <summary>Says something to the other servers.</summary>
    protected abstract void Send(SimulatedPost post);

    /// <summary>Says something to a client.</summary>
    protected abstract void Tell(in Message message);

    /// <summary>A message of another server.</summary>
    public abstract void Hear(SimulatedPost post);

    protected void Refuse(string why)
    {
        Refusal = why;
        IsRunning = false;
        _world.Note(Name, $"refuses to start: {why}");
    }

    /// <summary>Power is cut: of what was not synced, some is there afterwards.</summary>
    public void Crash()
    {
        if (!IsRunning) return;
        IsRunning = false;
        _world.Note(Name, "crashes");
        _world.Mix(1, Id.Value);
        var before = Disk;
        Disk = before.PowerCut(_world.Random.Next);
        before.Intercept = static (_, _) => throw new DiskException(DiskFault.Device, "use", "disk", "the power is off");
    }

    /// <summary>Crashes in the middle of what it does with its disk.</summary>
    /// <param name="operations">So many operations later.</param>
    public void CrashDuring(int operations) => _operationsToCrash = operations;

    public void PauseFor(long time)
    {
        _pausedUntil = _world.Now + time;
        _world.Note(Name, $"stands still for {time / SimulatedWorld.Millisecond} ms");
    }

    /// <summary>Has another disk; to be called when it does not run.</summary>
    public void UseDisk(SimulatedDisk disk) => Disk = disk;

    private void Intercept(DiskCall call, string path)
    {
        if (_operationsToCrash > 0 && --_operationsToCrash == 0)
        {
            _world.Note(Name, $"has its power cut at {call} {path}");
            Crash();
        }
        if (!IsRunning) throw new DiskException(DiskFault.Device, "use", path, "the power is off");
    }

    /// <summary>Something that happens on this server, in this life of it.</summary>
    public void At(long delay, Action action)
    {
        var life = Life;
        _world.At(delay, () => InLife(life, action));
    }

    private void InLife(int life, Action action)
    {
        if (life != Life || !IsRunning) return;
        if (IsPaused)
        {
            _world.At(_pausedUntil - _world.Now, () => InLife(life, action));
            return;
        }
        action();
        AfterEvent();
    }

    private void AfterEvent()
    {
        if (!IsRunning) return;
        Look();
        if (Log is not { } log || _commits || log.PendingBytes == 0) return;
        _commits = true;
        At(DrawSync(), () =>
        {
            _commits = false;
            log.CommitNow();
        });
    }

    void ITurns.Add(Mailbox mailbox)
    {
        if (!IsInline)
        {
            AddDue(_world.Between(1, 60) * SimulatedWorld.Microsecond, mailbox.TakeTurn);
            return;
        }
        IsInline = false;
        mailbox.TakeTurn();
    }

    void ITurns.AddBehind(Mailbox mailbox) => ((ITurns)this).Add(mailbox);

    void ITurns.RunAside(Action work) => AddDue(DrawSync(), work);

    // Whoever waits has everything of this server's own go on meanwhile, in no time.
    void ITurns.Wait(Task over)
    {
        while (!over.IsCompleted)
        {
            if (!IsRunning) throw new DiskException(DiskFault.Device, "wait", "", "the power is off");
            if (_due.Count > 0)
            {
                var next = _due[0];
                _due.RemoveAt(0);
                next();
            }
            else if (Log is { PendingBytes: > 0 } log) log.CommitNow();
            else throw new InvalidOperationException("a turn waits for what nothing will bring");
        }
    }

    private void AddDue(long delay, Action action)
    {
        // Each is another one.
        var due = new Action(() => action());
        _due.Add(due);
        At(delay, () =>
        {
            if (_due.Remove(due)) action();
        });
    }

    void IDisposable.Dispose()
    {
        // Nothing runs by itself here.
    }

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => _world.IsRecording;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (_world.IsRecording) _world.Note(Name, $"[{logLevel}] {formatter(state, exception)}");
    }

    /// <summary>What the server's accounts say to others: other servers in the system account, clients at their inboxes.</summary>
    protected sealed class Port(SimulatedNode server) : ServiceSubscriber
    {
        public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch)
        {
            if (source.Kind != SubscriberKind.Internal || !server.IsRunning) return false;
            if (message.Address.StartsWith("_INBOX."u8) || message.Subject.StartsWith("_INBOX."u8)) server.Tell(message);
            else server.Send(SimulatedPost.Of(message));
            return true;
        }
    }

    private static readonly Route Elsewhere = new();

    protected static void Deliver(Account account, SimulatedPost post)
    {
        var match = account.Subscriptions.Match(post.Subject);
        if (match.IsEmpty) return;
        var batch = new FlushBatch();
        MessageRouter.RouteFromCluster(account, match, post.ToMessage(), post.ToMessage(), default, Elsewhere, batch);
        batch.FlushAll();
    }

    private sealed class Route : Subscriber
    {
        public override SubscriberKind Kind => SubscriberKind.Route;

        public override bool Deliver(Subscription subscription, in Message message, FlushBatch batch) => false;
    }
}
