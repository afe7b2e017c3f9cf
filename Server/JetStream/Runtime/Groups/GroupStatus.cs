using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>How a member of a group stood a moment ago. Any thread may read it.</summary>
/// <param name="Group">The group's name.</param>
/// <param name="Self">The member.</param>
/// <param name="State">What it was.</param>
/// <param name="Leader">Who led; nobody: it was not known.</param>
/// <param name="Peers">All members.</param>
internal sealed record GroupStatus(string Group, PeerId Self, RaftState State, PeerId Leader, IReadOnlyList<RaftPeer> Peers)
{
    public required ulong Term { get; init; }

    public required PeerId Vote { get; init; }

    /// <summary>It had applied all that was committed, and heard its leader.</summary>
    public required bool IsCurrent { get; init; }

    public required bool HadLeader { get; init; }

    public required bool IsObserver { get; init; }

    public required int Size { get; init; }

    public required ulong Committed { get; init; }

    public required ulong Applied { get; init; }

    public required ulong LastIndex { get; init; }

    public required ulong LastTerm { get; init; }

    public required ulong SnapshotIndex { get; init; }

    public required long LogBytes { get; init; }

    /// <summary>Milliseconds of the monotonic clock.</summary>
    public required long At { get; init; }

    /// <summary>When the member began to lead; null: it did not.</summary>
    public required DateTimeOffset? LeaderSince { get; init; }

    /// <summary>How a member stands now. In its mailbox.</summary>
    public static GroupStatus Of(GroupHost group)
    {
        var (core, now) = (group.Core, group.Now);
        return new GroupStatus(group.Name, core.Self, core.State, core.Leads ? core.Self : core.Leader, PeersOf(group, core, now))
        {
            Term = core.Term,
            Vote = core.Vote,
            IsCurrent = core.IsCurrent(now),
            HadLeader = core.HadLeader,
            IsObserver = core.IsObserver,
            Size = core.ClusterSize,
            Committed = core.CommitIndex,
            Applied = core.AppliedIndex,
            LastIndex = core.LastIndex,
            LastTerm = core.LastTerm,
            SnapshotIndex = core.SnapshotIndex,
            LogBytes = core.LogBytes,
            LeaderSince = group.LeaderSince,
            At = now,
        };
    }

    /// <summary>Who still fetches what is not in the group's log lacks something, however long its log is.</summary>
    private static RaftPeer[] PeersOf(GroupHost group, RaftGroup core, long now) =>
        [.. core.GetPeers(now).Select(peer => peer.IsCurrent && core.Leads && peer.Id != core.Self && group.Members.IsFetching(peer.Id) ? peer with { IsCurrent = false } : peer)];
}
