using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

public partial class RaftGroup
{
    /// <summary>Heartbeats in the time of one while a member is called for, and for how many usual ones that lasts.</summary>
    private const int HeartbeatsOfCall = 5, HeartbeatsOfPatience = 3;

    private readonly Queue<(long Position, ulong Index)> _undurable = [];
    private ulong _durableIndex;
    private ulong _firstOfTerm;
    private long _heartbeatAt;
    private long _quorumCheckAt;
    private long _grownAt = long.MinValue / 2;
    private bool _heartbeatIsWanted;
    private PeerId _called;
    private long _calledAt;

    private long NextLeaderTick
    {
        get
        {
            var next = Math.Min(_heartbeatAt, _quorumCheckAt);
            foreach (var transfer in _transfers.Values) next = Math.Min(next, transfer.StallsAt);
            return next;
        }
    }

    /// <summary>Whether less than a quorum was heard of late.</summary>
    public bool HasQuorum(long now)
    {
        _now = Math.Max(_now, now);
        return !HasLostQuorum();
    }

    /// <summary>
    /// A leader makes way: for the preferred peer if it was heard of late, else for the one whose log is longest. Without
    /// anybody it steps down all the same.
    /// </summary>
    /// <param name="preferred">Who shall lead; nobody: whoever can.</param>
    /// <param name="now">The time.</param>
    public RaftResult StepDown(PeerId preferred, long now)
    {
        if (!Enter(now)) return RaftResult.Stopped;
        if (_state != RaftState.Leader) return RaftResult.NotLeader;
        TransferTo(preferred);
        Leave();
        return RaftResult.Accepted;
    }

    /// <summary>
    /// The server of a member is back. If this member leads, its heartbeats come more often for some time, until that member
    /// is heard: nobody knows when it will listen.
    /// </summary>
    public void CallFor(PeerId peer, long now)
    {
        if (!Enter(now) || _state != RaftState.Leader || peer == Self || !_membership.Contains(peer)) return;
        (_called, _calledAt) = (peer, _now);
        _heartbeatAt = Math.Min(_heartbeatAt, _now + HeartbeatInterval);
    }

    private void TransferTo(PeerId preferred)
    {
        var next = IsHealthy(preferred) ? preferred : BestPeer();
        SendProposals();
        if (!next.IsNone)
        {
            Span<byte> id = stackalloc byte[PeerId.Length];
            next.Write(id);
            SendEntry(RaftEntryType.LeaderTransfer, id);
        }
        StepDownTo(PeerId.None);
    }

    private bool IsHealthy(PeerId peer) =>
        peer != Self && _membership.Contains(peer) && _peers.TryGetValue(peer, out var progress) && progress.WasHeard(_now, _timings.HealthyWindow);

    private PeerId BestPeer()
    {
        var best = PeerId.None;
        foreach (var peer in _membership.Members)
        {
            if (IsHealthy(peer) && (best.IsNone || _peers[peer].LastIndex > _peers[best].LastIndex)) best = peer;
        }
        return best;
    }

    private void BecomeLeader()
    {
        _isChosen = false;
        // Elected without its own vote, or by all: nobody holds anything committed that it does not.
        SetDoubt(false);
        foreach (var progress in _peers.Values) (progress.Match, progress.LastIndex) = (0, 0);
        Follow(Self);
        SetState(RaftState.Leader);
        _quorumCheckAt = _now + _timings.LostQuorumCheck;
        _heartbeatAt = _now + _timings.Heartbeat;
        _effects.ListenToProposals(true);
        _firstOfTerm = LastIndex + 1;
        SendEntry(RaftEntryType.PeerState, _membership.Current.Encode());
    }

    // Leadership ends at once: nothing is sent in its term any more, and what was proposed and not sent is gone.
    private void StepDownTo(PeerId leader)
    {
        _isChosen = false;
        if (_state is RaftState.Leader)
        {
            Leads = false;
            _heartbeatIsWanted = false;
            _proposals.Clear();
            _transfers.Clear();
            _effects.ListenToProposals(false);
        }
        Follow(leader);
        if (_state is not (RaftState.Leader or RaftState.Candidate)) return;
        SetState(RaftState.Follower);
        ResetElection();
    }

    private void Follow(PeerId leader)
    {
        var led = _leader == Self;
        _leader = leader;
        HadLeader |= !leader.IsNone;
        // Who leads knows of everybody; who follows only of its leader.
        if (leader == Self || led) return;
        foreach (var (peer, progress) in _peers)
        {
            progress.LastIndex = 0;
            if (peer != leader) progress.Heard = null;
        }
    }

    private void TickAsLeader()
    {
        if (_now >= _quorumCheckAt)
        {
            _quorumCheckAt = _now + _timings.LostQuorumCheck;
            if (HasLostQuorum())
            {
                _effects.Warn("no quorum was heard of late, stepping down");
                StepDownTo(PeerId.None);
                return;
            }
        }
        if (_now >= _heartbeatAt) SendHeartbeat();
        GiveUpStalledTransfers();
    }

