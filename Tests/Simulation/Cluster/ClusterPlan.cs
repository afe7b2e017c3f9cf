using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Tests.Simulation.Raft;

namespace NatsAspire.Tests.Simulation.Cluster;

/// <summary>A consumer as it is assigned.</summary>
internal sealed record ConsumerPlan(string Name, ConsumerConfiguration Configuration, GroupPlan Group);

/// <summary>What a seed makes of the constants and the faults: each fault is off in many runs.</summary>
internal sealed record ClusterPlan
{
    /// <summary>Nanoseconds with faults.</summary>
    public long Storm { get; init; } = 4 * SimulatedWorld.Second;

    /// <summary>Nanoseconds in which all must become well at the latest.</summary>
    public const long Calm = 120 * SimulatedWorld.Second;

    public required int Servers { get; init; }
    public required RaftTimings Timings { get; init; }
    public required LogOptions LogOptions { get; init; }
    public required StreamConfiguration Stream { get; init; }
    public required int BatchEntries { get; init; }
    public required int CatchUpWindow { get; init; }
    public required int BacklogBytes { get; init; }
    public required long MaxDelay { get; init; }
    public required long MaxSync { get; init; }
    public required long PublishEvery { get; init; }
    public required long FaultEvery { get; init; }
    public required AckPolicy SecondPolicy { get; init; }
    public required int Payload { get; init; }
    public double Drop { get; init; }
    public double Duplicate { get; init; }
    public double Late { get; init; }
    public bool Reorders { get; init; }
    public bool Crashes { get; init; }
    public bool PowerCuts { get; init; }
    public bool Cuts { get; init; }
    public bool OneWay { get; init; }
    public bool Pauses { get; init; }
    public bool Checkpoints { get; init; }
    public bool Transfers { get; init; }
    public bool ClockJumps { get; init; }
    public bool Wipes { get; init; }

    /// <summary>Nothing notices that a disk is an older one: never drawn.</summary>
    public bool RollsBack { get; init; }

    public bool Flips { get; init; }
    public bool FailsWrites { get; init; }
    public bool Deletes { get; init; }

    public static ClusterPlan Draw(SimulationRandom random)
    {
        var (maxDelay, maxSync) = (random.Of<long>([2, 5, 10]), random.Of<long>([1, 3, 10]));
        var election = Math.Max(random.Of<long>([60, 120]), 4 * ((2 * maxDelay) + maxSync));
        var disks = random.Below(4);
        return new ClusterPlan
        {
            Servers = random.Of([3, 3, 3, 3, 5]),
            Timings = TimingsFor(election, random.Of<long>([60, 200])),
            LogOptions = new LogOptions { HasThread = false, SegmentSize = random.Of<long>([16, 64, 256]) << 10, IdleMark = TimeSpan.FromDays(1) },
            Stream = new StreamConfiguration
            {
                Name = ClusterSimulation.StreamName,
                Subjects = ["s.>"],
                Storage = StorageType.File,
                Replicas = 3,
                MaxConsumers = -1,
                MaxMessages = random.Chance(0.25) ? random.Between(10, 100) : -1,
                MaxBytes = -1,
                MaxMessagesPerSubject = random.Chance(0.15) ? random.Between(3, 20) : -1,
                MaxMessageSize = -1,
                DuplicateWindow = 3600 * SimulatedWorld.Second,
                AllowAtomicPublish = true,
            },
            BatchEntries = random.Of([1, 2, 5, 512]),
            CatchUpWindow = random.Of([2_000, 20_000, 2 << 20]),
            BacklogBytes = random.Of([500, 20_000, 4 << 20]),
            MaxDelay = maxDelay * SimulatedWorld.Millisecond,
            MaxSync = maxSync * SimulatedWorld.Millisecond,
            PublishEvery = random.Of<long>([2, 6, 15]) * SimulatedWorld.Millisecond,
            FaultEvery = random.Of<long>([30, 80, 200]) * SimulatedWorld.Millisecond,
            SecondPolicy = random.Chance(0.5) ? AckPolicy.All : AckPolicy.Explicit,
            Payload = random.Of([8, 8, 200]),
            Drop = Rate(0.05),
            Duplicate = Rate(0.05),
            Late = Rate(0.03),
            Reorders = On() && On(),
            Crashes = On(),
            PowerCuts = On(),
            Cuts = On(),
            OneWay = On(),
            Pauses = On(),
            Checkpoints = random.Chance(0.8),
            Transfers = On(),
            ClockJumps = On() && On(),
            Deletes = On(),
            FailsWrites = On() && On(),
            Wipes = disks == 1,
            Flips = disks >= 2,
        };

        bool On() => random.Chance(0.6);
        double Rate(double most) => On() ? random.Between(1, 100) * most / 100 : 0;
    }

    private static RaftTimings TimingsFor(long election, long stall) => new()
    {
        MinElection = election,
        MaxElection = election * 2,
        MinCampaign = 5,
        MaxCampaign = 40,
        Transfer = 2,
        Heartbeat = Math.Max(20, election / 3),
        LostQuorum = 500,
        LostQuorumCheck = 250,
        LostQuorumSignal = 1_000,
        CatchUpStall = stall,
    };
}
