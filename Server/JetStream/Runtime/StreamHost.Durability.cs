using System.Buffers;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Runtime.Consumers;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>From what is proposed to what is durable, and the answers between.</summary>
internal sealed partial class StreamHost : IStreamEffects, ILogCompletion
{
    private const int SpareOutboxes = 8;

    private readonly ArrayBufferWriter<byte> _encoded = new(4096);
    private readonly Queue<Outbox> _unsent = [];
    private readonly Stack<Outbox> _spares = [];
    private readonly SiblingMatchCache _matches = new();
    private Outbox _outbox = new();
    private LogBatch? _batch;

    /// <summary>Given to the log, which has no room for it at present.</summary>
    private LogBatch? _heldUp;

    /// <summary>Last operation proposed and applied.</summary>
    private ulong _index;

    /// <summary>Last operation that the log has told us is durable; the mailbox's copy.</summary>
    private ulong _durable;

    /// <summary>The same, written by the log's thread.</summary>
    private ulong _completed;

    private volatile DiskException? _logFailure;

    private bool IsHeldUp => _heldUp is not null;

    private bool AnswersAtOnce => _log is null || Configuration.PersistMode == PersistMode.Async;

    void IStreamEffects.Propose(in StreamMessageEntry entry)
    {
        _encoded.ResetWrittenCount();
        var room = _encoded.GetSpan(entry.MaxLength);
        Propose(room[..entry.Encode(room)]);
    }

    /// <summary>Puts an operation into the log and applies it.</summary>
    public void Propose(ReadOnlySpan<byte> entry)
    {
        if (_group is { } group)
        {
            // What the group does not take is lost with this leader: its term is over.
            group.Propose(entry);
            return;
        }
        _index++;
        if (_log is not null)
        {
            _batch ??= _log.Rent();
            if (_sealer is { Seals: true }) _sealer.Seal(_index, entry, _batch.Add(Record.Id, _index, SealedEntryKind, entry.Length + EntrySealer.Overhead));
            else _batch.Add(Record.Id, _index, EntryKind, entry);
            _logged += entry.Length;
        }
        if (GroupEntry.Is(entry)) _consumers.Apply(_index, entry, isReplay: false);
        else if (!_replica.Apply(entry)) throw new InvalidOperationException("The stream has proposed an entry that it does not know.");
    }

    void IStreamEffects.Publish(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        if (!subject.IsEmpty) _outbox.Add(subject, default, headers, payload);
    }

    /// <summary>Publishes an advisory in the stream's account, if anybody listens, when what was proposed before it is durable.</summary>
    public void Advise(string subject, Func<JetStreamAdvisory> create) => _context.Advise(_outbox, subject, create);

    /// <summary>The same about a group, which the system account hears too, with the account's name.</summary>
    public void AdviseOfGroup(string subject, Func<string?, JetStreamAdvisory> create) => _context.AdviseOfGroup(_outbox, subject, create);

    /// <summary>On the log's thread.</summary>
    void ILogCompletion.Completed(LogBatch batch, DiskException? failure)
    {
        if (failure is null) Volatile.Write(ref _completed, batch.LastIndex);
        else _logFailure ??= failure;
        if (failure is not null || !_log!.HasNothingElse) Wake();
        else TakeShortTurnOrWake();
    }

    /// <summary>Applies an operation that the log has shown again at the start.</summary>
    /// <param name="record">Of its group.</param>
    public void Replay(in LogRecord record)
    {
        var index = record.Index;
        if (index <= _index) return;
        var entry = record.Kind == SealedEntryKind && _sealer is not null ? _sealer.Open(index, record.Payload) : record.Payload;
        if (index != _index + 1) throw new Storage.Messages.CorruptStoreException($"The log of stream {Configuration.Name} goes from operation {_index} to {index}.");
        if (GroupEntry.Is(entry)) _consumers.Apply(index, entry, isReplay: true);
        else if (!_replica.Apply(entry)) throw new Storage.Messages.CorruptStoreException($"Operation {index} of stream {Configuration.Name} is none that this version knows.");
        _index = _durable = _completed = index;
        _logged += entry.Length;
        if (!Configuration.Sources.IsEmpty && StreamMessageEntry.TryDecode(entry, _encoded, out var message) && message.IsSourced) NotePosition(message.Headers);
    }