    private bool HasLostQuorum()
    {
        if (_now - _grownAt < _timings.LostQuorum) return false;
        var heard = 0;
        foreach (var peer in _membership.Members)
        {
            if (peer == Self || (_peers.TryGetValue(peer, out var progress) && progress.WasHeard(_now, _timings.LostQuorum))) heard++;
        }
        return heard < _membership.Quorum;
    }

    private void SendHeartbeat()
    {
        Span<byte> frame = stackalloc byte[AppendEntry.HeaderLength + 1];
        AppendEntry.WriteHeader(frame, NextHeader, 0);
        frame[AppendEntry.HeaderLength] = 0;
        Broadcast(frame);
    }

    private long HeartbeatInterval => IsCalling ? Math.Max(1, _timings.Heartbeat / HeartbeatsOfCall) : _timings.Heartbeat;

    /// <summary>Whether a member whose server came back is waited for.</summary>
    private bool IsCalling => !_called.IsNone && _now - _calledAt < HeartbeatsOfPatience * _timings.Heartbeat && !(_peers.TryGetValue(_called, out var peer) && peer.Heard > _calledAt);

    private AppendEntryHeader NextHeader => new(Self, _term, _commit, LastTerm, LastIndex);

    private void Broadcast(ReadOnlySpan<byte> frame)
    {
        _heartbeatIsWanted = false;
        _heartbeatAt = _now + HeartbeatInterval;
        _effects.Send(_subjects.AppendEntries, _appendInbox, frame, 0);
    }

    // Followers store it while this disk does; the leader counts itself when its own has it.
    private void AppendAsLeader(ReadOnlySpan<byte> frame)
    {
        Store(_term, frame);
        Broadcast(frame);
    }

    private void Store(ulong term, ReadOnlySpan<byte> frame)
    {
        // The term an entry came in is on the disk before it.
        SaveVote();
        _log.Append(term, frame);
        _undurable.Enqueue((++_position, LastIndex));
        _effects.Append(_position, LastIndex, term, frame);
    }

    private void NoteDurableEntries()
    {
        while (_undurable.TryPeek(out var next) && next.Position <= _durable) _durableIndex = _undurable.Dequeue().Index;
    }

    // What is truncated is not durable, even when its position becomes it later.
    private void ForgetDurableAbove(ulong index)
    {
        _durableIndex = Math.Min(_durableIndex, index);
        for (var i = _undurable.Count; i > 0; i--)
        {
            var kept = _undurable.Dequeue();
            if (kept.Index <= index) _undurable.Enqueue(kept);
        }
    }

    private void OnAppendEntryResponse(in AppendEntryResponse response, ReadOnlySpan<byte> reply)
    {
        if (response.Peer == Self) return;
        if (!response.IsSuccess && reply.IsEmpty)
        {
            if (response.Term <= _term) return;
            _effects.Warn($"{response.Peer} is in term {response.Term}, stepping down in {_term}");
            StepDownTo(PeerId.None);
            AdoptTerm(response.Term);
            return;
        }
        if (_state != RaftState.Leader) return;
        Hear(response.Peer);
        if (response.IsSuccess) OnAcknowledged(response);
        else CatchUpFollower(response, reply);
    }

    private void OnAcknowledged(in AppendEntryResponse response)
    {
        ProgressTransfer(response.Peer, response.Index);
        if (!_peers.TryGetValue(response.Peer, out var progress)) return;
        progress.LastIndex = Math.Max(progress.LastIndex, response.Index);
        // An entry of this term is this leader's, so the log before it is as well. One of an older term proves nothing.
        if (!CountsAcknowledgement(response) || response.Index > LastIndex || response.Index <= progress.Match) return;
        progress.Match = response.Index;
        AdvanceCommit();
    }

    /// <summary>Whether an acknowledgement is one of this term.</summary>
    internal virtual bool CountsAcknowledgement(in AppendEntryResponse response) => response.Term == _term;

    private void AdvanceCommit()
    {
        if (_state != RaftState.Leader) return;
        var index = QuorumIndex();
        if (index <= _commit || !MayCommit(index)) return;
        _heartbeatIsWanted = true;
        CommitTo(index);
        if (_state == RaftState.Leader && WasRemoved()) LeaveGroup();
    }

    /// <summary>Whether a leader may commit an index a quorum holds: only one of its own term, which takes those before along.</summary>
    internal virtual bool MayCommit(ulong index) => _log.TermAt(index) == _term;

    /// <summary>How far the leader's own log counts towards the quorum.</summary>
    internal virtual ulong OwnMatch() => _durableIndex;

    // The highest index that a quorum of the members holds.
    private ulong QuorumIndex()
    {
        var members = _membership.Members;
        if (members.Length < _membership.Quorum) return 0;
        Span<ulong> matches = members.Length <= 64 ? stackalloc ulong[members.Length] : new ulong[members.Length];
        for (var i = 0; i < members.Length; i++)
        {
            matches[i] = members[i] == Self ? OwnMatch() : _peers.TryGetValue(members[i], out var progress) ? progress.Match : 0;
        }
        matches.Sort();
        return matches[members.Length - _membership.Quorum];
    }

    private bool WasRemoved() => !_membership.Contains(Self) && !_membership.IsForming && !_membership.IsChanging;

    private void LeaveGroup()
    {
        TransferTo(PeerId.None);
        SaveVote();
    }
}
