using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>How far a member is that is to leave its group.</summary>
internal enum Departure
{
    /// <summary>The others may still need it.</summary>
    Waits,

    /// <summary>The others have everything it has.</summary>
    Done,

    /// <summary>Nobody has shown that he has everything it has.</summary>
    InDoubt,
}

/// <summary>
/// Brings a group to the members it is assigned. Its leader does, through the group's log and one change at a time, so that
/// no two majorities ever decide apart from each other; a Go server that leads has its own way. Who is to leave helps until
/// it is out: it leaves the lead to those who stay, but when none of them can lead, because what was agreed on last is only
/// with those who go, one of these leads until they have it. Only when nobody leads for long, because those who are to go are
/// gone, the assignment alone counts.
/// Belongs to the group's mailbox.
/// </summary>
/// <param name="group">The member.</param>
/// <param name="isOnline">Whether a server is there.</param>
/// <param name="leavesAtOnce">Whether a server leaves a group as soon as it is assigned no more, as Go servers do.</param>
internal sealed class MemberChanges(GroupHost group, Func<PeerId, bool> isOnline, Func<PeerId, bool> leavesAtOnce)
{
    /// <summary>Milliseconds from one look to the next while something is to be done.</summary>
    private const long Interval = 200;

    /// <summary>The same while nothing is.</summary>
    private const long IdleInterval = 5_000;

    /// <summary>Milliseconds without a leader after which nobody expects help of those who are to leave.</summary>
    private const long LeaderlessPatience = 30_000;

    /// <summary>Milliseconds without a leader after which a member that is to leave campaigns like any other.</summary>
    private const long CampaignPatience = 3_000;

    /// <summary>Milliseconds without a leader after which a member that is to leave is expected by nobody any more.</summary>
    private const long DoubtPatience = 60_000;

    /// <summary>Milliseconds that a member which is to leave waits to be told that it is out.</summary>
    private const long LeavingPatience = 10_000;

    /// <summary>Milliseconds of silence after which a member counts as gone.</summary>
    private const long SilencePatience = 5_000;

    /// <summary>Milliseconds from one choice of the next leader to another.</summary>
    private const long HandOverPatience = 8_000;

    private PeerId[] _assigned = [];
    private PeerId _lastAdded;
    private long _handOverDue;
    private long? _leaderlessSince;
    private long _leavesSince;
    private bool _isLedByAssigned;

    /// <summary>When the next look is due; milliseconds of the group's clock.</summary>
    public long NextStep { get; private set; } = long.MaxValue;

    /// <summary>It is assigned no more, and waits until it is out.</summary>
    public bool IsLeaving { get; private set; }

    /// <summary>Somebody who is assigned leads the group, or led it last.</summary>
    public bool HasHandedOver => IsLeaving && _isLedByAssigned;

    /// <summary>Whether a member still fetches from here what is not in the group's log.</summary>
    public Func<PeerId, bool> IsFetching { get; set; } = static _ => false;

    /// <summary>The members are those that are assigned.</summary>
    public bool IsSettled => !group.Core.IsChangingMembers && group.Core.Members.SequenceEqual(_assigned);

    /// <summary>The group is to have these members, this server among them.</summary>
    public void Assign(IReadOnlyList<PeerId> peers, long now)
    {
        if (IsLeaving) group.Core.SetObserver(false, now);
        (IsLeaving, _leaderlessSince) = (false, null);
        Take(peers, now);
    }

    /// <summary>The group is to have these members, this server no more. It does not campaign as long as others may lead.</summary>
    public void Leave(IReadOnlyList<PeerId> peers, long now)
    {
        if (!IsLeaving)
        {
            (IsLeaving, _leavesSince, _isLedByAssigned) = (true, now, false);
            group.Core.SetObserver(true, now);
        }
        Take(peers, now);
    }

