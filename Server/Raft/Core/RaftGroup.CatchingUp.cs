using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

public partial class RaftGroup
{
    private readonly LiveBacklog _backlog;
    private CatchUp? _catchUp;
    private long _inbox;

    /// <summary>It is taking older entries from the leader.</summary>
    public bool IsCatchingUp => _catchUp is not null;

    /// <summary>Something came on the inbox of a catch-up.</summary>
    /// <param name="inbox">Its number; of one that was closed it is ignored.</param>
    /// <param name="frame">What.</param>
    /// <param name="reply">The leader's inbox.</param>
    /// <param name="now">The time.</param>
    public void ReceiveCatchUp(long inbox, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> reply, long now)
    {
        if (!Enter(now) || _catchUp is not { } catchUp || catchUp.Inbox != inbox) return;
        if (AppendEntry.TryRead(frame, out var entry) && IsPlausible(entry))
        {
            var before = LastIndex;
            OnAppendEntry(entry, reply, isLive: false);
            if (ReferenceEquals(_catchUp, catchUp)) GoOn(catchUp, before, IsSnapshotFrame(entry) ? 0 : frame.Length, reply);
        }
        else
        {
            _effects.Warn($"malformed entry of {frame.Length} bytes in a catch-up");
        }
        Leave();
    }

    private void GoOn(CatchUp catchUp, ulong before, int bytes, ReadOnlySpan<byte> reply)
    {
        catchUp.Received += bytes;
        if (LastIndex != before) catchUp.NoteProgress(_now);
        DrainBacklog();
        // The leader sends no more than a window and then waits for acknowledgements, which are not given for old entries.
        if (ReferenceEquals(_catchUp, catchUp) && catchUp.Received > _options.CatchUpWindow) AskForCatchUp(catchUp.TargetIndex, reply);
    }

    private void DrainBacklog()
    {
        while (_backlog.First is { } first && first <= LastIndex)
        {
            var kept = _backlog.Take();
            if (first == LastIndex && AppendEntry.TryRead(kept.Frame, out var entry)) OnAppendEntry(entry, kept.Reply, isLive: true);
            LiveBacklog.Return(kept);
        }
    }

    private void OnGap(in AppendEntry entry, ReadOnlySpan<byte> reply, bool isLive)
    {
        if (!isLive)
        {
            // Some of it was lost, or a part of this log was not the leader's and is gone now.
            if (_catchUp is { HasProgressed: true } catchUp) AskForCatchUp(catchUp.TargetIndex, reply);
            else EndCatchUp();
            return;
        }
        if (_catchUp is null || CatchUpIsStalled() || (LastIndex >= _catchUp.TargetIndex && _backlog.First is null)) AskForCatchUp(entry.PreviousIndex, reply);
        if (!entry.IsHeartbeat) _backlog.Add(entry.PreviousIndex, entry.Frame, reply);
    }

    private void AskForCatchUp(ulong target, ReadOnlySpan<byte> reply)
    {
        var isNew = _catchUp is null;
        CloseInbox();
        var subject = RaftSubjects.CatchUpInbox(_random.Next());
        _catchUp = new CatchUp(++_inbox, target) { ProgressAt = _now };
        _effects.OpenCatchUp(_inbox, subject);
        if (isNew) _effects.CatchUpChanged(true);
        // No promise: it says where the log ends, and whoever lost some of it just asks again.
        Span<byte> frame = stackalloc byte[AppendEntryResponse.Length];
        _effects.Send(reply, subject, new AppendEntryResponse(LastTerm, LastIndex, Self, IsSuccess: false).Write(frame), 0);
        _spokeAt = _now;
    }

    private bool CatchUpIsStalled() => _catchUp is { } catchUp && _now - catchUp.ProgressAt > _timings.CatchUpStall;

    private void EndCatchUp()
    {
        if (_catchUp is null) return;
        CloseInbox();
        _catchUp = null;
        _effects.CatchUpChanged(false);
    }

    private void CloseInbox()
    {
        if (_catchUp is { } catchUp) _effects.CloseCatchUp(catchUp.Inbox);
    }

    private sealed class CatchUp(long inbox, ulong targetIndex)
    {
        /// <summary>Number of the inbox where it comes.</summary>
        public long Inbox { get; } = inbox;

        /// <summary>The leader's log went at least this far when it was asked.</summary>
        public ulong TargetIndex { get; } = targetIndex;

        public long ProgressAt { get; set; }

        /// <summary>Something of it was stored.</summary>
        public bool HasProgressed { get; private set; }

        /// <summary>Bytes that came.</summary>
        public long Received { get; set; }

        public void NoteProgress(long now) => (ProgressAt, HasProgressed) = (now, true);
    }
}
