namespace NatsAspire.Server.Storage.Log;

/// <summary>
/// Writing on the thread that appends: a lazy log that has nothing else to do would cost a little batch two changes of threads,
/// which are dearer than the write.
/// </summary>
public sealed partial class WriteAheadLog
{
    /// <summary>Bytes of a batch that is worth more than a change of threads.</summary>
    private const int LittleBatch = 8 << 10;

    /// <summary>Whether the committer rests, all before is complete, and the segment has room, so that nothing is to be made or synced. In the gate.</summary>
    private bool MayWriteHere(LogBatch batch) =>
        _options.Sync == LogSync.Lazy && _committerWaits && !_isLent && !_stopping && _failure is null && _queue.Count == 0 && batch.Length <= LittleBatch && HasRoom(batch.Length);

    private LogAppend WriteHere(LogBatch batch)
    {
        var (bytes, wasSynced) = (batch.Length, !_unsynced);
        _taken.Add(batch);
        _next = 0;
        Guarded(WriteTaken);
        // One that failed has been told so.
        var isWritten = _written.Count > 0;
        if (isWritten)
        {
            _written.Clear();
            _taken.Clear();
            _next = 0;
            Return(batch);
        }
        lock (_gate)
        {
            _isLent = false;
            _lastAppend = Environment.TickCount64;
            if (isWritten) TellOfRoom(bytes);
            // The committer has the next sync to think of, and what came meanwhile.
            if (wasSynced || _queue.Count > 0 || _stopping || _failure is not null) Wake();
        }
        return isWritten ? LogAppend.Written : LogAppend.UnderWay;
    }
}