    /// <summary>Gives what was proposed to the log, and closes the answers that wait for it.</summary>
    private void HandOver()
    {
        if (_heldUp is { } held)
        {
            _heldUp = null;
            if (!Append(held)) return;
        }
        if (!_outbox.IsEmpty)
        {
            _outbox.Index = AnswersAtOnce ? 0 : _index;
            _unsent.Enqueue(_outbox);
            _outbox = _spares.TryPop(out var spare) ? spare : new Outbox();
        }
        if (_batch is { } batch)
        {
            _batch = null;
            Append(batch);
        }
        MarkVisible();
        if (_log is null || _group is not null) _durable = _index;
        SendSettled();
    }

    /// <summary>Gives a batch to the log.</summary>
    /// <returns>False: the log is full of others' batches, and nothing more is judged until there is room.</returns>
    private bool Append(LogBatch batch)
    {
        var last = batch.LastIndex;
        switch (_log!.TryAppend(batch, this))
        {
            case LogAppend.Full:
                _heldUp = batch;
                _log.WhenRoom().ContinueWith(_ => Wake(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                return false;
            case LogAppend.Written:
                _durable = last;
                Volatile.Write(ref _completed, last);
                break;
        }
        return true;
    }

    private void Settle()
    {
        // The failure before what completed ahead of it: a batch that is durable is answered even so.
        var failure = _logFailure;
        if (_group is not null)
        {
            // What is applied has been agreed on.
            _durable = _index;
            SendSettled();
            StartCheckpoint();
            return;
        }
        if (_log is null) return;
        _durable = Volatile.Read(ref _completed);
        if (failure is not null && Fault is null)
        {
            SendSettled();
            Fence(failure);
        }
        if (IsHeldUp) HandOver();
        SendSettled();
        StartCheckpoint();
    }

    private void SendSettled()
    {
        while (_unsent.TryPeek(out var next) && next.Index <= _durable)
        {
            _unsent.Dequeue();
            next.Deliver(Account, _matches, _flush);
            if (_spares.Count < SpareOutboxes) _spares.Push(next);
        }
        ShowVisible();
    }

    /// <summary>The others have all of it: the next start begins with nothing.</summary>
    private void MarkDamaged()
    {
        try
        {
            _context.Files.MarkDamaged(Account.Name, Configuration.Name);
            JetStreamLog.FetchedNextTime(_context.Log, Account.Name, Configuration.Name);
        }
        catch (DiskException failure)
        {
            // Then it is found damaged again.
            JetStreamLog.StreamFenced(_context.Log, Account.Name, Configuration.Name, failure.Message);
        }
    }

    /// <summary>Takes nothing more until the next start; what was acknowledged is safe, what was not is told so.</summary>
    private void Fence(Exception fault)
    {
        if (Fault is not null) return;
        Fault = fault;
        if (_group is { } group)
        {
            // Others lead it then, and answer.
            _leads = false;
            _capture.Follow([]);
            group.Abandon(fault);
        }
        JetStreamLog.StreamFenced(_context.Log, Account.Name, Configuration.Name, fault.Message);
        if (_group is { Core.ClusterSize: > 1 } && fault is CorruptStoreException && _log is not null) MarkDamaged();
        if (_batch is { } batch) _log!.Return(batch);
        _batch = null;
        var failure = FailureAnswer();
        // Nobody may be told that what may not be durable is.
        while (_unsent.TryDequeue(out var unsent)) unsent.Fail(Account, failure, _flush);
        _outbox.Fail(Account, failure, _flush);
    }
}
