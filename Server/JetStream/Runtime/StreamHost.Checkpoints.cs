using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>Checkpoints of the store, which let the log go.</summary>
internal sealed partial class StreamHost
{
    private IStoreCheckpoint? _checkpoint;
    private ulong _checkpointIndex;
    private bool _checkpointRuns;
    private volatile bool _checkpointWanted;
    private long _logged;

    /// <summary>Has a checkpoint made soon: the log wants to be shorter.</summary>
    public void RequestCheckpoint()
    {
        _checkpointWanted = true;
        Wake();
    }

    /// <summary>Consumers as of the checkpoint under way; null: there are none, and were none.</summary>
    private byte[]? _checkpointConsumers;
    private bool _hasConsumersFile;

    /// <summary>Takes in the consumers of the last checkpoint; before the log is replayed.</summary>
    public void LoadConsumers()
    {
        if (_context.Files.ReadConsumers(Account.Name, Configuration.Name, out var path) is { } bytes)
        {
            _hasConsumersFile = true;
            _consumers.Decode(path, bytes);
            return;
        }
        // As they were restored or taken over from a Go server; with the first checkpoint they are in our own file.
        foreach (var consumer in _context.Files.ReadConsumers(Account.Name, Configuration.Name)) _consumers.Import(consumer);
    }

    private byte[]? EncodeConsumers() => _group is not null ? null : _consumers.Count > 0 || _hasConsumersFile ? _consumers.Encode(_index) : null;

    /// <summary>Before the store's checkpoint: then no start finds consumers older than the messages, and the log has what is between.</summary>
    private void SaveConsumers(byte[]? consumers)
    {
        if (consumers is null) return;
        _hasConsumersFile = true;
        _context.Files.WriteConsumers(Account.Name, Configuration.Name, consumers);
    }

    /// <summary>While it fetches, its index is ahead of what it holds: a start must fetch again.</summary>
    private bool HasUnsaved => _log is not null && _catchup is null && _index > _store.AppliedIndex;

    /// <summary>A purge takes little of the log, and may leave all the more on the disk.</summary>
    private bool WastesRoom => _store.ReclaimableBytes >= _context.CheckpointBytes;

    private void CheckpointIfDue()
    {
        if (_checkpoint is not null || _catchup is not null || Fault is not null) return;
        if (_group is null && !HasUnsaved) return;
        var isDue = _group is { } group ? IsGroupCheckpointDue(group.Core) : _logged >= _context.CheckpointBytes || WastesRoom;
        if (!isDue && !_checkpointWanted) return;
        // The parts of a batch are read again until it is whole.
        if (_replica.HasStagedBatch) return;
        BeginCheckpoint();
    }

    private void BeginCheckpoint()
    {
        (_checkpointWanted, _logged) = (false, 0);
        KeepPositions();
        KeepFailed(_index);
        if (_group is { } group)
        {
            _checkpointSnapshot = _replica.TakeSnapshot();
            _groupCheckpointDue = group.Now + GroupCheckpointInterval;
        }
        _checkpointIndex = _index;
        _checkpointConsumers = EncodeConsumers();
        _checkpoint = _store.BeginCheckpoint(_index);
        StartCheckpoint();
    }

    /// <summary>Written only when the log has all that is in it: the log's operations have no gaps.</summary>
    private void StartCheckpoint()
    {
        if (_checkpoint is not { } checkpoint || _checkpointRuns || _durable < _checkpointIndex || Fault is not null) return;
        _checkpointRuns = true;
        _context.Threads.RunAside(() => Run(checkpoint));
    }

    private void Run(IStoreCheckpoint checkpoint)
    {
        Exception? failure = null;
        try
        {
            SavePositions();
            SaveConsumers(_checkpointConsumers);
            checkpoint.Run();
        }
        catch (Exception error)
        {
            failure = error;
        }
        Post(() => Complete(checkpoint, failure));
    }

    /// <summary>What the store has now need not be read again at a start: the log lets it go, or the group's does.</summary>
    private void ReleaseLog()
    {
        if (_group is null) _log!.Release(Record.Id, _store.AppliedIndex);
        else if (_checkpointSnapshot is { } snapshot) _group.Core.InstallSnapshot(_checkpointIndex, snapshot, force: false, _group.Now);
        _checkpointSnapshot = null;
    }

    /// <summary>
    /// What has come to nothing cannot be told from the messages. Kept for the checkpoint before as well: until the store's
    /// own is written, that one counts.
    /// </summary>
    private void KeepFailed(ulong index)
    {
        if (_group is null || _log is null || _replica.Failed == Record.FailedAt(_store.AppliedIndex)) return;
        var before = Record.FailedAt(_store.AppliedIndex);
        Record = Record with { Failed = new Dictionary<ulong, ulong> { [_store.AppliedIndex] = before, [index] = _replica.Failed } };
        _recordChanged = true;
    }

    private bool _recordChanged;

    private void Complete(IStoreCheckpoint checkpoint, Exception? failure)
    {
        (_checkpoint, _checkpointRuns) = (null, false);
        if (failure is not null)
        {
            Fence(failure);
            return;
        }
        checkpoint.Complete();
        ReleaseLog();
        DropConsumersFile();
    }

    /// <summary>Consumers of a stream that is shared have groups of their own, which have been made by now of what the file says.</summary>
    private void DropConsumersFile()
    {
        if (_group is null || !_hasConsumersFile) return;
        _hasConsumersFile = false;
        _consumers.ForgetFormer();
        _context.Files.DeleteConsumers(Account.Name, Configuration.Name);
    }
}
