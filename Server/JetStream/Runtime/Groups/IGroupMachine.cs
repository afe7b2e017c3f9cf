using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>What a group agrees on: takes its entries in order. In the mailbox of the group.</summary>
internal interface IGroupMachine
{
    /// <summary>Applies the next index.</summary>
    /// <returns>False: that takes longer; <see cref="GroupHost.ResumeApplying"/> follows, and nothing is applied before.</returns>
    bool Apply(in CommittedEntry entry);

    /// <summary>Becomes what a snapshot says.</summary>
    /// <returns>As of <see cref="Apply"/>.</returns>
    bool ApplySnapshot(RaftSnapshot snapshot);

    /// <summary>Who leads has changed.</summary>
    /// <param name="leader">Who does; nobody: it is not known.</param>
    /// <param name="term">The term.</param>
    /// <param name="leads">It is this server, and it has applied all that was committed before.</param>
    void LeaderChanged(PeerId leader, ulong term, bool leads);

    /// <summary>What was found at the start has been applied as far as it was known to be committed.</summary>
    void Recovered();

    /// <summary>It begins or ends to take older entries from the leader. The group must not be entered.</summary>
    void CatchUpChanged(bool isCatchingUp)
    {
        // Most apply entries as they come.
    }

    /// <summary>There is no leader, and no quorum to elect one.</summary>
    void QuorumLost();

    /// <summary>The log or the disk failed: the group takes part in nothing any more.</summary>
    void Failed(Exception fault);
}