    /// <summary>Whether a member that is to leave may go.</summary>
    public Departure DepartureAt(long now)
    {
        var core = group.Core;
        if (!core.CommittedPeers.Ids.Contains(core.Self) || core.State == RaftState.Stopped) return Departure.Done;
        // Those who are there and never say anything in the group hold the asset without it: they began with nothing.
        if (core.State == RaftState.Leader) return now - _leavesSince >= DoubtPatience && Array.TrueForAll(_assigned, peer => isOnline(peer) && IsSilent(peer, DoubtPatience)) ? Departure.InDoubt : Departure.Waits;
        if (now - _leavesSince < LeavingPatience / 4) return Departure.Waits;
        // Who came back with nothing, and was given nothing since, has nothing that the others could need of the group.
        if (core.LastIndex == 0) return Departure.InDoubt;
        // One alone has no use for a group, and says no more once the others are out of it.
        if (_isLedByAssigned && _assigned.Length == 1 && IsSilent(core.Leader, LeavingPatience / 4)) return Departure.Done;
        if (now - _leavesSince < LeavingPatience) return Departure.Waits;
        if (_isLedByAssigned && (_assigned.Length == 1 || _leaderlessSince is null)) return Departure.Done;
        // Whoever leads needs it for as long as nobody else can.
        return _leaderlessSince is { } since && now - since >= DoubtPatience ? Departure.InDoubt : Departure.Waits;
    }

    /// <summary>Whether a member has everything.</summary>
    public bool IsCurrent(PeerId peer)
    {
        foreach (var member in group.Core.GetPeers(group.Now))
        {
            if (member.Id == peer) return member.IsCurrent && (peer == group.Core.Self || (member.Heard is not null && !IsFetching(peer)));
        }
        return false;
    }

    /// <summary>Does what is due.</summary>
    public void Step(long now)
    {
        var core = group.Core;
        NoteLeader(core, now);
        if (core.Leads) Change(core, now);
        else if (_leaderlessSince is { } since) GoOnWithoutLeader(core, now - since, now);
        NextStep = now + (IsLeaving || !IsSettled ? Interval : IdleInterval);
    }

    private void Take(IReadOnlyList<PeerId> peers, long now)
    {
        _assigned = [.. peers.Distinct().Order()];
        NextStep = now;
    }

    private void NoteLeader(RaftGroup core, long now)
    {
        // Who does not campaign goes on believing in a leader that is gone.
        if (core.Leader.IsNone || (core.Leader != core.Self && IsSilent(core.Leader, SilencePatience)))
        {
            _leaderlessSince ??= now;
            return;
        }
        if (IsLeaving && _leaderlessSince is not null && core.State != RaftState.Leader) core.SetObserver(true, now);
        _leaderlessSince = null;
        _isLedByAssigned = IsLeaving && IsAssigned(core.Leader);
    }

    private bool IsAssigned(PeerId peer) => Array.BinarySearch(_assigned, peer) >= 0;

    private void Change(RaftGroup core, long now)
    {
        if (IsAssigned(core.Self) && IsDeserted(core))
        {
            GoOnAfterDeserters(core, now);
            return;
        }
        if (core.IsChangingMembers) return;
        var members = core.Members;
        var missing = Missing(core);
        if (!IsAssigned(core.Self))
        {
            if (!missing.IsNone) Add(core, missing, now);
            else HandOver(core, now);
            return;
        }
        var surplus = PeerId.None;
        foreach (var member in members)
        {
            // Who is gone or leaves without being asked goes first: the next change needs a majority as well.
            if (!IsAssigned(member) && (surplus.IsNone || IsGone(member) || (leavesAtOnce(member) && !IsGone(surplus)))) surplus = member;
        }
        if (!missing.IsNone && (surplus.IsNone || !IsGone(surplus))) Add(core, missing, now);
        else if (!surplus.IsNone && IsSafeWithout(core, surplus)) core.ProposeRemovePeer(surplus, now);
    }

    /// <summary>
    /// Nothing can be agreed on any more because members that are assigned no more are silent, and are of those that leave
    /// without being asked. As upstream, who is assigned goes on then; two of the others that do not know their assignment yet
    /// and are cut off from here together could still agree on something.
    /// </summary>
    private bool IsDeserted(RaftGroup core)
    {
        var (heard, deserters) = (1, 0);
        foreach (var member in core.Members)
        {
            if (member == core.Self) continue;
            if (!IsSilent(member, SilencePatience)) heard++;
            else if (!IsAssigned(member) && leavesAtOnce(member)) deserters++;
            else if (!IsAssigned(member)) return false;
        }
        return deserters > 0 && heard < (core.Members.Length / 2) + 1;
    }

