using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;
using NatsAspire.Tests.Simulation.Raft;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Simulation.Cluster;

/// <summary>A message between servers, or between them and clients.</summary>
internal sealed record SimulatedPost(byte[] Subject, byte[] Reply, int HeaderLength, byte[] Body)
{
    public static SimulatedPost Of(in Message message) => new(message.Subject.ToArray(), message.Reply.ToArray(), message.HeaderLength, message.BodyAndCrlf.ToArray());

    public ReadOnlySpan<byte> Payload => Body.AsSpan(HeaderLength, Body.Length - HeaderLength - 2);

    public Message ToMessage() => new() { Subject = Subject, Reply = Reply, HeaderLength = HeaderLength, BodyAndCrlf = Body };
}

/// <summary>
/// A server of the simulated cluster: the engine that production runs, with its streams, groups, log and stores, over
/// simulated turns, clocks, disk and network.
/// </summary>
internal sealed partial class SimulatedServer : ITurns, ILogger
{
    private readonly SimulatedWorld _world;
    private readonly ClusterSimulation _simulation;
    private JetStreamEngine? _engine;
    private Account? _system;
    private Account? _global;
    private bool _isInline;
    private bool _commits;
    private long _pausedUntil;
    private int _operationsToCrash;

    public SimulatedServer(ClusterSimulation simulation, SimulatedWorld world, int number)
    {
        (_simulation, _world) = (simulation, world);
        Name = ((char)('a' + number)).ToString();
        Id = PeerId.Parse(new string((char)('a' + number), PeerId.Length));
        Time = new SimulatedTime(this, world);
    }

    public string Name { get; }

    public PeerId Id { get; }

    public SimulatedTime Time { get; }

    public SimulatedDisk Disk { get; private set; } = new();

    /// <summary>Grows with each start.</summary>
    public int Life { get; private set; }

    public bool IsRunning { get; private set; }

    /// <summary>Why it refuses to start, or does not serve its stream.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Its disk has failed, by the simulation's word: what is fenced is so rightly.</summary>
    public bool HasFailingDisk { get; set; }

    /// <summary>Part of what it had cannot be trusted, and takes part in nothing.</summary>
    public bool IsSpoilt { get; set; }

    public JetStreamEngine Engine => _engine!;

    public bool IsPaused => _world.Now < _pausedUntil;

    public void Start()
    {
        Life++;
        (IsRunning, IsSpoilt, Refusal, Stream, _engine) = (true, false, null, null, null);
        (_commits, _pausedUntil, HasFailingDisk, _operationsToCrash) = (false, 0, false, 0);
        Disk.Capacity = 1L << 40;
        Disk.Intercept = Intercept;
        _world.Note(Name, "starts");
        var context = new AccountContext(Name, static () => "sim", TracksInterest: false, TracksLinks: false, Cached: true);
        (_system, _global) = (Make("$SYS", context), Make("$G", context));
        _system.Subscribe(new Subscription(new Port(this), ">"u8.ToArray()));
        _global.Subscribe(new Subscription(new Port(this), "_INBOX.>"u8.ToArray()));
        var view = new ClusterView(Name, static () => "sim", id => id.ToString()[..1], _ => true);
        try
        {
            _engine = JetStreamEngine.Start(
                _simulation.Bug.Disk(Disk), "/js", new JetStreamOptions { Enabled = true, MaxStore = 1 << 30, MaxMemory = 1 << 30 }, [(_global, new AccountLimits())], Time, this,
                _simulation.Plan.LogOptions, new ClusterMembership(Id, _system, view) { Timings = _simulation.Plan.Timings, Parts = PartsOf(_simulation) }, this);
            var life = Life;
            // The assignments are known when the meta group has recovered.
            _world.At(_world.Between(0, 20) * SimulatedWorld.Millisecond, () => InLife(life, Place));
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

    private static Account Make(string name, AccountContext context) => new(name, new AccountRules(new AccountOptions { Name = name }, [], null), context);

    private void Refuse(string why)
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

    /// <summary>
    /// Has an empty disk, and is told that it may have been a member of its groups: assignments that are older than the
    /// disk say so.
    /// </summary>
    public void Wipe()
    {
        Disk = new SimulatedDisk();
        Disk.CreateDirectory("/js/natsaspire");
        var files = new StreamFiles(Disk, "/js/natsaspire");
        ulong id = 1;
        foreach (var plan in _simulation.Groups)
        {
            files.WriteGroup(plan.Name, new GroupState { Id = ++id, Peers = RaftPeers.Of([.. plan.Peers]) }.Encode(null));
        }
    }

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
        _simulation.Check(this);
        var log = _engine!.GroupContext!.Log;
        if (_commits || log.PendingBytes == 0) return;
        _commits = true;
        At(_simulation.DrawSync(), () =>
        {
            _commits = false;
            log.CommitNow();
        });
    }

    void ITurns.Add(Mailbox mailbox)
    {
        if (!_isInline)
        {
            At(_world.Between(1, 60) * SimulatedWorld.Microsecond, mailbox.TakeTurn);
            return;
        }
        _isInline = false;
        mailbox.TakeTurn();
    }

    void ITurns.AddBehind(Mailbox mailbox) => ((ITurns)this).Add(mailbox);

    void ITurns.RunAside(Action work) => At(_simulation.DrawSync(), work);

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
    private sealed class Port(SimulatedServer server) : ServiceSubscriber
    {
        public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch)
        {
            if (source.Kind != SubscriberKind.Internal || !server.IsRunning) return false;
            if (message.Address.StartsWith("_INBOX."u8) || message.Subject.StartsWith("_INBOX."u8)) server._simulation.Tell(server, message);
            else server._simulation.Send(server, SimulatedPost.Of(message));
            return true;
        }
    }
}
