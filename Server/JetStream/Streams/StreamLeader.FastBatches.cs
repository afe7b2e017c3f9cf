using System.Buffers;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// Fast batches (ADR-50): messages are stored as they come and acknowledged now and then, until the batch is committed
/// or a message is missing. What stands in the reply subject takes the place of headers.
/// </summary>
public partial class StreamLeader
{
    private readonly Dictionary<byte[], FastBatch> _fast = new(ByteArrayComparer.Instance);
    private readonly HeaderEditor _fastEditor = new();

    /// <summary>Fast batches under way.</summary>
    public int FastBatches => _fast.Count;

    private void PublishFast(in StoredMessage message, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        if (CheckFast(message, reply, out var request) is { } refused)
        {
            Refuse(refused, reply, effects);
            return;
        }
        var headers = new PublishHeaders(message.Headers);
        if (FindFast(request, out var batch) is { } notBegun)
        {
            Refuse(notBegun, reply, effects);
            return;
        }
        if (!ApiLevel.Serves(headers.RequiredLevel))
        {
            End(batch!);
            Refuse(JetStreamErrors.JSRequiredApiLevelErr, reply, effects);
            return;
        }
        batch!.Deadline = message.Timestamp + Limits.Timeout;
        _batchesDue = Math.Min(_batchesDue, batch.Deadline);
        // Its publisher will hear what has come of it.
        if (batch.IsCommitting && !request.Pings) return;
        if (request.Pings) Ping(batch, request, reply, effects);
        else if (Follow(batch, request, reply, effects)) StoreFast(batch, request, message, headers, reply, effects);
    }

    private ApiError? CheckFast(in StoredMessage message, ReadOnlySpan<byte> reply, out FastBatchRequest request)
    {
        request = default;
        if (_configuration.Sealed) return JetStreamErrors.JSStreamSealedErr;
        if (_replica.Room?.Check(_replica.Store.SizeOf(message)) is { } full) return full;
        if (IsTooLarge(message)) return JetStreamErrors.JSStreamMessageExceedsMaximumErr;
        if (!_configuration.AllowBatchPublish) return JetStreamErrors.JSBatchPublishDisabledErr;
        if (!FastBatchRequest.TryParse(reply, out request)) return JetStreamErrors.JSBatchPublishInvalidPatternErr;
        return request.Id.Length > PublishRules.MaxBatchIdLength ? JetStreamErrors.JSBatchPublishInvalidBatchIDErr : null;
    }

    /// <summary>The batch of an id, or a new one.</summary>
    private ApiError? FindFast(in FastBatchRequest request, out FastBatch? batch)
    {
        if (_fast.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(request.Id, out batch)) return null;
        if (request.Number != 1) return JetStreamErrors.JSBatchPublishUnknownBatchIDErr;
        if (_fast.Count >= Limits.FastPerStream || !_options.BatchTotals.TryAddFast(Limits.FastTotal)) return JetStreamErrors.JSBatchPublishTooManyInflight;
        batch = new FastBatch(request.Id.ToArray(), request.GapsAreFine, request.Flow);
        _fast.Add(batch.Id, batch);
        batch.Begin(_fast.Count);
        return null;
    }

    /// <summary>Tells how far the batch is. It asks what came up to that number.</summary>
    private void Ping(FastBatch batch, in FastBatchRequest request, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        if (request.Number > batch.Last)
        {
            FastBatchAnswers.Gap(_answer, batch.Last + 1, request.Number + 1);
            effects.Publish(reply, default, _answer.WrittenSpan);
            if (!batch.GapsAreFine)
            {
                Complete(batch, reply, effects);
                return;
            }
            batch.Last = request.Number;
            if (Acknowledge(batch, reply, effects)) return;
        }
        Tell(batch, batch.Acknowledged, reply, effects);
    }

    /// <summary>Whether a message is next in its batch, or comes after a gap that is fine. Otherwise the batch ends.</summary>
    private bool Follow(FastBatch batch, in FastBatchRequest request, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        var next = batch.Last + 1;
        if (request.Number > next)
        {
            FastBatchAnswers.Gap(_answer, next, request.Number);
            effects.Publish(reply, default, _answer.WrittenSpan);
        }
        if (request.Number < next || (request.Number > next && !batch.GapsAreFine))
        {
            Complete(batch, reply, effects);
            return false;
        }
        if (request.OnlyCommits)
        {
            batch.Last = request.Number - 1;
            Complete(batch, reply, effects);
            return false;
        }
        batch.Last = request.Number;
        if (request.Number == 1 && !request.Commits && !_configuration.NoAck) Tell(batch, 0, reply, effects);
        return true;
    }

