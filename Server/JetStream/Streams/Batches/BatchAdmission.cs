using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams.Batches;

/// <summary>
/// Whether a message of a batch may be added, given those before it that are not stored yet: in the order upstream
/// judges what it proposes, which is not quite that of plain publishes.
/// </summary>
/// <param name="configuration">The stream's.</param>
/// <param name="store">Its messages.</param>
/// <param name="dedupe">The message ids it has seen.</param>
internal sealed class BatchAdmission(StreamConfiguration configuration, IMessageStore store, DedupeWindow dedupe)
{
    private readonly byte[] _name = Encoding.UTF8.GetBytes(configuration.Name);
    private readonly MessageBuffer _last = new();

    /// <summary>Judges the next message of a batch.</summary>
    /// <param name="message">Under the subject it would be stored under; its sequence is the one it would get.</param>
    /// <param name="staged">Those before it; takes it up when it is admitted.</param>
    /// <param name="flight">
    /// What comes before the batch and is not applied yet, by which it can be judged now (<see cref="Foresight"/>);
    /// null: nothing ever does.
    /// </param>
    public Admission Judge(in StoredMessage message, StagedChanges staged, InFlight? flight)
    {
        var headers = new PublishHeaders(message.Headers);
        if (PublishRules.CheckFileSize(store.SizeOf(message), configuration) is { } tooLarge) return tooLarge;
        if (message.Headers.Length > ushort.MaxValue) return JetStreamErrors.JSStreamHeaderExceedsMaximumErr;
        if (!headers.Increment.IsEmpty && PublishRules.CheckCounter(headers, message.Payload.Length, configuration) is { } wrongIncrement) return wrongIncrement;
        if (PublishRules.CheckExpectedStream(headers, _name) is { } otherStream) return otherStream;
        if (PublishRules.CheckTtl(headers, configuration, out var ttl) is { } wrongTtl) return wrongTtl;
        if (!headers.MessageId.IsEmpty)
        {
            var earlier = flight is not null && flight.FindId(headers.MessageId, message.Timestamp) is > 0 and var ahead
                ? ahead
                : dedupe.Find(headers.MessageId, message.Timestamp);
            if (earlier > 0 || !staged.Ids.Add(headers.MessageId.ToArray()))
            {
                return new Admission(JetStreamErrors.JSAtomicPublishContainsDuplicateMessageErr, earlier, null, Rollup.None, 0);
            }
        }
        if (CheckCounter(headers, message, staged, out var change) is { } wrongCounter) return wrongCounter;
        if (CheckExpectations(headers, message, staged) is { } unexpected) return unexpected;
        if (CheckSchedules(headers, message, staged, out var isSchedule) is { } wrongSchedule) return wrongSchedule;
        if (CheckRollup(headers, message.Subject, staged, out var rollup) is { } wrongRollup) return wrongRollup;
        var addsRollup = isSchedule && headers.Rollup.IsEmpty;
        Stage(message, change, isSchedule, staged);
        return CheckLimits(message.Subject, staged, flight, replaces: addsRollup || !headers.Rollup.IsEmpty) is { } full
            ? full
            : new Admission(null, 0, change?.After.Value, rollup, ttl) { Change = change, AddsRollup = addsRollup };
    }

    private ApiError? CheckCounter(in PublishHeaders headers, in StoredMessage message, StagedChanges staged, out CounterChange? change)
    {
        change = null;
        if (!configuration.AllowMessageCounter) return null;
        if (!headers.TryGetIncrement(out var increment) || increment is null) return JetStreamErrors.JSMessageIncrMissingErr;
        var subject = message.Subject.ToArray();
        if (!staged.Counters.TryGetValue(subject, out var before))
        {
            before = CounterState.Zero;
            if (store.TryLoadLast(subject, store.State.LastSequence, _last))
            {
                if (CounterState.Read(_last.Headers, _last.Payload) is not { } stored) return JetStreamErrors.JSMessageCounterBrokenErr;
                before = stored;
            }
        }
        change = CounterChange.Add(before, headers, subject, message.Payload, increment.Value);
        if (change is null) return JetStreamErrors.JSMessageCounterBrokenErr;
        if (configuration.MaxMessageSize >= 0 && message.Headers.Length + change.Payload.Length > configuration.MaxMessageSize) return JetStreamErrors.JSStreamMessageExceedsMaximumErr;
        staged.Counters[subject] = change.After;
        return null;
    }

