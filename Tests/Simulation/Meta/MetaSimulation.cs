using NatsAspire.Tests.Simulation.Cluster;
using NatsAspire.Tests.Simulation.Raft;

namespace NatsAspire.Tests.Simulation.Meta;

/// <summary>
/// Servers with their meta group over simulated time, network and disks; clients that make, change, move and remove streams
/// and consumers, operators that take servers out, and faults, all drawn from a seed; the same seed is the same run.
/// </summary>
internal sealed partial class MetaSimulation
{
    /// <summary>Nanoseconds in which all must become well at the latest: what waits for servers that are gone waits for most of a minute.</summary>
    private const long Calm = 240 * SimulatedWorld.Second;

    private readonly SimulatedWorld _world;
    private readonly SimulationRandom _random;
    private readonly List<MetaServer> _servers = [];
    private readonly MetaPlan _plan;
    private bool _isCalm;
    private ViolationException? _violation;

    public MetaSimulation(ulong seed, MetaBug? bug, bool isRecording)
    {
        Seed = seed;
        Bug = bug ?? new MetaBug();
        _world = new SimulatedWorld(seed, isRecording);
        _random = _world.Random;
        (Plan, _plan) = Bug.Adjust(MetaPlan.Faults(_random), MetaPlan.Draw(_random));
        Network = new SimulatedNetwork(_world, Plan, _servers);
        for (var i = 0; i < Plan.Servers; i++) _servers.Add(new MetaServer(this, _world, ((char)('a' + i)).ToString()));
    }

    public ulong Seed { get; }

    /// <summary>The mistake that is planted.</summary>
    public MetaBug Bug { get; }

    public ClusterPlan Plan { get; }

    public SimulatedNetwork Network { get; }

    public SimulatedWorld World => _world;

    public int Faults { get; private set; }

    /// <summary>Requests that were confirmed.</summary>
    public int Confirmed { get; private set; }

    /// <summary>Messages that were acknowledged.</summary>
    public int Acknowledged { get; private set; }

    /// <summary>Runs the seed.</summary>
    /// <exception cref="ViolationException">Something that must never be was seen.</exception>
    public void Run()
    {
        _world.Note("*", $"seed {Seed}: {Plan} {_plan}");
        foreach (var server in _servers)
        {
            server.Time.Skew = _world.Between(-2_000, 2_000) * SimulatedWorld.Millisecond;
            server.Start();
        }
        _world.At(SimulatedWorld.Second, AskSome);
        _world.At(SimulatedWorld.Second, PublishSome);
        _world.At(SimulatedWorld.Second + _world.Between(SimulatedWorld.Millisecond, Plan.FaultEvery), BringFault);
        while (_world.Now < Plan.Storm) Step();
        EndFaults();
        var until = _world.Now + Calm;
        for (var look = _world.Now; WhyUnwell() is { } why || _probe is not { State: Known.Present }; look += SimulatedWorld.Second / 4)
        {
            if (_world.Now > until) throw Violation($"it does not become well: {WhyUnwell() ?? "no stream can be made"}");
            while (_world.Now < look) Step();
        }
        CheckEnd();
    }

    public long DrawSync() => (_random.Chance(0.02) && !_isCalm ? 20 * Plan.MaxSync : 0) + _world.Between(20 * SimulatedWorld.Microsecond, Plan.MaxSync);

    /// <summary>Everything that happened, with servers' names in the place of their ids.</summary>
    public string Timeline => _servers.Aggregate(_world.Timeline, static (text, server) => text.Replace(server.Id.ToString(), server.Name, StringComparison.Ordinal));

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
        _isCalm = Network.IsCalm = true;
        _world.Note("*", "nothing fails from here on");
        Network.HealAll();
        foreach (var server in _servers)
        {
            server.CrashDuring(0);
            server.IsOut = false;
            if (!server.IsRunning && server.Refusal is null) server.Start();
        }
        _world.At(50 * SimulatedWorld.Millisecond, Probe);
    }

    private static string TextOf(ReadOnlySpan<byte> bytes) => System.Text.Encoding.UTF8.GetString(bytes);
}
