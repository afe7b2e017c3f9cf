using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

/// <summary>What a member of a group is and what bounds it has.</summary>
public sealed record RaftOptions
{
    /// <summary>This server.</summary>
    public required PeerId Self { get; init; }

    /// <summary>The group's name, as it stands in subjects.</summary>
    public required string Group { get; init; }

    /// <summary>All that is drawn by lot comes from this: must differ between servers and starts.</summary>
    public required ulong Seed { get; init; }

    public RaftTimings Timings { get; init; } = new();

    /// <summary>Never campaigns until <see cref="RaftGroup.SetObserver"/> says otherwise.</summary>
    public bool IsObserver { get; init; }

    /// <summary>Joins a group that has data: an observer until its log holds some.</summary>
    public bool IsScaleUp { get; init; }

    /// <summary>A leader adds peers it hears of.</summary>
    public bool AddsHeardPeers { get; init; } = true;

    /// <summary>Bytes of proposals after which an append entry is closed.</summary>
    public int MaxBatchBytes { get; init; } = 256 << 10;

    /// <summary>Entries of an append entry.</summary>
    public int MaxBatchEntries { get; init; } = 512;

    /// <summary>Bytes on the way to a follower that catches up.</summary>
    public long CatchUpWindow { get; init; } = 2 << 20;

    /// <summary>Bytes of the leader's newest entries that a follower keeps while it catches up with older ones.</summary>
    public int BacklogBytes { get; init; } = 4 << 20;

    /// <summary>
    /// Indexes that wait to be committed or applied: a leader with more steps down, a follower with more takes nothing.
    /// </summary>
    public ulong PauseThreshold { get; init; } = 100_000;

    /// <summary>A follower that took nothing goes on below this.</summary>
    public ulong ResumeThreshold { get; init; } = 10_000;
}
