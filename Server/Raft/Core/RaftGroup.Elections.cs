using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

public partial class RaftGroup
{
    private const int RoundsLetGoFirst = 4;

    private readonly HashSet<PeerId> _votes = [];
    private readonly HashSet<PeerId> _emptyVotes = [];
    private long _electionAt;
    private long _askAgainAt;
    private long _askAgainAfter;
    private int _letGoFirst;
    private long _ownVotePosition;
    private long _quorumLostAt;
    private bool _isObserver;
    private bool _isScalingUp;
    private bool _isInitializing;
    private bool _isChosen;

    /// <summary>Campaigns soon, after a wait drawn by lot.</summary>
    /// <returns>False: it leads.</returns>
    public bool Campaign(long now) => CampaignWithin(_random.Between(_timings.MinCampaign, _timings.MaxCampaign), now);

    /// <summary>Campaigns at once: it is preferred as the first leader of a group that was just created.</summary>
    /// <returns>False: it leads.</returns>
    public bool CampaignImmediately(long now)
    {
        EndInitializing();
        return CampaignWithin(_timings.MinCampaign / 2, now);
    }

    /// <summary>
    /// The server of the leader has ended: it is waited for no longer than a wait drawn by lot. Should that be wrong, the
    /// leader's next message puts the election off as any does.
    /// </summary>
    public void LeaderHasEnded(PeerId leader, long now)
    {
        if (!Enter(now)) return;
        if (_state == RaftState.Follower && Leader == leader) _electionAt = Math.Min(_electionAt, _now + _random.Between(_timings.MinCampaign, _timings.MaxCampaign));
        Leave();
    }

    /// <summary>Never campaigns from here on, or as usual again. A leader stays one until it steps down.</summary>
    public void SetObserver(bool isObserver, long now)
    {
        if (!Enter(now)) return;
        var was = _isObserver;
        _isObserver = isObserver;
        if (was && !isObserver) ResetElection();
    }

    private bool CampaignWithin(long wait, long now)
    {
        if (!Enter(now) || _state == RaftState.Leader) return false;
        _electionAt = _now + wait;
        return true;
    }

    private void BeChosen()
    {
        _isChosen = true;
        if (!_paused) _electionAt = _now + _timings.Transfer;
    }

    private void ResetElection() => _electionAt = _now + _random.Between(_timings.MinElection, _timings.MaxElection);

    private void OnElectionTimeout()
    {
        if (_isObserver)
        {
            _electionAt = _now + _timings.Observer;
        }
        else if (_catchUp is not null)
        {
            if (CatchUpIsStalled()) EndCatchUp();
            ResetElection();
        }
        else if (LetsOthersGoFirst())
        {
            _electionAt = _now + _timings.MinElection;
        }
        else if (!MayCampaign())
        {
            // Whom the leader made way for is waited for by all.
            _electionAt = _now + (_isChosen ? _timings.Transfer : Math.Max(1, _timings.MinElection / 4));
        }
        else
        {
            BecomeCandidate();
        }
    }

    /// <summary>Whether it may ask for votes: not while it has not processed what it knows to be committed, nor outside of the group.</summary>
    internal virtual bool MayCampaign() => !_paused && _processed >= _commit && (_membership.Contains(Self) || _membership.IsForming || _membership.IsChangingPeer(Self));

    // While it is not settled whether it belongs to the group, others go first. If none can, because what is not settled
    // stands only in this log, it must: its votes are then those of the others alone.
    private bool LetsOthersGoFirst() => _membership.IsChangingPeer(Self) && _letGoFirst++ < RoundsLetGoFirst;

    private void BecomeCandidate()
    {
        if (_state == RaftState.Candidate && HasLostQuorum() && _now - _quorumLostAt > _timings.LostQuorumSignal)
        {
            _quorumLostAt = _now;
            _effects.QuorumLost();
        }
        _term++;
        _vote = Self;
        _takesNothing = false;
        _votes.Clear();
        _emptyVotes.Clear();
        Follow(PeerId.None);
        SetState(RaftState.Candidate);
        ResetElection();
        SaveVote();
        _ownVotePosition = _position;
        _askAgainAfter = _timings.MinCampaign;
        AskForVotes();
        CountOwnVote();
    }

    // Asked once, a group whose other members are just being created, or not connected yet, would have no leader for an
    // election's whole time. Who has voted for this candidate says so again, and is counted once. Only in the first part of
    // the election: a Go server's own campaign is put off by each request that it grants.
    private void AskForVotes()
    {
        _askAgainAfter *= 2;
        _askAgainAt = _askAgainAfter < _timings.MinElection / 4 ? _now + _askAgainAfter : long.MaxValue;
        if (_isObserver || !MayCampaign()) return;
        Span<byte> frame = stackalloc byte[VoteRequest.Length];
        SendWhenDurable(_subjects.Votes, _voteInbox, new VoteRequest(_term, LastTerm, LastIndex, Self).Write(frame));
    }

