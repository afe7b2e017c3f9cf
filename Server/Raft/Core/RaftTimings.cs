namespace NatsAspire.Server.Raft.Core;

/// <summary>Times of a group, in milliseconds of the monotonic clock; upstream's defaults.</summary>
public sealed record RaftTimings
{
    /// <summary>Shortest silence of the leader before a follower campaigns.</summary>
    public long MinElection { get; init; } = 4_000;

    /// <summary>Longest; each wait is drawn anew.</summary>
    public long MaxElection { get; init; } = 9_000;

    /// <summary>Shortest wait of a campaign that was asked for.</summary>
    public long MinCampaign { get; init; } = 100;

    /// <summary>Longest.</summary>
    public long MaxCampaign { get; init; } = 800;

    /// <summary>Wait of whom the leader made way for.</summary>
    public long Transfer { get; init; } = 10;

    /// <summary>A leader that has sent nothing for this long sends a heartbeat.</summary>
    public long Heartbeat { get; init; } = 1_000;

    /// <summary>A leader that has heard of less than a quorum for this long steps down.</summary>
    public long LostQuorum { get; init; } = 10_000;

    /// <summary>How often that is looked at.</summary>
    public long LostQuorumCheck { get; init; } = 10_000;

    /// <summary>How often a candidate tells that there is no quorum, at most.</summary>
    public long LostQuorumSignal { get; init; } = 20_000;

    /// <summary>How often an observer looks whether it may campaign.</summary>
    public long Observer { get; init; } = 48 * 3_600_000L;

    /// <summary>For how long a removed peer is not added again just because it is heard.</summary>
    public long PeerRemove { get; init; } = 300_000;

    /// <summary>A catch-up without progress for this long is given up; by both sides.</summary>
    public long CatchUpStall { get; init; } = 2_000;

    /// <summary>A leader or peer heard within twice the heartbeat is current, within three times it may be made leader.</summary>
    internal long CurrentWindow => 2 * Heartbeat;

    /// <inheritdoc cref="CurrentWindow"/>
    internal long HealthyWindow => 3 * Heartbeat;

    /// <summary>
    /// Who may have forgotten what it promised and keeps silent hears a leader after this long only if that leader has a
    /// quorum without it: others step down when they have heard of none for <see cref="LostQuorum"/>.
    /// </summary>
    internal long Silence => (2 * LostQuorum) + LostQuorumCheck + MaxElection;

    /// <summary>Refuses what cannot work.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A time is not positive, or a longest one below its shortest.</exception>
    public void Validate()
    {
        foreach (var time in (long[])[MinElection, MinCampaign, Transfer, Heartbeat, LostQuorum, LostQuorumCheck, LostQuorumSignal, Observer, PeerRemove, CatchUpStall])
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(time);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(MaxElection, MinElection);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(MaxCampaign, MinCampaign);
    }
}
