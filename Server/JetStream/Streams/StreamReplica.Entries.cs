using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>What entries do to the stream.</summary>
public partial class StreamReplica
{
    /// <summary>
    /// Others apply the same log. Then sequences must follow without gaps, and entries that come to nothing are counted
    /// (<see cref="Failed"/>), for their sequences are used up in the log.
    /// </summary>
    public bool IsReplicated { get; set; }

    /// <summary>
    /// Entries of a replicated log that have come to nothing (upstream's clfs): by so much the log's sequences are ahead
    /// of the stream's. Part of snapshots; whoever keeps the store keeps this with it.
    /// </summary>
    public ulong Failed { get; set; }

    /// <summary>
    /// Tells whether any consumer wants a message of a subject, where each replica decides so by itself: streams that keep
    /// what is wanted, as long as a Go server leads them. Null: all messages are stored, and the leader has them removed.
    /// </summary>
    public WantsSubject? Wants { get; set; }

    /// <summary>Whether a message of a subject is wanted.</summary>
    public delegate bool WantsSubject(ReadOnlySpan<byte> subject);

    /// <summary>Fast batches that have not been committed; null: there were none.</summary>
    internal FastBatchRecords? FastBatches { get; private set; }

    /// <summary>What the log counts this replica's last entry as: the next message's entry names it.</summary>
    public ulong LogSequence => _store.State.LastSequence + Failed + (IsReplicated ? (ulong)_staged.Count : 0);

    private EntryOutcome ApplyMessage(ReadOnlySpan<byte> bytes, IStreamObserver? observer)
    {
        if (!StreamMessageEntry.TryDecode(bytes, _scratch, out var entry)) return EntryOutcome.Unknown;
        if (IsFlowControl(entry))
        {
            observer?.FlowControlled(entry.Reply, entry.Headers);
            return EntryOutcome.Passed;
        }
        var state = _store.State;
        if (entry.LastSequence < state.LastSequence + Failed) return EntryOutcome.Passed;
        var last = entry.LastSequence - Failed;
        // Time does not run backwards in a stream, even if its leaders' clocks do.
        var timestamp = Math.Max(entry.Timestamp, state.LastTimestamp);
        if (last > state.LastSequence)
        {
            // Where nothing is held, the leader may know no more than that what was there is gone.
            if (IsReplicated && state.Messages > 0 && Configuration.Mirror is null) return EntryOutcome.Gap;
            _store.Skip(last - state.LastSequence, timestamp);
        }
        if (entry.Subject.IsEmpty)
        {
            _store.Skip(1, timestamp);
            return EntryOutcome.Applied;
        }
        return Keep(entry, last + 1, timestamp, observer);
    }

    private EntryOutcome Keep(in StreamMessageEntry entry, ulong sequence, long timestamp, IStreamObserver? observer)
    {
        var headers = new PublishHeaders(entry.Headers);
        if (IsReplicated && !entry.IsJudged && !headers.ExpectedLastMessageId.IsEmpty && !headers.ExpectedLastMessageId.SequenceEqual(_dedupe.LastId.Span))
        {
            Failed++;
            observer?.Refused(entry);
            return EntryOutcome.Refused;
        }
        var subject = _subjects.Rewrite(entry.Subject, sequence);
        if (Wants is { } wants && !wants(subject)) return LeaveOut(entry, headers, subject, sequence, timestamp, observer);
        if (IsReplicated && Configuration.AllowBatchPublish) NoteFastBatch(entry, sequence, timestamp);
        observer?.Storing(entry, sequence, subject);
        var message = new StoredMessage
        {
            Sequence = sequence,
            Timestamp = timestamp,
            Subject = subject,
            Headers = MessageNormalizer.Normalize(entry.Headers, headers, Configuration, _editor, out var ttl),
            Payload = entry.Payload,
        };
        _store.Append(message);
        Remember(headers.MessageId, sequence, timestamp);
        _limits.Enforce(subject);
        if (!headers.IsEmpty || _schedules is not null)
        {
            _expiry.Add(sequence, timestamp, ttl);
            _schedules?.Stored(headers, subject, sequence, timestamp);
            RollUp(headers, subject, sequence, stored: 1);
        }
        observer?.Stored(entry, sequence, subject);
        return EntryOutcome.Applied;
    }

