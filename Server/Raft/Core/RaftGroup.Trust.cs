using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

// A member that lost its disk, or some of it, has forgotten promises: entries it acknowledged, votes it gave. As long as
// it may lack something that was committed with its help, it helps nobody: its votes count only together with everybody's,
// and it acknowledges nothing. It has caught up when it holds all that a leader had which is the leader without its help.
public partial class RaftGroup
{
    private ulong _trustBehind;
    private ulong _trustTerm;
    private (ulong Term, PeerId Candidate) _electionSeen;
    private long _spokeAt;

    /// <summary>It may lack something it once acknowledged, and takes part in no quorum.</summary>
    public bool MayHaveForgotten { get; private set; }

    /// <summary>
    /// Others may have been given the group's work while this server was away: until that is known its votes count only together with
    /// everybody's, so that two who come back late do not go on by themselves with what was removed, or made anew, elsewhere.
    /// </summary>
    public bool IsLate { get; set; }

    private void Distrust()
    {
        _spokeAt = _now;
        if (MayHaveForgotten) return;
        SetDoubt(true);
        _effects.Warn("may have forgotten what it acknowledged; takes part in no quorum until it has caught up");
    }

    private void SetDoubt(bool mayHaveForgotten)
    {
        if (MayHaveForgotten == mayHaveForgotten) return;
        MayHaveForgotten = mayHaveForgotten;
        _effects.SaveDoubt(++_position, mayHaveForgotten);
    }

    /// <summary>Whether it may say that it holds what the leader has.</summary>
    internal virtual bool MayAcknowledge() => !MayHaveForgotten;

    // The log has just been found to be the leader's.
    private void NoteTrust(in AppendEntry entry)
    {
        if (!MayHaveForgotten) return;
        if (_trustTerm != entry.SenderTerm)
        {
            // What comes live was made when it was sent, and that was after this member had forgotten.
            (_trustTerm, _trustBehind) = (entry.SenderTerm, entry.PreviousIndex);
        }
        if (HasCaughtUp(entry))
        {
            SetDoubt(false);
        }
    }

    /// <summary>
    /// Whether the leader has shown that it leads without this member's help: it asked for its votes since, and got those that count;
    /// it committed an entry made since; or it still leads although it has not heard this member for longer than anybody
    /// leads without a quorum.
    /// </summary>
    internal virtual bool HasCaughtUp(in AppendEntry entry) =>
        ((entry.SenderTerm, entry.Leader) == _electionSeen && LastTerm == entry.SenderTerm) || _commit > _trustBehind || _now - _spokeAt > _timings.Silence;
}
