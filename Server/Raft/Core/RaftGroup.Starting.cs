using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

public partial class RaftGroup
{
    private RaftStart? _start;

    /// <summary>
    /// Takes in what was found at the start, shows the layer above what is known to be committed of it, and begins to take
    /// part. To be called once, before anything else.
    /// </summary>
    /// <param name="paused">Shows nothing before <see cref="ResumeApply"/>.</param>
    /// <param name="now">The time.</param>
    public void Start(bool paused, long now)
    {
        if (_start is not { } start) throw new InvalidOperationException("It was started before.");
        _start = null;
        Enter(now);
        _paused = paused;
        TakeSnapshot(start);
        foreach (var peer in start.Removed)
        {
            if (!_membership.Contains(peer)) NoteRemoved(peer);
        }
        var end = TakeFrames(start.Frames);
        if (LastTerm > _term) AdoptTerm(LastTerm);
        _isInitializing = start.Origin == RaftOrigin.Created && LastIndex == 0;
        _isScalingUp = _isInitializing && _options.IsScaleUp && !_isObserver;
        _isObserver |= _isScalingUp;
        MayHaveForgotten = start.MayHaveForgotten;
        _spokeAt = now;
        if (start.Origin == RaftOrigin.Damaged || end is not null || (start.Origin == RaftOrigin.Recovered && LastIndex == 0)) Distrust();
        if (end is { } whole) _effects.Truncate(++_position, whole);
        _durableIndex = LastIndex;
        _quorumLostAt = _now;
        ResetElection();
        Deliver();
        Leave();
        if (!_paused) TellRecovered();
    }

    private void TakeSnapshot(RaftStart start)
    {
        if (start.Snapshot is not { } snapshot) return;
        _snapshot = snapshot;
        _log.Reset(snapshot.Index, snapshot.Term);
        _commit = snapshot.Index;
        if (snapshot.Peers.Index >= start.Peers.Index) _membership.Replace(snapshot.Peers);
    }

    // An entry that is there says how far the log before it was committed when it was made.
    // Answers with where it ends, if there was more that does not continue it.
    private ulong? TakeFrames(IEnumerable<ReadOnlyMemory<byte>> frames)
    {
        var isWhole = true;
        var from = _membership.Committed.Index;
        foreach (var frame in frames)
        {
            isWhole = AppendEntry.TryRead(frame.Span, out var entry) && !entry.IsHeartbeat;
            if (isWhole && entry.PreviousIndex < LastIndex && _log.Count == 0) continue;
            isWhole = isWhole && entry.PreviousIndex == LastIndex && entry.PreviousTerm == LastTerm && entry.Term >= LastTerm;
            if (!isWhole) break;
            _commit = Math.Max(_commit, Math.Min(entry.Commit, entry.PreviousIndex));
            _log.Append(entry.Term, frame.Span);
            if (LastIndex > from) StageChanges(entry);
        }
        for (var index = _log.BaseIndex + 1; index <= _commit; index++)
        {
            if (index > from) CommitChanges(index);
        }
        if (isWhole) return null;
        _effects.Warn($"the log is damaged behind {LastIndex}");
        return LastIndex;
    }

    private void TellRecovered()
    {
        if (_wasRecovered) return;
        _wasRecovered = true;
        _effects.Recovered();
    }
}
