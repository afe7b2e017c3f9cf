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
    /// <summary>What it does to a counter; null: it is none.</summary>
    public CounterChange? Change { get; init; }

    /// <summary>It is refused because the stream is full, which it may not be for ever.</summary>
    public bool IsFull { get; init; }

    /// <summary>It is a schedule, which takes the place of an earlier one of its subject without saying so.</summary>
    public bool AddsRollup { get; init; }

    public static implicit operator Admission(ApiError error) => new(error, 0, null, Rollup.None, 0);
}

/// <summary>
/// Whether a message may be added to a stream: what its headers demand, what the stream allows, in upstream's order,
/// since a client sees the first error only. Changes nothing.
/// </summary>
/// <param name="configuration">The stream's.</param>
/// <param name="store">Its messages.</param>
/// <param name="dedupe">The message ids it has seen.</param>
/// <param name="room">What account and server let it hold; null: any number of bytes.</param>
public sealed class PublishAdmission(StreamConfiguration configuration, IMessageStore store, DedupeWindow dedupe, StorageRoom? room = null)
{
    private readonly byte[] _name = Encoding.UTF8.GetBytes(configuration.Name);
    private readonly MessageBuffer _last = new();
    private readonly StreamLimits _limits = new(configuration, store);

    /// <summary>Judges a message.</summary>
    /// <param name="message">As it would be stored.</param>
    /// <param name="isSourced">It comes from another stream, which has judged what only publishers must keep to.</param>
    public Admission Judge(in StoredMessage message, bool isSourced = false) => Judge(message, isSourced, null);

    /// <summary>The same behind messages that are not applied yet.</summary>
    /// <param name="message">As it would be stored; it can be judged now (<see cref="Foresight"/>).</param>
    /// <param name="isSourced">It comes from another stream, which has judged what only publishers must keep to.</param>
    /// <param name="flight">What comes before it; null: nothing ever does.</param>
    internal Admission Judge(in StoredMessage message, bool isSourced, InFlight? flight)
    {
        if (configuration.Sealed) return JetStreamErrors.JSStreamSealedErr;
        if (PublishRules.CheckFileSize(store.SizeOf(message), configuration) is { } tooLarge) return tooLarge;
        var headers = new PublishHeaders(message.Headers);
        if (headers.IsEmpty) return JudgeSize(message, default, Rollup.None, addsRollup: false, isSourced, flight);
        if (!headers.Increment.IsEmpty && !isSourced && PublishRules.CheckCounter(headers, message.Payload.Length, configuration) is { } wrongIncrement) return wrongIncrement;
        if (CheckExpectations(headers, message, isSourced, flight) is { } unexpected) return unexpected;
        var addsRollup = false;
        if (!isSourced && CheckSchedules(headers, message, out addsRollup) is { } wrongSchedule) return wrongSchedule;
        if (!headers.MessageId.IsEmpty && configuration.Mirror is null && FindId(headers.MessageId, message.Timestamp, flight) is > 0 and var earlier)
        {
            return new Admission(null, earlier, null, Rollup.None, 0);
        }
        var lastId = flight is null ? dedupe.LastId.Span : flight.LastId;
        if (!headers.ExpectedLastMessageId.IsEmpty && !headers.ExpectedLastMessageId.SequenceEqual(lastId))
        {
            return JetStreamErrors.JSStreamWrongLastMsgIDErrF.With(Encoding.UTF8.GetString(lastId));
        }
        if (PublishRules.CheckRollup(headers, configuration, out var rollup, isSourced) is { } wrongRollup) return wrongRollup;
        return JudgeSize(message, headers, rollup, addsRollup, isSourced, flight);
    }

    private ulong FindId(ReadOnlySpan<byte> id, long now, InFlight? flight) =>
        flight is not null && flight.FindId(id, now) is > 0 and var sequence ? sequence : dedupe.Find(id, now);