    // Nobody else hears of the candidacy before the own vote is durable, so it is the first that counts.
    private void CountOwnVote()
    {
        if (_state != RaftState.Candidate || _durable < _ownVotePosition) return;
        CountVote(new VoteResponse(_term, Self, IsGranted: true, IsEmpty: MayHaveForgotten || IsLate));
    }

    private void OnVoteRequest(in VoteRequest request, ReadOnlySpan<byte> reply)
    {
        if (request.Candidate == Self) return;
        if (request.Term > _term)
        {
            StepDownTo(PeerId.None);
            AdoptTerm(request.Term);
        }
        if (request.Term == _term) _electionSeen = (request.Term, request.Candidate);
        var isGranted = request.Term == _term && MayVoteFor(request.Candidate) && IsUpToDate(request.LastTerm, request.LastIndex);
        if (isGranted)
        {
            // Who asks again puts off nobody: a candidate that is heard and hears nobody would keep all others from campaigning.
            if (_vote != request.Candidate) ResetElection();
            _vote = request.Candidate;
        }
        else if (request.Term == _term && _vote.IsNone && _state == RaftState.Follower && !_isObserver)
        {
            // Its own log is newer: better it asks soon than that the others try in vain.
            _electionAt = Math.Min(_electionAt, _now + _random.Between(_timings.MinCampaign, _timings.MaxCampaign));
        }
        Span<byte> frame = stackalloc byte[VoteResponse.Length];
        SendWhenDurable(reply, default, new VoteResponse(_term, Self, isGranted, VotesAsEmpty()).Write(frame));
    }

    /// <summary>Whether the vote of this term is free, or was given to the same candidate.</summary>
    internal virtual bool MayVoteFor(PeerId candidate) => _vote.IsNone || _vote == candidate;

    /// <summary>Whether a candidate's log holds at least what this one does.</summary>
    internal virtual bool IsUpToDate(ulong lastTerm, ulong lastIndex) =>
        lastTerm > LastTerm || (lastTerm == LastTerm && lastIndex >= LastIndex);

    /// <summary>
    /// Whether its votes count only together with everybody's: its log is empty although it should not be, or it lost some
    /// of what it promised and has not caught up, or it does not know whether the group is still the one that is meant.
    /// </summary>
    internal virtual bool VotesAsEmpty() => MayHaveForgotten || IsLate || (LastIndex == 0 && !_isInitializing);

    private void OnVoteResponse(in VoteResponse response)
    {
        if (_state is not (RaftState.Candidate or RaftState.Leader)) return;
        if (response.Term > _term)
        {
            StepDownTo(PeerId.None);
            AdoptTerm(response.Term);
        }
        else if (_state == RaftState.Candidate && response.IsGranted && response.Term == _term)
        {
            Hear(response.Peer);
            CountVote(response);
        }
    }

    private void CountVote(in VoteResponse vote)
    {
        if (!CountsVoteOf(vote.Peer)) return;
        if (!vote.IsEmpty)
        {
            _votes.Add(vote.Peer);
            _emptyVotes.Remove(vote.Peer);
        }
        else if (!_votes.Contains(vote.Peer))
        {
            _emptyVotes.Add(vote.Peer);
        }
        if (HasWon(_votes.Count, _emptyVotes.Count)) BecomeLeader();
    }

    /// <summary>Whether somebody has voted for this member when it campaigned last, and said that it may have forgotten promises.</summary>
    public bool HasEmptyVoteOf(PeerId peer) => _emptyVotes.Contains(peer);

    /// <summary>Whether somebody's vote counts: a member's, and while the group forms that of anybody who was not removed.</summary>
    internal virtual bool CountsVoteOf(PeerId peer) => _membership.Contains(peer) || (_membership.IsForming && !_removed.ContainsKey(peer));

    /// <summary>
    /// Whether that elects: a quorum of those who know what they promised; or everybody, of whom no log can be newer then.
    /// </summary>
    internal virtual bool HasWon(int votes, int emptyVotes) => votes >= _membership.Quorum || votes + emptyVotes >= _membership.Size;

    private void EndInitializing()
    {
        _isInitializing = false;
        if (!_isScalingUp) return;
        _isScalingUp = false;
        _isObserver = _options.IsObserver;
        if (!_isObserver) ResetElection();
    }
}
