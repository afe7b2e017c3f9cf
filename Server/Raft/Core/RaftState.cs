namespace NatsAspire.Server.Raft.Core;

/// <summary>What a member of a group is at present.</summary>
public enum RaftState
{
    Follower,
    Candidate,

    /// <summary>Elected; the layer above hears of it when the term's first entry was processed (<see cref="RaftGroup.Leads"/>).</summary>
    Leader,

    /// <summary>It takes part in nothing any more.</summary>
    Stopped,
}

/// <summary>What became of a request to a <see cref="RaftGroup"/>.</summary>
public enum RaftResult
{
    /// <summary>It is on its way; whether it is committed shows when it is applied.</summary>
    Accepted,

    /// <summary>Not the leader, or no longer in the term asked for.</summary>
    NotLeader,

    /// <summary>Another change of the members is not committed yet, or the leader's first entry is not.</summary>
    ChangeInProgress,

    /// <summary>No such member.</summary>
    UnknownPeer,

    /// <summary>A member already.</summary>
    KnownPeer,

    /// <summary>The last member cannot go.</summary>
    LastPeer,

    /// <summary>Too much waits to be committed or applied: the leader has stepped down.</summary>
    Overrun,

    /// <summary>There is nothing a snapshot could be made of, or it is older than the one there is.</summary>
    NothingToSnapshot,

    /// <summary>Another snapshot is being saved.</summary>
    SnapshotInProgress,

    /// <summary>A follower is being caught up from the log a snapshot would remove.</summary>
    CatchUpInProgress,

    /// <summary>The group is stopped.</summary>
    Stopped,
}

/// <summary>Where the state of a start comes from.</summary>
public enum RaftOrigin
{
    /// <summary>The group was just created: an empty log is what is expected.</summary>
    Created,

    /// <summary>
    /// Found after a restart, or the group was there before this server had it. With an empty log the server may have lost
    /// what it promised: it takes part in no quorum until it has caught up.
    /// </summary>
    Recovered,

    /// <summary>What was found is damaged or older than it was: the same, whatever the log holds.</summary>
    Damaged,
}
