using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

/// <summary>
/// What a group wants done, in this order. Spans live until the call returns. No member may enter the group again.
/// </summary>
/// <remarks>
/// Effects on the disk have positions: 1, 2, 3, … They must be found after a crash up to one of them, in order, none
/// behind a hole. When all up to a position are durable, the group is told (<see cref="RaftGroup.Durable"/>); a message
/// leaves not before the position it names is. After a failed write nothing more may become durable: the group is stopped.
/// </remarks>
public interface IRaftEffects
{
    /// <summary>Term and vote, always together, in place of those before.</summary>
    void SaveVote(long position, ulong term, PeerId vote);

    /// <summary>The members that were agreed on, in place of those before.</summary>
    void SavePeers(long position, RaftPeers peers);

    /// <summary>
    /// Whether it may lack something it once promised (<see cref="RaftGroup.MayHaveForgotten"/>): that it does must survive a
    /// crash as well.
    /// </summary>
    void SaveDoubt(long position, bool mayHaveForgotten);

    /// <summary>The next index of the log.</summary>
    void Append(long position, ulong index, ulong term, ReadOnlySpan<byte> frame);

    /// <summary>Everything behind an index goes; the next one appended is the one after it.</summary>
    void Truncate(long position, ulong lastIndex);

    /// <summary>A leader's snapshot in place of the whole log and of the snapshot before; the next index is the one after it.</summary>
    void InstallSnapshot(long position, RaftSnapshot snapshot);

    /// <summary>
    /// A snapshot made here (<see cref="RaftGroup.InstallSnapshot"/>). Saved at leisure, beside the positions, by write,
    /// sync, rename and sync of the directory; then <see cref="RaftGroup.SnapshotSaved"/>. An <see cref="InstallSnapshot"/>
    /// in between makes it void.
    /// </summary>
    void SaveSnapshot(RaftSnapshot snapshot);

    /// <summary>The log up to this index is needed no more, neither here nor on the disk.</summary>
    void Compact(ulong index);

    /// <summary>Publishes a message on the account that carries the group's traffic. It must not come back to this group.</summary>
    /// <param name="subject">One of <see cref="RaftSubjects"/>, or an inbox a peer named.</param>
    /// <param name="reply">Where answers go; empty: nowhere.</param>
    /// <param name="frame">The message.</param>
    /// <param name="durableAfter">It leaves when this position is durable; those that wait leave in order.</param>
    void Send(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> frame, long durableAfter);

    /// <summary>What came on this subject from here on goes to <see cref="RaftGroup.ReceiveCatchUp"/> with this number. One at a time.</summary>
    void OpenCatchUp(long inbox, ReadOnlySpan<byte> subject);

    /// <summary>Nothing more is expected there.</summary>
    void CloseCatchUp(long inbox);

    /// <summary>Listens to the group's subjects of proposals and removals, or no longer: leaders do.</summary>
    void ListenToProposals(bool listen);

    /// <summary>The next committed index, to be applied; the layer above tells with <see cref="RaftGroup.Applied"/> when it is.</summary>
    /// <returns>False: that takes longer; nothing more is shown before <see cref="RaftGroup.ResumeApply"/>.</returns>
    bool Apply(in CommittedEntry entry);

    /// <summary>The state of the layer above becomes this; <see cref="RaftGroup.Applied"/> with its index when it has.</summary>
    /// <returns>False: that takes longer; nothing more is shown before <see cref="RaftGroup.ResumeApply"/>.</returns>
    bool ApplySnapshot(RaftSnapshot snapshot);

    /// <summary>What was known at the start has been applied as far as it was known to be committed.</summary>
    void Recovered();

    /// <summary>It begins or ends to take older entries from the leader.</summary>
    void CatchUpChanged(bool isCatchingUp);

    /// <summary>What it is has changed.</summary>
    void StateChanged(RaftState state);

    /// <summary>Who leads has changed.</summary>
    /// <param name="leader">Who does; nobody: it is not known.</param>
    /// <param name="term">The term.</param>
    /// <param name="leads">It is this member, and it has applied all that was committed before.</param>
    void LeaderChanged(PeerId leader, ulong term, bool leads);

    /// <summary>There is no leader and no quorum to elect one.</summary>
    void QuorumLost();

    /// <summary>Something an operator may want to know; comes seldom.</summary>
    void Warn(string message);
}
