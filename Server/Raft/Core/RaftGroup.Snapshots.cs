using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

public partial class RaftGroup
{
    private RaftSnapshot? _snapshot;
    private RaftSnapshot? _saving;

    /// <summary>The newest snapshot that is saved or a leader sent; null: none.</summary>
    public RaftSnapshot? Snapshot => _snapshot;

    /// <summary>A snapshot made here is being saved.</summary>
    public bool IsSavingSnapshot => _saving is not null;

    /// <summary>
    /// The layer above says what it was when it had applied an index. It is given out to be saved
    /// (<see cref="IRaftEffects.SaveSnapshot"/>); when it is, the log up to there goes.
    /// </summary>
    /// <param name="index">Not above what was applied.</param>
    /// <param name="data">Its state; must not change any more.</param>
    /// <param name="force">Even while a follower is being caught up from that part of the log.</param>
    /// <param name="now">The time.</param>
    public RaftResult InstallSnapshot(ulong index, ReadOnlyMemory<byte> data, bool force, long now)
    {
        if (!Enter(now)) return RaftResult.Stopped;
        if (_saving is not null && !force) return RaftResult.SnapshotInProgress;
        if (_transfers.Count > 0 && !force) return RaftResult.CatchUpInProgress;
        if (index > _applied || !_log.Holds(index)) return RaftResult.NothingToSnapshot;
        _saving = new RaftSnapshot(_log.TermAt(index), index, _membership.Committed, data);
        _effects.SaveSnapshot(_saving);
        return RaftResult.Accepted;
    }

    /// <summary>A snapshot that was given out is durable: the log up to its index goes.</summary>
    /// <param name="index">Its index; one that has become void is ignored.</param>
    /// <param name="now">The time.</param>
    public void SnapshotSaved(ulong index, long now)
    {
        if (!Enter(now) || _saving is not { } saved || saved.Index != index) return;
        _saving = null;
        if (!_log.Holds(index)) return;
        _snapshot = saved;
        _log.CompactTo(index);
        _effects.Compact(index);
        Leave();
    }

    /// <summary>It could not be saved: the one before and the log stay.</summary>
    public void SnapshotFailed(ulong index)
    {
        if (_saving?.Index == index) _saving = null;
    }

    // A leader's snapshot: all that this member has is behind it, or is not the leader's.
    private void TakeLeaderSnapshot(in AppendEntry frame)
    {
        var index = frame.PreviousIndex;
        if (index <= _commit || (_log.Holds(index) && _log.TermAt(index) == frame.PreviousTerm)) return;
        var entries = frame.GetEnumerator();
        entries.MoveNext();
        var data = entries.Current.Data.ToArray();
        entries.MoveNext();
        if (!RaftPeers.TryDecode(entries.Current.Data, index, out var peers))
        {
            _effects.Warn("the members of a leader's snapshot are malformed");
            EndCatchUp();
            return;
        }
        _saving = null;
        _snapshot = new RaftSnapshot(frame.PreviousTerm, index, peers, data);
        _log.Reset(index, frame.PreviousTerm);
        _membership.Truncate(_commit);
        ForgetDurableAbove(_commit);
        _effects.InstallSnapshot(++_position, _snapshot);
        _undurable.Enqueue((_position, index));
        _commit = index;
        ReplacePeers(peers);
        EndInitializing();
        Deliver();
    }

    private static bool IsSnapshotFrame(in AppendEntry frame)
    {
        if (frame.Count != 2) return false;
        var entries = frame.GetEnumerator();
        return entries.MoveNext() && entries.Current.Type == RaftEntryType.Snapshot && entries.MoveNext() && entries.Current.Type == RaftEntryType.PeerState;
    }
}
