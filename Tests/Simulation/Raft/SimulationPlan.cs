using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Simulation.Raft;

/// <summary>
/// What a seed makes of the constants and the faults: each fault is off in many runs (swarm), and constants are such that
/// rare paths are taken often.
/// </summary>
internal sealed record SimulationPlan
{
    /// <summary>Milliseconds with faults.</summary>
    public const long Storm = 2_500;

    /// <summary>Milliseconds without, in which all must become well.</summary>
    public const long Calm = 3_500;

    public required int Members { get; init; }
    public required RaftTimings Timings { get; init; }
    public required int BatchEntries { get; init; }
    public required int CatchUpWindow { get; init; }
    public required int BacklogBytes { get; init; }
    public required ulong PauseThreshold { get; init; }
    public required long MinDelay { get; init; }
    public required long MaxDelay { get; init; }
    public required long MaxSync { get; init; }
    public required long ProposalEvery { get; init; }
    public required long FaultEvery { get; init; }
    public required int Snapshots { get; init; }
    public double Drop { get; init; }
    public double Duplicate { get; init; }
    public double Late { get; init; }
    public bool Reorders { get; init; }
    public bool Crashes { get; init; }
    public bool Cuts { get; init; }
    public bool OneWay { get; init; }
    public bool Wipes { get; init; }
    public bool ChangesMembers { get; init; }
    public bool Transfers { get; init; }
    public bool Campaigns { get; init; }
    public bool Clogs { get; init; }
    public bool Pauses { get; init; }
    public bool AppliesLater { get; init; }
    public bool SlowDisks { get; init; }

    /// <summary>At the beginning members know only themselves, and how many they will be.</summary>
    public bool Forms { get; init; }

    /// <summary>Latest a message may arrive. Who lost its disk relies on that a leader nobody answers steps down before.</summary>
    public long Latest => Wipes ? Timings.LostQuorum / 3 : 1_500;

    public static SimulationPlan Draw(SimulationRandom random)
    {
        var (minDelay, maxDelay, maxSync) = (random.Between(0, 3), random.Between(3, random.Of<long>([4, 8, 20])), random.Of<long>([0, 3, 10]));
        // With less time than votes need nobody is ever elected.
        var answer = (2 * maxDelay) + maxSync;
        var election = Math.Max(random.Of<long>([40, 80, 150]), 3 * answer);
        var heartbeat = Math.Max(10, election / random.Between(2, 5));
        return new SimulationPlan
        {
            Members = random.Of([1, 2, 3, 3, 3, 3, 3, 4, 5, 5]),
            Timings = new RaftTimings
            {
                MinElection = election,
                MaxElection = election * 2,
                MinCampaign = answer / 2,
                MaxCampaign = answer * 3,
                Transfer = 2,
                Heartbeat = heartbeat,
                LostQuorum = 400,
                LostQuorumCheck = 200,
                LostQuorumSignal = 600,
                Observer = 100_000,
                PeerRemove = 10_000,
                CatchUpStall = random.Of<long>([40, 100, 200]),
            },
            BatchEntries = random.Of([1, 1, 2, 5, 512]),
            CatchUpWindow = random.Of([4_000, 20_000, 2 << 20]),
            BacklogBytes = random.Of([300, 5_000, 4 << 20]),
            PauseThreshold = (ulong)random.Of([5, 30, 100_000]),
            MinDelay = minDelay,
            MaxDelay = maxDelay,
            MaxSync = maxSync,
            ProposalEvery = random.Of<long>([8, 30, 80]),
            FaultEvery = random.Of<long>([15, 50, 120]),
            Snapshots = random.Of([0, 3, 10, 40]),
            Drop = Rate(0.2),
            Duplicate = Rate(0.1),
            Late = Rate(0.08),
            Reorders = On(),
            Crashes = On(),
            Cuts = On(),
            OneWay = On(),
            Wipes = On() && On(),
            ChangesMembers = On() && On(),
            Transfers = On(),
            Campaigns = On(),
            Clogs = On(),
            Pauses = On() && On(),
            AppliesLater = On() && On(),
            SlowDisks = On(),
            Forms = random.Chance(0.2),
        };

        bool On() => random.Chance(0.6);
        double Rate(double most) => On() ? random.Between(1, 100) * most / 100 : 0;
    }

    public RaftOptions Options(PeerId self, bool isScaleUp) => new()
    {
        Self = self,
        Group = "sim",
        Seed = 0,
        Timings = Timings,
        IsScaleUp = isScaleUp,
        AddsHeardPeers = Forms,
        MaxBatchEntries = BatchEntries,
        CatchUpWindow = CatchUpWindow,
        BacklogBytes = BacklogBytes,
        PauseThreshold = PauseThreshold,
        ResumeThreshold = PauseThreshold / 2,
    };
}
