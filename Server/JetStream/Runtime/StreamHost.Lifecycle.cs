using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>Changes of the stream itself. They wait until everything before them is durable; messages wait for them.</summary>
internal sealed partial class StreamHost
{
    private readonly Queue<Action> _whenQuiet = [];

    private bool IsQuiet => Fault is not null || (_heldUp is null && _batch is null && _durable >= _index && _checkpoint is null);

    /// <summary>Has something done when nothing is under way; what is published meanwhile waits. From any thread.</summary>
    public void PostQuiet(Action command) => Post(() => _whenQuiet.Enqueue(command));

    private void RunWhenQuiet()
    {
        if (_whenQuiet.Count == 0) return;
        if (Fault is null && !_isStopping)
        {
            _consumers.ProposeLazy();
            HandOver();
        }
        while (_whenQuiet.Count > 0 && IsQuiet) Do(_whenQuiet.Dequeue());
        HandOver();
    }

    /// <summary>
    /// Goes by another configuration. A checkpoint first: the operations before it belong to the configuration before it.
    /// To be called when all is quiet.
    /// </summary>
    /// <param name="record">The same stream; legal as an update.</param>
    /// <exception cref="DiskException">It could not be made durable; the stream is fenced.</exception>
    public void Update(StreamRecord record)
    {
        CheckpointNow();
        if (_log is not null) _context.Files.WriteRecord(Account.Name, record);
        var before = Configuration;
        Record = record;
        _replica.Update(record.Configuration, _context.Now);
        if (_leads) _capture.Follow(record.Configuration.Subjects);
        _consumers.StreamUpdated();
        FollowDirectGets();
        if (!_leads) return;
        MakeCopies();
        RemoveCopyConsumers(before, Configuration);
        NudgeAll();
    }

    /// <summary>Ends, with all that it has in its store.</summary>
    public Task StopAsync()
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        PostQuiet(() =>
        {
            try
            {
                End(isDeleted: false);
                if (Fault is null) CheckpointNow();
            }
            catch (Exception fault) when (fault is DiskException or CorruptStoreException)
            {
                Fence(fault);
            }
            finally
            {
                Close();
                stopped.TrySetResult();
            }
        });
        return stopped.Task;
    }

    /// <summary>Is no more. To be called when all is quiet.</summary>
    /// <param name="isAnnounced">It is gone everywhere, not only here.</param>
    /// <exception cref="DiskException">The disk failed; it is not deleted.</exception>
    public void Delete(bool isAnnounced = true)
    {
        // From here on no start finds it; if that fails, it is still there.
        if (_log is not null) _context.Files.MarkDeleted(Account.Name, Record);
        if (isAnnounced) RemoveCopyConsumers(Configuration, after: null);
        End(isDeleted: true, isAnnounced);
        if (_group is { } group) _context.DeleteGroup!(group.Name);
        if (_log is not null)
        {
            var removal = _log.Rent();
            removal.AddRemoval(Record.Id);
            // Without it the operations are found without their stream at the next start, and removed then.
            if (_log.TryAppend(removal, NoCompletion.Instance) == LogAppend.Full) _log.Return(removal);
        }
        Close();
        if (_log is not null) RemoveFiles();
    }

    private void RemoveFiles()
    {
        try
        {
            _context.Files.RemoveDeleted(Account.Name, Record);
        }
        catch (DiskException error)
        {
            // They have another name and go at the next start.
            JetStreamLog.LeftBehind(_context.Log, Account.Name, Configuration.Name, error.Message);
        }
    }

    private void End(bool isDeleted, bool isAnnounced = true)
    {
        _isStopping = true;
        LeaveGroup();
        StopCopies();
        _capture.Follow([]);
        FollowDirectGets();
        _consumers.Stop(isDeleted, isAnnounced);
    }

    private void Close()
    {
        _timer.Dispose();
        _hasLeft = true;
        _room?.Leave();
        _leader?.Dispose();
        if (_group is { } group) _context.CloseGroup!(group);
        _store.Dispose();
        _sealer?.Dispose();
    }

    private void CheckpointNow()
    {
        if (!HasUnsaved) return;
        KeepPositions();
        KeepFailed(_index);
        SavePositions();
        (_checkpointWanted, _logged) = (false, 0);
        SaveConsumers(EncodeConsumers());
        var checkpoint = _store.BeginCheckpoint(_index);
        checkpoint.Run();
        checkpoint.Complete();
        ReleaseLog();
    }

    /// <summary>
    /// Where sources are cannot be told from messages that are gone by then. Only when the log has the messages that
    /// have been copied so far: or those would be asked for never again.
    /// </summary>
    private void SavePositions()
    {
        if (!Configuration.Sources.IsEmpty || _recordChanged) _context.Files.WriteRecord(Account.Name, Record);
        _recordChanged = false;
    }

    private sealed class NoCompletion : ILogCompletion
    {
        public static readonly NoCompletion Instance = new();

        public void Completed(LogBatch batch, DiskException? failure)
        {
            // What fails the log fences every stream, which says so.
        }
    }
}
