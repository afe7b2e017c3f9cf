using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// Atomic batches (ADR-50): messages are kept until the one that commits them; then all are judged, and proposed
/// together or not at all. A message that does not follow, or none for too long, ends the batch.
/// </summary>
public partial class StreamLeader
{
    private readonly Dictionary<byte[], AtomicBatch> _atomic = new(ByteArrayComparer.Instance);
    private readonly StagedChanges _staged = new();
    private readonly HeaderEditor _editor = new();

    /// <summary>No batch of either kind is due before.</summary>
    private long _batchesDue = long.MaxValue;

    /// <summary>Atomic batches under way.</summary>
    public int AtomicBatches => _atomic.Count;

    private BatchLimits Limits => _options.Batches;

    private void PublishAtomic(in StoredMessage message, in PublishHeaders headers, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        if (CheckAtomic(message, headers) is { } refused)
        {
            Refuse(refused, reply, effects);
            return;
        }
        var number = headers.BatchSequenceNumber!.Value;
        var invalidCommit = PublishRules.CheckBatchCommit(headers, out var commit);
        var size = commit == BatchCommit.BeforeThis ? number - 1 : number;
        if (FindAtomic(headers.BatchId, number, size, out var batch) is { } notBegun)
        {
            Refuse(notBegun, reply, effects);
            return;
        }
        if (invalidCommit is not null)
        {
            End(batch!, null, effects);
            Refuse(invalidCommit, reply, effects);
            return;
        }
        if (Follow(batch!, message, headers, number, size, commit, out var reason) is { } broken)
        {
            End(batch!, reason, effects);
            Refuse(broken, reply, effects);
        }
        else if (commit != BatchCommit.None)
        {
            CommitAtomic(batch!, message.Timestamp, commit, reply, effects);
        }
        else if (!_configuration.NoAck)
        {
            // It has come, and no more.
            effects.Publish(reply, default, default);
        }
    }

    private ApiError? CheckAtomic(in StoredMessage message, in PublishHeaders headers)
    {
        if (_configuration.Sealed) return JetStreamErrors.JSStreamSealedErr;
        if (_replica.Room?.Check(_replica.Store.SizeOf(message)) is { } full) return full;
        return IsTooLarge(message) ? JetStreamErrors.JSStreamMessageExceedsMaximumErr : PublishRules.CheckAtomicBatch(headers, _configuration);
    }

    private bool IsTooLarge(in StoredMessage message) =>
        _configuration.MaxMessageSize >= 0 && (long)message.Headers.Length + message.Payload.Length > _configuration.MaxMessageSize;

    /// <summary>The batch of an id, or a new one.</summary>
    private ApiError? FindAtomic(ReadOnlySpan<byte> id, ulong number, ulong size, out AtomicBatch? batch)
    {
        var key = id.ToArray();
        if (_atomic.TryGetValue(key, out batch)) return null;
        if (number != 1) return size > (ulong)Limits.Size ? TooLarge() : JetStreamErrors.JSAtomicPublishIncompleteBatchErr;
        if (_atomic.Count >= Limits.AtomicPerStream || !_options.BatchTotals.TryAddAtomic(Limits.AtomicTotal)) return JetStreamErrors.JSAtomicPublishTooManyInflight;
        _atomic.Add(key, batch = new AtomicBatch(key));
        return null;
    }

    private ApiError TooLarge() => JetStreamErrors.JSAtomicPublishTooLargeBatchErrF.With((ulong)Limits.Size);

    /// <summary>Adds a message to its batch, if it is the next one; otherwise tells why the batch comes to nothing.</summary>
    private ApiError? Follow(
        AtomicBatch batch, in StoredMessage message, in PublishHeaders headers, ulong number, ulong size, BatchCommit commit, out string? reason)
    {
        reason = BatchAbandonReason.Unsupported;
        if (!ApiLevel.Serves(headers.RequiredLevel)) return JetStreamErrors.JSRequiredApiLevelErr;
        reason = BatchAbandonReason.Incomplete;
        batch.Last++;
        if (batch.Last != number || size == 0) return JetStreamErrors.JSAtomicPublishIncompleteBatchErr;
        reason = BatchAbandonReason.Large;
        if (size > (ulong)Limits.Size) return TooLarge();
        batch.Deadline = message.Timestamp + Limits.Timeout;
        _batchesDue = Math.Min(_batchesDue, batch.Deadline);
        if (commit == BatchCommit.BeforeThis) return null;
        var block = WithoutLevel(message.Headers, headers);
        if (!_options.BatchTotals.TryStage(message.Subject.Length + block.Length + message.Payload.Length, Limits.StagedBytes)) return JetStreamErrors.JSInsufficientResourcesErr;
        batch.Add(message.Subject, block, message.Payload);
        return null;
    }