    private void StoreFast(
        FastBatch batch, in FastBatchRequest request, in StoredMessage message, in PublishHeaders headers, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        var last = _flight?.LastSequence ?? _replica.State.LastSequence;
        var proposed = new StoredMessage
        {
            Sequence = last + 1,
            Timestamp = message.Timestamp,
            Subject = message.Subject,
            Headers = WithoutLevel(message.Headers, headers),
            Payload = message.Payload,
        };
        _staged.Clear();
        var admission = _replica.Judge(proposed, _staged, _flight);
        var block = ProposedHeaders.Of(proposed.Headers, admission.AddsRollup, admission.Change, _fastEditor);
        if ((admission.Error ?? (block.Length > ushort.MaxValue ? JetStreamErrors.JSStreamHeaderExceedsMaximumErr : null)) is { } error)
        {
            RefuseFast(batch, request, error, admission.Duplicate, reply, effects);
            return;
        }
        var entry = new StreamMessageEntry
        {
            LastSequence = _flight?.LogSequence ?? last,
            Timestamp = Math.Max(message.Timestamp, _flight?.LastTimestamp ?? _replica.State.LastTimestamp),
            IsJudged = _flight is not null && !headers.ExpectedLastMessageId.IsEmpty,
            Subject = message.Subject,
            Reply = _flight is null ? default : reply,
            Headers = block,
            Payload = admission.Change is { } change ? change.Payload : message.Payload,
        };
        batch.Pending++;
        batch.IsCommitting = request.Commits;
        if (_flight is not null)
        {
            Dispatch(entry, admission.Change?.After, effects);
            return;
        }
        Commit(entry, effects);
        FastStored(batch, request.Number, last + 1, reply, effects);
    }

    /// <summary>A message of a fast batch has been stored: of one begun here, or by a leader before.</summary>
    private void FastStored(in FastBatchRequest request, ulong sequence, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        if (!_fast.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(request.Id, out var batch)) return;
        FastStored(batch, request.Number, sequence, reply, effects);
    }

    private void FastStored(FastBatch batch, ulong number, ulong sequence, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        batch.Stored(number, sequence);
        if (batch.IsComplete) Finish(batch, reply, effects);
        else if (!batch.IsCommitting) Acknowledge(batch, reply, effects);
    }

    /// <summary>A message is not stored: the batch goes on if gaps are fine, and in any case after a duplicate.</summary>
    private void RefuseFast(FastBatch batch, in FastBatchRequest request, ApiError error, ulong duplicate, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        var isDuplicate = error.Is(JetStreamErrors.JSAtomicPublishContainsDuplicateMessageErr);
        if (isDuplicate)
        {
            Acknowledge(batch, reply, effects);
            if (!request.Commits) return;
        }
        if (!request.GapsAreFine && batch.Last == 1)
        {
            // A batch that fails at once is answered as a plain publish.
            End(batch);
            _answer.ResetWrittenCount();
            if (isDuplicate) _acks.WriteDuplicateBatch(_answer, duplicate, batch.Id, request.Number);
            else _acks.WriteFailure(_answer, error);
            Answer(reply, effects);
            return;
        }
        if (!isDuplicate)
        {
            FastBatchAnswers.Error(_answer, request.Number, error);
            Answer(reply, effects);
        }
        if (request.GapsAreFine && !request.Commits) return;
        if (!isDuplicate) batch.Last--;
        Complete(batch, reply, effects);
    }

    /// <summary>The batch takes no more: what has come of it is acknowledged for good when all of it is stored.</summary>
    private void Complete(FastBatch batch, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        batch.IsCommitting = true;
        if (batch.IsComplete) Finish(batch, reply, effects);
    }

    private void Finish(FastBatch batch, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        End(batch);
        _answer.ResetWrittenCount();
        _acks.WriteBatch(_answer, batch.LastStored, batch.Id, batch.Last);
        Answer(reply, effects);
    }

    private bool Acknowledge(FastBatch batch, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        if (!batch.TryAcknowledge(_fast.Count)) return false;
        FastBatchAnswers.Acknowledgement(_answer, batch.Acknowledged, batch.Flow);
        Answer(reply, effects);
        return true;
    }

    /// <summary>Tells what has been acknowledged before.</summary>
    private void Tell(FastBatch batch, ulong number, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        FastBatchAnswers.Acknowledgement(_answer, number, batch.Flow);
        effects.Publish(reply, default, _answer.WrittenSpan);
    }

    private void End(FastBatch batch)
    {
        if (_fast.Remove(batch.Id)) _options.BatchTotals.RemoveFast();
    }
}