    private ApiError? CheckExpectations(in PublishHeaders headers, in StoredMessage message, StagedChanges staged)
    {
        if (headers.ExpectedLastSequence is { } sequence)
        {
            if (sequence != message.Sequence - 1) return JetStreamErrors.JSStreamWrongLastSequenceErrF.With(message.Sequence - 1);
            // Of what the batch itself writes, nothing can be expected.
            if (staged.Messages > 0) return JetStreamErrors.JSStreamWrongLastSequenceConstantErr;
        }
        if (headers.ExpectedLastSubjectSequence is not { } expected) return PublishRules.CheckExpectedSubject(headers);
        var subject = (headers.ExpectedLastSubject.IsEmpty ? message.Subject : headers.ExpectedLastSubject).ToArray();
        if (staged.Subjects.ContainsKey(subject)) return JetStreamErrors.JSStreamWrongLastSequenceConstantErr;
        if (!staged.Expected.TryGetValue(subject, out var last)) last = PublishRules.LastSequence(store, subject, _last);
        if (last != expected) return JetStreamErrors.JSStreamWrongLastSequenceErrF.With(last);
        staged.Expected[subject] = last;
        return null;
    }

    private ApiError? CheckSchedules(in PublishHeaders headers, in StoredMessage message, StagedChanges staged, out bool isSchedule)
    {
        var error = PublishRules.CheckSchedule(headers, message.Subject, configuration, message.Timestamp, out var next);
        isSchedule = next is not null;
        if ((error ?? PublishRules.CheckScheduler(headers, message.Subject, configuration, out var purges)) is { } wrong) return wrong;
        if (headers.Scheduler.IsEmpty) return null;
        // What is to be taken away must be a schedule, if there is anything.
        var isOther = staged.Subjects.TryGetValue(headers.Scheduler.ToArray(), out var there)
            ? !there.IsSchedule
            : store.TryLoadLast(headers.Scheduler, store.State.LastSequence, _last) && new PublishHeaders(_last.Headers).Schedule.IsEmpty;
        return isOther ? JetStreamErrors.JSMessageSchedulesSchedulerInvalidErr : null;
    }

    /// <summary>What a batch itself has written it may not take away.</summary>
    private ApiError? CheckRollup(in PublishHeaders headers, ReadOnlySpan<byte> subject, StagedChanges staged, out Rollup rollup)
    {
        if (PublishRules.CheckRollup(headers, configuration, out rollup) is { } wrong) return wrong;
        return rollup switch
        {
            Rollup.Subject when staged.Subjects.ContainsKey(subject.ToArray()) => JetStreamErrors.JSStreamRollupFailedF.With("batch rollup sub invalid"),
            Rollup.All when staged.Messages > 0 => JetStreamErrors.JSStreamRollupFailedF.With("batch rollup all invalid"),
            _ => null,
        };
    }

    private void Stage(in StoredMessage message, CounterChange? change, bool isSchedule, StagedChanges staged)
    {
        var subject = message.Subject.ToArray();
        staged.Subjects[subject] = new StagedSubject(staged.Subjects.GetValueOrDefault(subject).Messages + 1, isSchedule);
        staged.Messages++;
        staged.Bytes += store.SizeOf(new StoredMessage
        {
            Sequence = message.Sequence,
            Timestamp = message.Timestamp,
            Subject = message.Subject,
            Headers = message.Headers,
            Payload = change is null ? message.Payload : change.Payload,
        });
    }

    private ApiError? CheckLimits(ReadOnlySpan<byte> subject, StagedChanges staged, InFlight? flight, bool replaces)
    {
        if (configuration.Discard != DiscardPolicy.New) return null;
        var state = store.State;
        if (configuration.MaxMessages > 0 && state.Messages + (flight?.Messages ?? 0) + staged.Messages > (ulong)configuration.MaxMessages) return Full("messages");
        if (configuration.MaxBytes > 0 && state.Bytes + (flight?.Bytes ?? 0) + staged.Bytes > (ulong)configuration.MaxBytes) return Full("bytes");
        if (!configuration.DiscardNewPerSubject || configuration.MaxMessagesPerSubject <= 0 || replaces) return null;
        var messages = store.OfSubject(subject).Messages + staged.Subjects[subject.ToArray()].Messages;
        return messages > (ulong)configuration.MaxMessagesPerSubject ? Full("messages per subject") : null;

        static ApiError Full(string what) => JetStreamErrors.JSStreamStoreFailedF.With($"maximum {what} exceeded");
    }
}
