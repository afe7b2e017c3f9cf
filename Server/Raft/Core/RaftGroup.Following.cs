using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

public partial class RaftGroup
{
    private bool _takesNothing;

    /// <summary>How often too much waited to be committed or applied.</summary>
    public long Overruns { get; private set; }

    // Live entries come on the group's subject and are answered; those of a catch-up come on its inbox and never are: that a
    // log holds old entries proves nothing to the quorum of today.
    private void OnAppendEntry(in AppendEntry entry, ReadOnlySpan<byte> reply, bool isLive)
    {
        if (entry.Leader == Self && isLive) return;
        if (!AcceptsTerm(entry, reply, isLive)) return;
        if (isLive) FollowLeader(entry.Leader);
        if (!_isChosen) ResetElection();
        if (IsOverwhelmed()) return;
        if (!isLive && IsSnapshotFrame(entry))
        {
            TakeLeaderSnapshot(entry);
            return;
        }
        if (!Continues(entry, reply, isLive)) return;
        if (!entry.IsHeartbeat) StoreAsFollower(entry, isLive);
        CommitTo(Math.Min(entry.Commit, LastIndex));
        if (isLive || AnswersCatchUp()) Acknowledge(entry, reply, isLive);
    }

    private bool AcceptsTerm(in AppendEntry entry, ReadOnlySpan<byte> reply, bool isLive)
    {
        var term = entry.SenderTerm;
        if (term < _term)
        {
            // Old servers do not tell their term when they catch up; the inbox, which is open for one leader only, vouches.
            if (!isLive) return entry.LeaderTerm == 0;
            if (!RefusesOldTerm()) return true;
            Span<byte> frame = stackalloc byte[AppendEntryResponse.Length];
            SendWhenDurable(reply, default, new AppendEntryResponse(_term, LastIndex, Self, IsSuccess: false).Write(frame));
            return false;
        }
        if (_state == RaftState.Leader && term == _term) _effects.Warn($"{entry.Leader} leads in term {_term} as well");
        if (_state != RaftState.Follower) StepDownTo(isLive ? entry.Leader : PeerId.None);
        if (term > _term) AdoptTerm(term);
        return isLive || _catchUp is not null;
    }

    /// <summary>Whether what a leader of an older term sends is refused.</summary>
    internal virtual bool RefusesOldTerm() => true;

    private void FollowLeader(PeerId leader)
    {
        if (_leader != leader)
        {
            _isChosen = false;
            _letGoFirst = 0;
            Follow(leader);
            ResetElection();
        }
        if (!_membership.Contains(leader)) return;
        if (!_peers.TryGetValue(leader, out var progress)) _peers[leader] = progress = new PeerProgress();
        progress.Heard = _now;
    }

    // Who cannot apply as fast as it commits takes nothing for a while; the leader brings it a snapshot afterwards.
    private bool IsOverwhelmed()
    {
        var waiting = _commit - Settled;
        if (_takesNothing)
        {
            if (waiting > _options.ResumeThreshold) return true;
            _takesNothing = false;
            _effects.Warn($"goes on: committed {_commit}, applied {_applied}");
            return false;
        }
        if (waiting <= _options.PauseThreshold) return false;
        _takesNothing = true;
        Overruns++;
        _effects.Warn($"falling behind, takes nothing: committed {_commit}, applied {_applied}");
        EndCatchUp();
        return true;
    }

    /// <summary>
    /// Whether the entry comes right behind the log's last one, after what contradicts the leader was truncated. What is
    /// committed contradicts nobody.
    /// </summary>
    private bool Continues(in AppendEntry entry, ReadOnlySpan<byte> reply, bool isLive)
    {
        var previous = entry.PreviousIndex;
        if (previous == LastIndex && (entry.PreviousTerm == LastTerm || !ChecksPreviousTerm())) return true;
        if (previous < _commit && (previous < _log.BaseIndex || !MayTruncateTo(previous))) return false;
        if (previous > LastIndex)
        {
            OnGap(entry, reply, isLive);
            return false;
        }
        if (!isLive && entry.SenderTerm < _term) return false;
        if (_log.TermAt(previous) != entry.PreviousTerm)
        {
            if (previous <= _commit)
            {
                _effects.Warn($"{entry.Leader} contradicts the committed entry {previous}");
                return false;
            }
            TruncateTo(previous - 1);
            _catchUp?.NoteProgress(_now);
            OnGap(entry, reply, isLive);
            return false;
        }
        // A heartbeat or entry that comes late; what it brought is there.
        if (entry.IsHeartbeat || IsStored(entry)) return false;
        TruncateTo(previous);
        return true;
    }

    /// <summary>Whether an entry that comes late is in the log already: the same term at the same index is the same entry.</summary>
    internal virtual bool IsStored(in AppendEntry entry) => _log.TermAt(entry.PreviousIndex + 1) == entry.Term;

    /// <summary>Whether the term of the entry before is compared.</summary>
    internal virtual bool ChecksPreviousTerm() => true;

    /// <summary>Whether the log may be cut behind an index: never below what is committed.</summary>
    internal virtual bool MayTruncateTo(ulong index) => index >= _commit;

    private void TruncateTo(ulong index)
    {
        if (index >= LastIndex || !MayTruncateTo(index)) return;
        _log.TruncateTo(index);
        ForgetDurableAbove(index);
        _effects.Truncate(++_position, index);
        _membership.Truncate(index);
    }

    private void StoreAsFollower(in AppendEntry entry, bool isLive)
    {
        Store(entry.Term, entry.Frame);
        EndInitializing();
        StageChanges(entry);
        if (!isLive) return;
        foreach (var one in entry)
        {
            if (one.Type == RaftEntryType.LeaderTransfer && PeerId.TryRead(one.Data, out var next) && next == Self && !_isObserver) BeChosen();
        }
    }

    /// <summary>Whether entries of a catch-up are acknowledged.</summary>
    internal virtual bool AnswersCatchUp() => false;

    private void Acknowledge(in AppendEntry entry, ReadOnlySpan<byte> reply, bool isLive)
    {
        if (isLive)
        {
            EndCatchUp();
            NoteTrust(entry);
        }
        if (!MayAcknowledge()) return;
        Span<byte> frame = stackalloc byte[AppendEntryResponse.Length];
        SendWhenDurable(reply, default, new AppendEntryResponse(LastTerm, LastIndex, Self, IsSuccess: true).Write(frame), isAcknowledgement: true);
    }
}