    private Admission JudgeSize(in StoredMessage message, in PublishHeaders headers, Rollup rollup, bool addsRollup, bool isSourced, InFlight? flight)
    {
        CounterChange? change = null;
        if (configuration.AllowMessageCounter && CheckCounter(headers, message, flight, out change) is { } broken) return broken;
        var payload = change is null ? message.Payload : change.Payload;
        var size = (long)message.Headers.Length + payload.Length;
        if (configuration.MaxMessageSize >= 0 && size > configuration.MaxMessageSize) return JetStreamErrors.JSStreamMessageExceedsMaximumErr;
        if (message.Headers.Length > ushort.MaxValue) return JetStreamErrors.JSStreamHeaderExceedsMaximumErr;
        // Copies wait for room before they are taken; what is refused here would be lost.
        if (!isSourced && room?.Check(store.SizeOf(message)) is { } full) return full;
        if (!PublishHeaders.TryParseTtl(headers.Ttl, out var ttl)) return JetStreamErrors.JSMessageTTLInvalidErr;
        var isRollup = !headers.Rollup.IsEmpty || addsRollup;
        var reached = flight is null ? _limits.Check(message, isRollup) : _limits.CheckAhead(message, isRollup, flight, out _);
        return reached switch
        {
            LimitReached.Messages => Full("maximum messages exceeded"),
            LimitReached.Bytes => Full("maximum bytes exceeded"),
            LimitReached.MessagesPerSubject => Full("maximum messages per subject exceeded"),
            _ => new Admission(null, 0, change?.After.Value, rollup, ttl) { Change = change, AddsRollup = addsRollup },
        };
    }

    private static Admission Full(string text) => (Admission)JetStreamErrors.JSStreamStoreFailedF.With(text) with { IsFull = true };

    private ApiError? CheckExpectations(in PublishHeaders headers, in StoredMessage message, bool isSourced, InFlight? flight)
    {
        if (PublishRules.CheckExpectedStream(headers, _name) is { } otherStream) return otherStream;
        if (!headers.Ttl.IsEmpty && !isSourced && !configuration.AllowMessageTtl && PublishHeaders.TryParseTtl(headers.Ttl, out var ttl) && ttl != 0)
        {
            return JetStreamErrors.JSMessageTTLDisabledErr;
        }
        if (headers.ExpectedLastSubjectSequence is { } expected)
        {
            var subject = headers.ExpectedLastSubject.IsEmpty ? message.Subject : headers.ExpectedLastSubject;
            var last = flight?.On(subject)?.Last ?? PublishRules.LastSequence(store, subject, _last);
            if (last != expected) return JetStreamErrors.JSStreamWrongLastSequenceErrF.With(last);
        }
        else if (PublishRules.CheckExpectedSubject(headers) is { } noSequence)
        {
            return noSequence;
        }
        var end = message.Sequence - 1;
        return headers.ExpectedLastSequence is { } sequence && sequence != end ? JetStreamErrors.JSStreamWrongLastSequenceErrF.With(end) : null;
    }

    private ApiError? CheckSchedules(in PublishHeaders headers, in StoredMessage message, out bool addsRollup)
    {
        addsRollup = false;
        if (PublishRules.CheckSchedule(headers, message.Subject, configuration, message.Timestamp, out var next) is { } wrong) return wrong;
        addsRollup = next is not null && headers.Rollup.IsEmpty;
        if (PublishRules.CheckScheduler(headers, message.Subject, configuration, out var purges) is { } wrongScheduler) return wrongScheduler;
        // What is to be taken away must be a schedule, if there is anything.
        return purges && store.TryLoadLast(headers.Scheduler, store.State.LastSequence, _last) && new PublishHeaders(_last.Headers).Schedule.IsEmpty
            ? JetStreamErrors.JSMessageSchedulesSchedulerInvalidErr
            : null;
    }

    /// <summary>Adds to what the counter's last message says (<c>{"val":"n"}</c>, ADR-49).</summary>
    private ApiError? CheckCounter(in PublishHeaders headers, in StoredMessage message, InFlight? flight, out CounterChange? change)
    {
        change = null;
        if (!headers.TryGetIncrement(out var increment) || increment is null) return JetStreamErrors.JSMessageIncrMissingErr;
        var before = CounterState.Zero;
        if (flight?.On(message.Subject) is { } ahead)
        {
            if (ahead.Counter is null) return JetStreamErrors.JSMessageCounterBrokenErr;
            before = ahead.Counter;
        }
        else if (store.TryLoadLast(message.Subject, store.State.LastSequence, _last))
        {
            if (CounterState.Read(_last.Headers, _last.Payload) is not { } stored) return JetStreamErrors.JSMessageCounterBrokenErr;
            before = stored;
        }
        change = CounterChange.Add(before, headers, message.Subject, message.Payload, increment.Value);
        return change is null ? JetStreamErrors.JSMessageCounterBrokenErr : null;
    }
}
