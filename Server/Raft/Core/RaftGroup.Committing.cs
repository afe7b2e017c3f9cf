using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

public partial class RaftGroup
{
    private ulong _commit;
    private ulong _delivered;
    private ulong _processed;
    private ulong _applied;
    private bool _paused;
    private bool _wasRecovered;

    /// <summary>Nothing is shown to the layer above at present.</summary>
    public bool IsPaused => _paused;

    /// <summary>The layer above has applied all up to an index.</summary>
    /// <returns>Indexes and bytes that a snapshot would remove.</returns>
    public (ulong Indexes, ulong Bytes) Applied(ulong index, long now) => Processed(index, index, now);

    /// <summary>
    /// The layer above has processed all up to an index, and applied all up to another: what is processed may be led from,
    /// what is applied may be compacted.
    /// </summary>
    /// <returns>Indexes and bytes that a snapshot would remove.</returns>
    public (ulong Indexes, ulong Bytes) Processed(ulong processed, ulong applied, long now)
    {
        var takesPart = Enter(now);
        if (processed > _delivered) return (0, 0);
        _processed = Math.Max(_processed, processed);
        _applied = Math.Max(_applied, Math.Min(applied, processed));
        if (_state == RaftState.Leader && !Leads && _processed >= _firstOfTerm) Leads = true;
        if (takesPart) Leave();
        var indexes = _applied > _log.BaseIndex ? _applied - _log.BaseIndex : 0;
        return (indexes, _log.Count == 0 ? 0 : indexes * (ulong)_log.Bytes / (ulong)_log.Count);
    }

    /// <summary>
    /// Shows nothing to the layer above until <see cref="ResumeApply"/>, and does not campaign meanwhile. A leader or
    /// candidate steps down.
    /// </summary>
    public void PauseApply(long now)
    {
        if (!Enter(now)) return;
        StepDownTo(_state == RaftState.Follower ? _leader : PeerId.None);
        _paused = true;
        Leave();
    }

    /// <summary>Shows what was committed meanwhile, and goes on.</summary>
    public void ResumeApply(long now)
    {
        if (!Enter(now) || !_paused) return;
        _paused = false;
        Deliver();
        ResetElection();
        if (_isChosen) BeChosen();
        Leave();
        if (!_paused) TellRecovered();
    }

    /// <summary>
    /// Shows the snapshot and all behind it once more, when <see cref="ResumeApply"/> is called; paused until then.
    /// </summary>
    /// <returns>False: there is no snapshot.</returns>
    public bool ReplaySnapshot(long now)
    {
        if (_snapshot is null || _state == RaftState.Stopped) return false;
        PauseApply(now);
        _delivered = _processed = 0;
        _applied = 0;
        return true;
    }

    /// <summary>
    /// Whether a follower has applied all it knows to be committed, heard its leader of late, and is not catching up. A
    /// leader is current.
    /// </summary>
    public bool IsCurrent(long now)
    {
        if (_state == RaftState.Stopped || _commit == 0) return false;
        if (_state == RaftState.Leader) return true;
        if (_catchUp is not null || _applied < _commit) return false;
        return _leader.IsNone || (_peers.TryGetValue(_leader, out var progress) && progress.WasHeard(now, _timings.CurrentWindow));
    }

    private void CommitTo(ulong index)
    {
        while (_commit < index)
        {
            _commit++;
            CommitChanges(_commit);
        }
        Deliver();
    }

    private void Deliver()
    {
        if (_paused) return;
        if (_snapshot is { } snapshot && _delivered < snapshot.Index)
        {
            _delivered = snapshot.Index;
            _paused = !_effects.ApplySnapshot(snapshot);
        }
        while (!_paused && _delivered < _commit)
        {
            _delivered++;
            _paused = !_effects.Apply(new CommittedEntry(_delivered, FrameAt(_delivered)));
        }
    }

    // Only what was found whole is stored.
    private AppendEntry FrameAt(ulong index) =>
        AppendEntry.TryRead(_log[index], out var entry) ? entry : throw new InvalidOperationException($"Entry {index} is not what was stored.");
}
