using System.Numerics;
using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams.Publishing;

/// <summary>What is to be done with a published message.</summary>
/// <param name="Error">It is refused; null: it is not.</param>
/// <param name="Duplicate">It is stored already, as this sequence; 0: it is not.</param>
/// <param name="Counter">What a counter stands at now; null: it is none.</param>
/// <param name="Rollup">What it replaces.</param>
/// <param name="TtlSeconds">How long it stays: 0: as the stream says, <see cref="PublishHeaders.NeverExpires"/>.</param>
public readonly record struct Admission(ApiError? Error, ulong Duplicate, BigInteger? Counter, Rollup Rollup, long TtlSeconds)
{
    public static implicit operator Admission(ApiError error) => new(error, 0, null, Rollup.None, 0);
}

/// <summary>
/// Whether a message may be added to a stream: what its headers demand, what the stream allows, in upstream's order,
/// since a client sees the first error only. Changes nothing.
/// </summary>
/// <param name="configuration">The stream's.</param>
/// <param name="store">Its messages.</param>
/// <param name="dedupe">The message ids it has seen.</param>
public sealed class PublishAdmission(StreamConfiguration configuration, IMessageStore store, DedupeWindow dedupe)
{
    private readonly byte[] _name = Encoding.UTF8.GetBytes(configuration.Name);
    private readonly MessageBuffer _last = new();
    private readonly StreamLimits _limits = new(configuration, store);

    /// <summary>Judges a message.</summary>
    /// <param name="message">As it would be stored.</param>
    public Admission Judge(in StoredMessage message)
    {
        if (configuration.Sealed) return JetStreamErrors.JSStreamSealedErr;
        var headers = new PublishHeaders(message.Headers);
        if (headers.IsEmpty) return JudgeSize(message, default, Rollup.None);
        if (!headers.Increment.IsEmpty && PublishRules.CheckCounter(headers, message.Payload.Length, configuration) is { } wrongIncrement) return wrongIncrement;
        if (CheckExpectations(headers, message) is { } unexpected) return unexpected;
        if (CheckSchedules(headers, message) is { } wrongSchedule) return wrongSchedule;
        if (!headers.MessageId.IsEmpty && dedupe.Find(headers.MessageId, message.Timestamp) is > 0 and var earlier)
        {
            return new Admission(null, earlier, null, Rollup.None, 0);
        }
        if (!headers.ExpectedLastMessageId.IsEmpty && !headers.ExpectedLastMessageId.SequenceEqual(dedupe.LastId.Span))
        {
            return JetStreamErrors.JSStreamWrongLastMsgIDErrF.With(Encoding.UTF8.GetString(dedupe.LastId.Span));
        }
        if (PublishRules.CheckRollup(headers, configuration, out var rollup) is { } wrongRollup) return wrongRollup;
        return JudgeSize(message, headers, rollup);
    }

    private Admission JudgeSize(in StoredMessage message, in PublishHeaders headers, Rollup rollup)
    {
        BigInteger? counter = null;
        if (configuration.AllowMessageCounter && CheckCounter(headers, message.Subject, out counter) is { } broken) return broken;
        var size = (long)message.Headers.Length + message.Payload.Length;
        if (configuration.MaxMessageSize >= 0 && size > configuration.MaxMessageSize) return JetStreamErrors.JSStreamMessageExceedsMaximumErr;
        if (message.Headers.Length > ushort.MaxValue) return JetStreamErrors.JSStreamHeaderExceedsMaximumErr;
        if (!PublishHeaders.TryParseTtl(headers.Ttl, out var ttl)) return JetStreamErrors.JSMessageTTLInvalidErr;
        return _limits.Check(message, !headers.Rollup.IsEmpty) switch
        {
            LimitReached.Messages => JetStreamErrors.JSStreamStoreFailedF.With("maximum messages exceeded"),
            LimitReached.Bytes => JetStreamErrors.JSStreamStoreFailedF.With("maximum bytes exceeded"),
            LimitReached.MessagesPerSubject => JetStreamErrors.JSStreamStoreFailedF.With("maximum messages per subject exceeded"),
            _ => new Admission(null, 0, counter, rollup, ttl),
        };
    }

    private ApiError? CheckExpectations(in PublishHeaders headers, in StoredMessage message)
    {
        if (PublishRules.CheckExpectedStream(headers, _name) is { } otherStream) return otherStream;
        if (!headers.Ttl.IsEmpty && !configuration.AllowMessageTtl && PublishHeaders.TryParseTtl(headers.Ttl, out var ttl) && ttl != 0)
        {
            return JetStreamErrors.JSMessageTTLDisabledErr;
        }
        if (headers.ExpectedLastSubjectSequence is { } expected)
        {
            var subject = headers.ExpectedLastSubject.IsEmpty ? message.Subject : headers.ExpectedLastSubject;
            var last = store.TryLoadLast(subject, store.State.LastSequence, _last) ? _last.Sequence : 0;
            if (last != expected) return JetStreamErrors.JSStreamWrongLastSequenceErrF.With(last);
        }
        else if (PublishRules.CheckExpectedSubject(headers) is { } noSequence)
        {
            return noSequence;
        }
        var end = store.State.LastSequence;
        return headers.ExpectedLastSequence is { } sequence && sequence != end ? JetStreamErrors.JSStreamWrongLastSequenceErrF.With(end) : null;
    }

    private ApiError? CheckSchedules(in PublishHeaders headers, in StoredMessage message)
    {
        if (PublishRules.CheckSchedule(headers, message.Subject, configuration, message.Timestamp, out _) is { } wrong) return wrong;
        if (PublishRules.CheckScheduler(headers, message.Subject, configuration, out var purges) is { } wrongScheduler) return wrongScheduler;
        // What is to be taken away must be a schedule, if there is anything.
        return purges && store.TryLoadLast(headers.Scheduler, store.State.LastSequence, _last) && new PublishHeaders(_last.Headers).Schedule.IsEmpty
            ? JetStreamErrors.JSMessageSchedulesSchedulerInvalidErr
            : null;
    }

    /// <summary>Adds to what the counter's last message says (<c>{"val":"n"}</c>, ADR-49).</summary>
    private ApiError? CheckCounter(in PublishHeaders headers, ReadOnlySpan<byte> subject, out BigInteger? counter)
    {
        if (!headers.TryGetIncrement(out counter) || counter is null) return JetStreamErrors.JSMessageIncrMissingErr;
        if (!store.TryLoadLast(subject, store.State.LastSequence, _last)) return null;
        if (!CounterValue.TryParse(_last.Payload, out var before)) return JetStreamErrors.JSMessageCounterBrokenErr;
        counter += before;
        return null;
    }
}
