using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Tests.Simulation.Raft;

namespace NatsAspire.Tests.Simulation.Cluster;

/// <summary>
/// A cluster of servers with a replicated stream and its consumers, clients that use them, and faults drawn from a seed;
/// the same seed is the same run. All that production runs between the API and the system's calls is the real thing.
/// </summary>
internal sealed partial class ClusterSimulation
{
    public const string StreamName = "S";

    /// <summary>When the assets were created, nanoseconds since 1970.</summary>
    public const long Created = 1_767_225_600_000_000_000;

    private readonly SimulatedWorld _world;
    private readonly SimulationRandom _random;
    private readonly List<SimulatedServer> _servers = [];
    private readonly SimulatedNetwork _network;
    private bool _isCalm;
    private ViolationException? _violation;

    public ClusterSimulation(ulong seed, PlantedBug? bug, bool isRecording)
    {
        Seed = seed;
        Bug = bug ?? new PlantedBug();
        _world = new SimulatedWorld(seed, isRecording);
        _random = _world.Random;
        Plan = Bug.Adjust(ClusterPlan.Draw(_random));
        _network = new SimulatedNetwork(_world, Plan, _servers);
        for (var i = 0; i < Plan.Servers; i++) _servers.Add(new SimulatedServer(this, _world, i));
        var peers = _servers.Select(server => server.Id).ToArray();
        StreamPlan = new GroupPlan("S-R3F", peers) { Sync = "$JSC.SYNC.S" };
        ConsumerPlans =
        [
            new ConsumerPlan("C1", Consumer("C1", AckPolicy.Explicit, "s.k.>", 400), new GroupPlan("C1-R3F", peers) { IsPreferred = true }),
            new ConsumerPlan("C2", Consumer("C2", Plan.SecondPolicy, null, 900), new GroupPlan("C2-R3F", peers)),
        ];
        _logs = ConsumerPlans.ToDictionary(plan => plan.Name, plan => new ConsumerLog(plan.Configuration.AckPolicy == AckPolicy.All));
    }

    public ulong Seed { get; }

    /// <summary>The mistake that is planted.</summary>
    public PlantedBug Bug { get; }

    public ClusterPlan Plan { get; }

    public GroupPlan StreamPlan { get; }

    public IReadOnlyList<ConsumerPlan> ConsumerPlans { get; }

    public IEnumerable<GroupPlan> Groups => [StreamPlan, .. ConsumerPlans.Select(consumer => consumer.Group)];

    public SimulatedWorld World => _world;

    public int Faults { get; private set; }

    /// <summary>Publishes that were acknowledged.</summary>
    public int Acknowledged => _acked.Count;

    /// <summary>Acknowledgements of consumers that were confirmed.</summary>
    public int Confirmed => _confirmed.Values.Sum(one => one.Count);

    /// <summary>Catch-ups of the stream that were seen under way.</summary>
    public int Snapshots { get; private set; }

    /// <summary>Runs the seed.</summary>
    /// <exception cref="ViolationException">Something that must never be was seen.</exception>
    public void Run()
    {
        _world.Note("*", $"seed {Seed}: {Plan}");
        foreach (var server in _servers)
        {
            server.Time.Skew = _world.Between(-2_000, 2_000) * SimulatedWorld.Millisecond;
            server.Start();
        }
        StartClients();
        _world.At(_world.Between(SimulatedWorld.Millisecond, Plan.FaultEvery), BringFault);
        while (_world.Now < Plan.Storm) Step();
        EndFaults();
        var until = _world.Now + ClusterPlan.Calm;
        for (var look = _world.Now; !IsWell; look += SimulatedWorld.Second / 4)
        {
            if (_world.Now > until) throw Violation($"it does not become well: {_unwell}");
            while (_world.Now < look) Step();
        }
        CheckEnd();
    }

    public long DrawSync() => (_random.Chance(0.02) && !_isCalm ? 20 * Plan.MaxSync : 0) + _world.Between(20 * SimulatedWorld.Microsecond, Plan.MaxSync);

    public IGroupMachine Watch(SimulatedServer server, string group, IGroupMachine machine) => new WatchedMachine((in entry, of) => Applied(server, of, entry), text => _world.Note(server.Name, text), group, Bug.Wrap(this, server, group, machine));

    /// <summary>What a server says in the system account goes to all others.</summary>
    public void Send(SimulatedServer from, SimulatedPost post) => _network.Send(from, post);

    private void Step()
    {
        _world.Step();
        if (_violation is { } violation) throw violation;
    }

    /// <summary>Something that must never be was seen; whoever catches what is thrown here does not hide it.</summary>
    private ViolationException Violation(string what)
    {
        _world.Note("*", $"VIOLATION: {what}");
        return _violation ??= new ViolationException(what);
    }

    private void EndFaults()
    {
        _isCalm = _network.IsCalm = true;
        _world.Note("*", "nothing fails from here on");
        _network.HealAll();
        foreach (var server in _servers) Repair(server);
        _world.At(50 * SimulatedWorld.Millisecond, Probe);
    }

    private static ConsumerConfiguration Consumer(string name, AckPolicy policy, string? filter, long wait) => new()
    {
        Name = name,
        Durable = name,
        AckPolicy = policy,
        FilterSubject = filter,
        AckWait = wait * SimulatedWorld.Millisecond,
        MaxDeliver = -1,
        MaxAckPending = 1000,
        MaxWaiting = 512,
        Replicas = 3,
    };

    private static string TextOf(ReadOnlySpan<byte> bytes) => System.Text.Encoding.UTF8.GetString(bytes);

    private static string TextOf(in Message message) => TextOf(message.BodyAndCrlf[message.HeaderLength..^2]);
}