    private void CommitAtomic(AtomicBatch batch, long now, BatchCommit commit, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        var before = _flight?.LastSequence ?? _replica.State.LastSequence;
        if (commit == BatchCommit.BeforeThis)
        {
            var last = batch.At(batch.Count - 1, 0, 0);
            _editor.Load(last.Headers);
            _editor.Append("Nats-Batch-Commit"u8, "1"u8);
            batch.Replace(batch.Count - 1, _editor.Block, last.Payload);
        }
        var error = JudgeAtomic(batch, before, now);
        if (error is not null)
        {
            End(batch, null, effects);
            Refuse(error, reply, effects);
            return;
        }
        Propose(batch, Math.Max(now, _flight?.LastTimestamp ?? _replica.State.LastTimestamp), reply, effects);
        End(batch, null, effects);
        if (_configuration.NoAck || _flight is not null) return;
        _answer.ResetWrittenCount();
        _acks.WriteBatch(_answer, before + (ulong)batch.Count, batch.Id, (ulong)batch.Count);
        effects.Publish(reply, default, _answer.WrittenSpan);
    }

    /// <summary>Judges a whole batch; what the leader changes in its messages is changed then.</summary>
    private ApiError? JudgeAtomic(AtomicBatch batch, ulong last, long now)
    {
        _staged.Clear();
        for (var i = 0; i < batch.Count; i++)
        {
            var message = batch.At(i, last + 1 + (ulong)i, now);
            if (!new PublishHeaders(message.Headers).ExpectedLastMessageId.IsEmpty) return JetStreamErrors.JSAtomicPublishUnsupportedHeaderBatchErr.With("Nats-Expected-Last-Msg-Id");
            var admission = _replica.Judge(message, _staged, _flight);
            if (admission.Error is not null) return admission.Error;
            if (!admission.AddsRollup && admission.Change is null) continue;
            var block = ProposedHeaders.Of(message.Headers, admission.AddsRollup, admission.Change, _editor);
            if (block.Length > ushort.MaxValue) return JetStreamErrors.JSStreamHeaderExceedsMaximumErr;
            batch.Replace(i, block, admission.Change is { } change ? change.Payload : message.Payload);
        }
        return _replica.Room?.Check(_staged.Bytes);
    }

    /// <summary>Proposes a batch, and publishes its messages again where that is asked for, when all are stored.</summary>
    private void Propose(AtomicBatch batch, long time, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        var last = _flight?.LogSequence ?? _replica.State.LastSequence;
        for (var i = 0; i < batch.Count; i++)
        {
            var isLast = i == batch.Count - 1;
            if (_flight is null) effects.Propose(EntryOf(batch, i, last, time, default));
            else Dispatch(EntryOf(batch, i, last, time, isLast ? reply : default), CounterOf(batch, i), effects);
        }
        if (_republisher is null || _flight is not null) return;
        for (var i = 0; i < batch.Count; i++)
        {
            var entry = EntryOf(batch, i, last, time, default);
            if (_republisher.Prepare(entry, entry.LastSequence + 1, _replica.Store)) _republisher.Publish(entry, entry.LastSequence + 1, effects);
        }
    }

    private static StreamMessageEntry EntryOf(AtomicBatch batch, int index, ulong last, long time, ReadOnlySpan<byte> reply)
    {
        var message = batch.At(index, last + 1 + (ulong)index, time);
        return new StreamMessageEntry
        {
            LastSequence = message.Sequence - 1,
            Timestamp = time,
            Subject = message.Subject,
            Reply = reply,
            Headers = message.Headers,
            Payload = message.Payload,
            BatchId = batch.Id,
            BatchSequence = (ulong)index + 1,
            CommitsBatch = index == batch.Count - 1,
        };
    }

    /// <summary>What a counter stands at by a message of a batch that has been judged; null: it is none.</summary>
    private CounterState? CounterOf(AtomicBatch batch, int index)
    {
        if (!_configuration.AllowMessageCounter) return null;
        var message = batch.At(index, 0, 0);
        return CounterState.Read(message.Headers, message.Payload);
    }

    /// <summary>A batch is over.</summary>
    /// <param name="batch">It.</param>
    /// <param name="reason">Why it came to nothing, if that is to be told.</param>
    /// <param name="effects">Tell it.</param>
    private void End(AtomicBatch batch, string? reason, IStreamEffects effects)
    {
        if (!_atomic.Remove(batch.Id)) return;
        _options.BatchTotals.RemoveAtomic(batch.StagedBytes);
        if (reason is null) return;
        var (account, stream, id) = (_options.Account, _configuration.Name, Encoding.UTF8.GetString(batch.Id));
        effects.Advise($"{AdvisorySubjects.StreamBatchAbandoned}.{stream}", () => new BatchAbandonedAdvisory
        {
            Account = account,
            Stream = stream,
            BatchId = id,
            Reason = reason,
        });
    }

    private void Refuse(ApiError error, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        if (reply.IsEmpty || _configuration.NoAck) return;
        _answer.ResetWrittenCount();
        _acks.WriteFailure(_answer, error);
        Answer(reply, effects);
    }

    private ReadOnlySpan<byte> WithoutLevel(ReadOnlySpan<byte> block, in PublishHeaders headers)
    {
        if (headers.RequiredLevel.IsEmpty) return block;
        _editor.Load(block);
        _editor.Remove("Nats-Required-Api-Level"u8);
        return _editor.Block;
    }
}
