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
using NatsAspire.Server.Storage.Log;
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
internal sealed partial class SimulatedServer(ClusterSimulation simulation, SimulatedWorld world, int number)
    : SimulatedNode(world, ((char)('a' + number)).ToString(), PeerId.Parse(new string((char)('a' + number), PeerId.Length)))
{
    private readonly SimulatedWorld _world = world;
    private readonly ClusterSimulation _simulation = simulation;
    private JetStreamEngine? _engine;
    private Account? _system;
    private Account? _global;

    /// <summary>Part of what it had cannot be trusted, and takes part in nothing.</summary>
    public bool IsSpoilt { get; set; }

    public JetStreamEngine Engine => _engine!;

    protected override WriteAheadLog? Log => _engine?.GroupContext?.Log;

    protected override void Run()
    {
        (IsSpoilt, Stream, _engine) = (false, null, null);
        var context = new AccountContext(Name, static () => "sim", TracksInterest: false, TracksLinks: false, Cached: true);
        (_system, _global) = (Make("$SYS", context), Make("$G", context));
        _system.Subscribe(new Subscription(new Port(this), ">"u8.ToArray()));
        _global.Subscribe(new Subscription(new Port(this), "_INBOX.>"u8.ToArray()));
        var view = new ClusterView(Name, static () => "sim", id => id.ToString()[..1], _ => true);
        _engine = JetStreamEngine.Start(
            _simulation.Bug.Disk(Disk), "/js", new JetStreamOptions { Enabled = true, MaxStore = 1 << 30, MaxMemory = 1 << 30 }, [(_global, new AccountLimits())], Time, this,
            _simulation.Plan.LogOptions, new ClusterMembership(Id, _system, view) { Timings = _simulation.Plan.Timings, Parts = PartsOf(_simulation) }, this);
        // The plan is what the meta group would say: no group is late. The assignments are known when that has recovered.
        _engine.KnowsAssignments = true;
        At(_world.Between(0, 20) * SimulatedWorld.Millisecond, Place);
    }

    private static Account Make(string name, AccountContext context) => new(name, new AccountRules(new AccountOptions { Name = name }, [], null), context);

    protected override void Look() => _simulation.Check(this);

    protected override long DrawSync() => _simulation.DrawSync();

    protected override void Send(SimulatedPost post) => _simulation.Send(this, post);

    protected override void Tell(in Message message) => _simulation.Tell(this, message);

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
}
