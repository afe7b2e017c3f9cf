using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>
/// A group whose servers come back together, as after a loss of power, does not wait for an election time-out: when a quorum
/// of them has been there for longer than a leader may be silent, and none was heard, each member stands once, after a wait
/// by lot. Belongs to the group's mailbox.
/// </summary>
/// <param name="core">The member.</param>
/// <param name="isOnline">Whether a server is there.</param>
/// <param name="patience">Milliseconds that a quorum was there before.</param>
internal sealed class FirstElection(RaftGroup core, Func<PeerId, bool> isOnline, long patience)
{
    /// <summary>Milliseconds from one look to the next.</summary>
    private const long Interval = 250;

    private long? _quorumSince;

    /// <summary>When the next look is due; milliseconds of the group's clock.</summary>
    public long NextStep { get; private set; }

    /// <summary>It has stood: a leader would have been heard by now.</summary>
    public bool HasStood { get; private set; }

    /// <summary>Does what is due.</summary>
    public void Step(long now)
    {
        if (core.HadLeader || core.Members.Length < 2)
        {
            NextStep = long.MaxValue;
            return;
        }
        NextStep = now + Interval;
        if (!IsQuorumThere())
        {
            _quorumSince = null;
            return;
        }
        _quorumSince ??= now;
        if (now - _quorumSince < patience) return;
        NextStep = long.MaxValue;
        HasStood = true;
        core.Campaign(now);
    }

    private bool IsQuorumThere()
    {
        var there = 0;
        foreach (var member in core.Members)
        {
            if (member == core.Self || isOnline(member)) there++;
        }
        return there > core.Members.Length / 2;
    }
}
