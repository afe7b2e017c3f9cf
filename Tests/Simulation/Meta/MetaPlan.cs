using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Service.Cluster;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Tests.Simulation.Cluster;
using NatsAspire.Tests.Simulation.Raft;

namespace NatsAspire.Tests.Simulation.Meta;

/// <summary>What a seed makes of what clients and operators do; the faults are those of <see cref="ClusterPlan"/>.</summary>
internal sealed record MetaPlan
{
    /// <summary>Nanoseconds between things that clients ask for.</summary>
    public required long AskEvery { get; init; }

    /// <summary>Streams that clients keep at a time.</summary>
    public required int Streams { get; init; }

    public bool Scales { get; init; }
    public bool Moves { get; init; }
    public bool RemovesPeers { get; init; }
    public bool Consumes { get; init; }

    public static MetaPlan Draw(SimulationRandom random) => new()
    {
        AskEvery = random.Of<long>([20, 60, 150]) * SimulatedWorld.Millisecond,
        Streams = random.Of([2, 4, 6]),
        Scales = random.Chance(0.6),
        Moves = random.Chance(0.5),
        RemovesPeers = random.Chance(0.4),
        Consumes = random.Chance(0.7),
    };

    /// <summary>The faults, fitted to servers that hold more than one stream.</summary>
    public static ClusterPlan Faults(SimulationRandom random)
    {
        var drawn = ClusterPlan.Draw(random);
        return drawn with
        {
            Servers = random.Of([3, 3, 4, 5]),
            Storm = 6 * SimulatedWorld.Second,
            Timings = drawn.Timings with { PeerRemove = 2_000 },
            BatchEntries = Math.Max(2, drawn.BatchEntries),
            Flips = false,
            FailsWrites = false,
            Wipes = random.Chance(0.3),
        };
    }
}

/// <summary>A mistake of the meta layer that the simulator must find; this one is none.</summary>
internal class MetaBug
{
    /// <summary>Puts itself between a group and its machine.</summary>
    public virtual IGroupMachine Wrap(MetaServer server, string group, IGroupMachine machine) => machine;

    /// <summary>Puts itself before a disk.</summary>
    public virtual IDisk Disk(IDisk disk) => disk;

    /// <summary>Puts itself in the place of parts.</summary>
    public virtual MetaParts Spoil(MetaServer server, MetaParts parts) => parts;

    /// <summary>What must be drawn for it to do harm often.</summary>
    public virtual (ClusterPlan Faults, MetaPlan Plan) Adjust(ClusterPlan faults, MetaPlan plan) => (faults, plan);
}