    private EntryOutcome LeaveOut(
        in StreamMessageEntry entry, in PublishHeaders headers, ReadOnlySpan<byte> subject, ulong sequence, long timestamp, IStreamObserver? observer)
    {
        _store.Skip(1, timestamp);
        Remember(headers.MessageId, sequence, timestamp);
        RollUp(headers, subject, sequence, stored: 0);
        observer?.Stored(entry, sequence, subject);
        return EntryOutcome.Applied;
    }

    private void NoteFastBatch(in StreamMessageEntry entry, ulong sequence, long timestamp)
    {
        if (!entry.Reply.EndsWith(FastBatchRequest.Suffix) || !FastBatchRequest.TryParse(entry.Reply, out var request)) return;
        (FastBatches ??= new FastBatchRecords()).Note(request, sequence, timestamp, entry.Reply);
    }

    /// <summary>Go servers send an origin's flow control through the log, so that it is answered when all before it is stored.</summary>
    private static bool IsFlowControl(in StreamMessageEntry entry) =>
        entry.Payload.IsEmpty && !entry.Reply.IsEmpty && entry.Headers.StartsWith("NATS/1.0 100 "u8);

    private void RollUp(in PublishHeaders headers, ReadOnlySpan<byte> subject, ulong sequence, ulong stored)
    {
        if (!Configuration.AllowRollup || Configuration.DenyPurge) return;
        var rollup = PublishRules.RollupOf(headers.Rollup);
        if (rollup == Rollup.All) _store.Purge(SubjectFilter.All, sequence, 0);
        else if (rollup == Rollup.Subject && _store.OfSubject(subject).Messages > stored) _store.Purge(SubjectFilter.Of([subject.ToArray()]), sequence, 0);
        if (!headers.ScheduleNext.SequenceEqual("purge"u8) || headers.Scheduler.IsEmpty) return;
        _store.Purge(SubjectFilter.Of([headers.Scheduler.ToArray()]), 0, 0);
        _schedules?.Remove(headers.Scheduler);
    }

    private EntryOutcome ApplyPurge(PurgeStreamEntry? entry, IStreamObserver? observer)
    {
        if (entry is null) return EntryOutcome.Unknown;
        var request = entry.Request ?? new PurgeRequestEntry();
        var filter = request.Filter is { Length: > 0 } subject ? SubjectFilter.Of(subject) : SubjectFilter.All;
        // What came after the purge was asked for stays.
        var below = request.Sequence > 0 ? request.Sequence : entry.LastSequence + 1;
        var count = _store.Purge(filter, below, request.Keep);
        observer?.Purged(entry, count);
        return EntryOutcome.Applied;
    }

    /// <summary>
    /// A purge that keeps some, as one below a sequence: what it removes does not depend any more on what else has gone by then.
    /// A replica that fetched its messages lacks what was removed after its place in the log, and would keep others instead.
    /// </summary>
    /// <param name="request">As it was asked for; null: all is to go.</param>
    internal PurgeRequestEntry? Settle(PurgeRequestEntry? request)
    {
        if (request is not { Keep: > 0 }) return request;
        var filter = request.Filter is { Length: > 0 } subject ? SubjectFilter.Of(subject) : SubjectFilter.All;
        var (low, high) = (State.FirstSequence, State.LastSequence + 1);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (_store.CountPending(filter, middle, lastPerSubject: false) > request.Keep) low = middle + 1;
            else high = middle;
        }
        var below = Math.Max(1, low);
        return request with { Keep = 0, Sequence = request.Sequence > 0 ? Math.Min(request.Sequence, below) : below };
    }

    private EntryOutcome ApplyDelete(DeleteMessageEntry? entry, IStreamObserver? observer)
    {
        if (entry is null) return EntryOutcome.Unknown;
        var wasThere = _store.Remove(entry.Sequence, erase: !entry.NoErase);
        observer?.Deleted(entry, wasThere);
        return EntryOutcome.Applied;
    }

    private EntryOutcome ApplySkip(DeleteRangeEntry? entry)
    {
        if (entry is null) return EntryOutcome.Unknown;
        var state = _store.State;
        var end = entry.First + entry.Count - 1;
        if (entry.Count == 0 || end < entry.First || end <= state.LastSequence) return EntryOutcome.Passed;
        if (IsReplicated && entry.First > state.LastSequence + 1 && state.Messages > 0) return EntryOutcome.Gap;
        _store.Skip(end - state.LastSequence, state.LastTimestamp);
        return EntryOutcome.Applied;
    }
}
