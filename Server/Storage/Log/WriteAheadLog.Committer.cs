using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Log;

/// <summary>The thread that writes, syncs and completes.</summary>
public sealed partial class WriteAheadLog
{
    /// <summary>The part of a segment that a start reads in no time: of one of 64 MiB a millisecond or two.</summary>
    private const int LittlePart = 64;

    private readonly List<LogBatch> _written = [];
    private List<LogBatch> _taken = [];
    private int _next;
    private bool _unsynced;
    private bool _unmarked;
    private long _syncs;
    private long _lastSync = Environment.TickCount64;
    private long _lastAppend = Environment.TickCount64;

    /// <summary>Writes and syncs what waits, as the thread of a log that has one does.</summary>
    internal void CommitNow()
    {
        lock (_gate)
        {
            if (_queue.Count > 0) (_taken, _queue, _next) = (_queue, _taken, 0);
        }
        Commit(CommitTaken);
    }

    private void RunCommitter()
    {
        var commit = CommitTaken;
        while (WaitForWork()) Commit(commit);
        if (_failure is null) Guarded(Finish);
        FailAll();
        _file?.Dispose();
        _point?.Dispose();
    }

    private void Commit(Action commit)
    {
        if (_failure is not null) FailAll();
        else Guarded(commit);
    }

    /// <summary>Waits for batches, or until a sync or mark is due.</summary>
    /// <returns>False: it is over, nothing is left.</returns>
    private bool WaitForWork()
    {
        lock (_gate)
        {
            while (true)
            {
                if (_isLent)
                {
                    Monitor.Wait(_gate);
                    continue;
                }
                if (_queue.Count > 0)
                {
                    (_taken, _queue, _next) = (_queue, _taken, 0);
                    _lastAppend = Environment.TickCount64;
                    return true;
                }
                if (_stopping) return false;
                var wait = MillisecondsToNextDuty();
                if (wait <= 0) return true;
                _committerWaits = true;
                Monitor.Wait(_gate, wait);
                _committerWaits = false;
            }
        }
    }

    private int MillisecondsToNextDuty()
    {
        if (_failure is not null) return int.MaxValue;
        if (SyncIsDue) return 0;
        var due = long.MaxValue;
        if (_unsynced) due = _lastSync + (long)_options.SyncInterval.TotalMilliseconds;
        else if (_unmarked) due = _lastAppend + (long)_options.IdleMark.TotalMilliseconds;
        return (int)Math.Clamp(due - Environment.TickCount64, 0, int.MaxValue - 1);
    }

    /// <summary>At once, when asked for, when its time has come, or when what waits for it keeps others from appending.</summary>
    private bool SyncIsDue => _unsynced
        && (_options.Sync == LogSync.Always || _waiting > 0 || _room is not null || _queuedBytes >= _options.QueueLimit / 2
            || Environment.TickCount64 - _lastSync >= _options.SyncInterval.TotalMilliseconds);

    private void CommitTaken()
    {
        while (_next < _taken.Count)
        {
            MakeRoom(_taken[_next].Length);
            WriteTaken();
            if (_options.Sync == LogSync.Lazy) Complete(_written, null);
        }
        _taken.Clear();
        _next = 0;
        if (SyncIsDueNow()) SyncNow();
        else if (IsIdle()) WriteMark();
    }

    private bool SyncIsDueNow()
    {
        lock (_gate) return SyncIsDue;
    }

    private bool IsIdle() => _unmarked && !_unsynced && Environment.TickCount64 - _lastAppend >= _options.IdleMark.TotalMilliseconds;

    /// <summary>A batch record alone: all before it is durable.</summary>
    private void WriteMark()
    {
        MakeRoom(0);
        WriteTaken();
        _pointIsDue = true;
        SyncNow();
        _unmarked = false;
    }

    private void Finish()
    {
        if (_unsynced) SyncNow();
        if (IsReadInVain)
        {
            GoOn(0);
            _unmarked = true;
        }
        if (_unmarked) WriteMark();
    }

    /// <summary>Whether the next start would read much of which nobody needs anything: a fresh segment is found sooner.</summary>
    private bool IsReadInVain
    {
        get
        {
            if (_file is null || _tail!.End < _options.SegmentSize / LittlePart) return false;
            lock (_segmentLock) return _segments is [var only] && only.Needed.Count == 0;
        }
    }

    private void SyncNow()
    {
        var end = new LogPosition(_tail!.Number, _tail.End);
        _file!.Sync();
        Interlocked.Increment(ref _syncs);
        _durable = end;
        _unsynced = false;
        _lastSync = Environment.TickCount64;
        Complete(_written, null);
        if (_pointIsDue) _point!.Write(_durable);
        _pointIsDue = false;
        TakeAwayGarbage();
    }

    /// <summary>
    /// In a completion: the log has nothing else to do for anybody, so that nobody waits when a completion takes a little longer
    /// than to post. On the log's thread only.
    /// </summary>
    public bool HasNothingElse { get; private set; }

    private void Complete(List<LogBatch> batches, DiskException? failure)
    {
        if (batches.Count == 0) return;
        var bytes = 0L;
        lock (_gate) HasNothingElse = batches.Count == 1 && _next >= _taken.Count && _queue.Count == 0;
        foreach (var batch in batches)
        {
            bytes += batch.Length;
            try
            {
                batch.Completion!.Completed(batch, failure);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // One group's mistake; the others' batches are as complete as before.
                StorageLog.CompletionFailed(_log, e);
            }
            Return(batch);
        }
        batches.Clear();
        lock (_gate) TellOfRoom(bytes);
    }

    /// <summary>So many bytes are no longer under way. In the gate.</summary>
    private void TellOfRoom(long bytes)
    {
        _queuedBytes -= bytes;
        if (_waiting > 0) Wake();
        if (_room is null || _queuedBytes >= _options.QueueLimit) return;
        _room.SetResult();
        _room = null;
    }

    /// <summary>After a failure nothing is known of what was written: all that waits fails, in order.</summary>
    private void FailAll()
    {
        var failure = _failure ?? new DiskException(DiskFault.Device, "append", _directory.PathOf(_nextNumber), "the log is closed");
        Complete(_written, failure);
        _taken.RemoveRange(0, _next);
        _next = 0;
        Complete(_taken, failure);
    }

    private void Guarded(Action work)
    {
        try
        {
            work();
        }
        catch (NoRoomForSegmentException e)
        {
            StorageLog.Suspended(_log, e.Reason.Message);
            Fail(e.Reason, suspended: true);
        }
        catch (DiskException e)
        {
            StorageLog.Fenced(_log, e.Message);
            Fail(e, suspended: false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A mistake here must cost the streams their acknowledgements, not the server its life.
            StorageLog.Fenced(_log, e.ToString());
            Fail(new DiskException(DiskFault.Device, "append to", _directory.Path, e.Message, e), suspended: false);
        }
    }

    private void Fail(DiskException failure, bool suspended)
    {
        lock (_gate) (_failure, _suspended) = (failure, suspended);
        FailAll();
    }

    /// <summary>A segment could not be made; the log itself is as good as before.</summary>
    private sealed class NoRoomForSegmentException(DiskException reason) : Exception(reason.Message, reason)
    {
        public DiskException Reason => reason;
    }
}
