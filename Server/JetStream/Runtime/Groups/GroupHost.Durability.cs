using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>From effects on the disk to what may be said of them.</summary>
internal sealed partial class GroupHost : ILogCompletion
{
    private const int SpareOutboxes = 4;

    private readonly Queue<Outbox> _waiting = [];
    private readonly Stack<Outbox> _spares = [];
    private readonly long _base;
    private readonly Outbox _prompt = new();
    private Outbox? _late;
    private LogBatch? _batch;
    private LogBatch? _heldUp;
    private long _durable;
    private long _completed;
    private volatile DiskException? _failure;
    private RaftSnapshot? _snapshotToSave;
    private volatile bool _stateWanted;
    private volatile StateWrite? _written;
    private bool _isWriting;

    /// <summary>Held while the state is written, which happens beside the turns.</summary>
    private readonly Lock _files = new();
    private bool _isOver;

    /// <summary>A state on its way to the disk.</summary>
    private sealed record StateWrite(long Position, RaftSnapshot? Snapshot, Exception? Failure);

    private bool IsHeldUp => _heldUp is not null;

    /// <summary>Has the group's state written soon: the log wants to be shorter. From any thread.</summary>
    public void RequestCheckpoint()
    {
        _stateWanted = true;
        _owner.Wake();
    }

    /// <summary>On the log's thread.</summary>
    void ILogCompletion.Completed(LogBatch batch, DiskException? failure)
    {
        if (failure is null) Volatile.Write(ref _completed, (long)batch.LastIndex);
        else _failure ??= failure;
        _owner.Wake();
    }

    private void Record(long position, byte kind, ReadOnlySpan<byte> payload)
    {
        if (!_isLogged) return;
        _batch ??= _context.Log.Rent();
        var index = (ulong)(_base + position);
        if (_sealer is { Seals: true }) _sealer.Seal(index, payload, _batch.Add(_id, index, (byte)(kind | GroupRecord.Sealed), payload.Length + EntrySealer.Overhead));
        else _batch.Add(_id, index, kind, payload);
    }

    private Outbox Outgoing(long durableAfter)
    {
        if (durableAfter <= _durable) return _prompt;
        _late ??= _spares.TryPop(out var spare) ? spare : new Outbox();
        _late.Index = Math.Max(_late.Index, (ulong)durableAfter);
        return _late;
    }

    /// <summary>What the log has done since the last turn.</summary>
    private void Settle()
    {
        var failure = _failure;
        var durable = _isLogged ? Volatile.Read(ref _completed) - _base : _core.Position;
        if (durable > _durable)
        {
            _durable = durable;
            _core.Durable(durable, Now);
            TellApplied();
        }
        if (failure is not null) Fail(failure);
        if (IsHeldUp) HandOver();
        if (_written is { } written) StateWritten(written);
    }

    private void HandOver()
    {
        if (_heldUp is { } held)
        {
            _heldUp = null;
            if (!Append(held)) return;
        }
        if (_late is { } late)
        {
            _late = null;
            _waiting.Enqueue(late);
        }
        if (_batch is { } batch)
        {
            _batch = null;
            Append(batch);
        }
        if (!_isLogged && _core.Position > _durable) _owner.Wake();
    }

    /// <summary>Gives a batch to the log.</summary>
    /// <returns>False: the log is full of others' batches, and the group waits until there is room.</returns>
    private bool Append(LogBatch batch)
    {
        var last = (long)batch.LastIndex;
        switch (_context.Log.TryAppend(batch, this))
        {
            case LogAppend.Full:
                _heldUp = batch;
                _context.Log.WhenRoom().ContinueWith(_ => _owner.Wake(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                return false;
            case LogAppend.Written:
                Volatile.Write(ref _completed, last);
                _owner.Wake();
                break;
        }
        return true;
    }

    private void SendSettled()
    {
        while (_waiting.TryPeek(out var next) && next.Index <= (ulong)_durable)
        {
            _waiting.Dequeue();
            next.Deliver(_context.Traffic, _matches, _flush);
            if (_spares.Count < SpareOutboxes) _spares.Push(next);
        }
        if (!_prompt.IsEmpty) _prompt.Deliver(_context.Traffic, _matches, _flush);
    }

    private void CheckpointIfDue()
    {
        if (Fault is not null || _isWriting || (_snapshotToSave is null && !_stateWanted)) return;
        if (!_isLogged)
        {
            SavedInMemory();
            return;
        }
        _isWriting = true;
        _stateWanted = false;
        var (snapshot, position) = (_snapshotToSave, _core.Position);
        _snapshotToSave = null;
        var bytes = StateAt(snapshot ?? _core.Snapshot, position).Encode(_sealer);
        _context.Turns.RunAside(() => WriteState(bytes, position, snapshot));
    }

    private void WriteState(byte[] bytes, long position, RaftSnapshot? snapshot)
    {
        Exception? failure = null;
        try
        {
            // After its end the files are others', or have just been deleted.
            lock (_files)
            {
                if (!_isOver) _context.Files.WriteGroup(Name, bytes);
            }
        }
        catch (Exception error)
        {
            failure = error;
        }
        _written = new StateWrite(position, snapshot, failure);
        _owner.Wake();
    }

    private void SavedInMemory()
    {
        _stateWanted = false;
        if (_snapshotToSave is not { } snapshot) return;
        _snapshotToSave = null;
        _core.SnapshotSaved(snapshot.Index, Now);
    }

    private GroupState StateAt(RaftSnapshot? snapshot, long position)
    {
        var state = new GroupState
        {
            Id = _id,
            Owner = _ownedBy,
            Position = (ulong)(_base + position),
            Term = _core.Term,
            Vote = _core.Vote,
            MayHaveForgotten = _core.MayHaveForgotten,
            Peers = _core.CommittedPeers,
            Removed = [.. _core.RemovedOfLate(Now)],
            Snapshot = snapshot,
        };
        for (var index = (snapshot?.Index ?? _core.SnapshotIndex) + 1; index <= _core.LastIndex; index++) state.Frames.Add(_core.FrameOf(index).ToArray());
        return state;
    }

    private void StateWritten(StateWrite written)
    {
        _written = null;
        _isWriting = false;
        if (written.Failure is { } failure)
        {
            if (written.Snapshot is { } failed) _core.SnapshotFailed(failed.Index);
            // A disk that cannot write a small file is not one to promise anything on.
            Fail(failure);
            return;
        }
        _context.Log.Release(_id, (ulong)(_base + written.Position));
        if (written.Snapshot is { } snapshot) _core.SnapshotSaved(snapshot.Index, Now);
    }

    /// <summary>Takes part in nothing any more; what was said so far is true.</summary>
    private void Fail(Exception fault)
    {
        if (Fault is not null) return;
        Fault = fault;
        _core.Stop();
        if (_batch is { } batch) _context.Log.Return(batch);
        if (_heldUp is { } held) _context.Log.Return(held);
        (_batch, _heldUp, _late) = (null, null, null);
        _waiting.Clear();
        JetStreamLog.GroupFailed(_context.Logger, Name, fault.Message);
        _machine.Failed(fault);
    }
}