    /// <summary>The leader has all that was agreed on, and begins a term with those who are left.</summary>
    private void GoOnAfterDeserters(RaftGroup core, long now)
    {
        group.Warn($"members that are assigned no more have left: goes on with the {_assigned.Length} that are");
        core.StepDown(PeerId.None, now);
        core.SetPeers(_assigned, now);
        core.CampaignImmediately(now);
    }

    private void Add(RaftGroup core, PeerId peer, long now)
    {
        if (MayGrow(core) && core.ProposeAddPeer(peer, now) == RaftResult.Accepted) _lastAdded = peer;
    }

    /// <summary>
    /// Who was added last and is not heard may be out of reach, and whoever comes next as well. Those that are heard must then stay
    /// a majority, or a move to servers that cannot be reached could neither end nor be cancelled.
    /// </summary>
    private bool MayGrow(RaftGroup core)
    {
        if (!core.Members.Contains(_lastAdded) || !IsGone(_lastAdded)) return true;
        var heard = 1;
        foreach (var member in core.Members)
        {
            if (member != core.Self && !IsGone(member)) heard++;
        }
        var size = core.Members.Length;
        return heard < (size / 2) + 1 || heard >= ((size + 1) / 2) + 1;
    }

    private PeerId Missing(RaftGroup core)
    {
        foreach (var peer in _assigned)
        {
            if (!core.Members.Contains(peer) && isOnline(peer)) return peer;
        }
        return PeerId.None;
    }

    private bool IsGone(PeerId peer) => !isOnline(peer) || IsSilent(peer, SilencePatience);

    private bool IsSilent(PeerId peer, long patience)
    {
        foreach (var member in group.Core.GetPeers(group.Now))
        {
            if (member.Id == peer) return member.Heard is not { } heard || group.Now - heard > patience;
        }
        return true;
    }

    /// <summary>Most of those who stay have everything.</summary>
    private bool IsSafeWithout(RaftGroup core, PeerId leaving)
    {
        var (count, current) = (0, 0);
        foreach (var member in core.Members)
        {
            if (member == leaving) continue;
            count++;
            if (IsCurrent(member)) current++;
        }
        return current >= (count / 2) + 1;
    }

    /// <summary>A leader that is assigned no more makes way when most of those who are have everything.</summary>
    private void HandOver(RaftGroup core, long now)
    {
        // Whoever was chosen before has some time to take over.
        if (now < _handOverDue) return;
        var current = Array.FindAll(_assigned, IsCurrent);
        if (current.Length < (_assigned.Length / 2) + 1) return;
        _handOverDue = now + HandOverPatience;
        core.StepDown(current[0], now);
    }

    private void GoOnWithoutLeader(RaftGroup core, long leaderless, long now)
    {
        if (IsLeaving && leaderless >= CampaignPatience) core.SetObserver(false, now);
        if (leaderless >= LeaderlessPatience) GoOnAlone(core, leaderless, now);
    }

    private void GoOnAlone(RaftGroup core, long leaderless, long now)
    {
        if (IsLeaving || !IsAssigned(core.Self) || IsSettled) return;
        var hasSurplus = false;
        var mayHaveSomething = false;
        foreach (var member in core.Members)
        {
            if (member == core.Self) continue;
            hasSurplus |= !IsAssigned(member);
            mayHaveSomething |= isOnline(member) && !HasNothing(core, member, leaderless);
        }
        // Who has nothing goes on only when nobody is left who has something.
        if (!hasSurplus || (core.LastIndex == 0 && mayHaveSomething)) return;
        group.Warn($"nobody leads, and some members are assigned no more: goes on with the {_assigned.Length} that are");
        core.SetPeers(_assigned, now);
        core.SetObserver(false, now);
        _leaderlessSince = null;
    }

    /// <summary>Whether a member that is there has nothing of the group: it has left, or it has said so.</summary>
    private bool HasNothing(RaftGroup core, PeerId member, long leaderless) =>
        IsAssigned(member) ? core.HasEmptyVoteOf(member) && core.MayHaveForgotten : leaderless >= DoubtPatience + LeavingPatience;
}
