using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Schedules;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Streams.Publishing;

/// <summary>
/// What can be said of a published message from its headers and the stream's configuration alone. Each rule is one
/// step, for the stream to take in upstream's order among those that need its messages.
/// </summary>
public static class PublishRules
{
    /// <summary>Bytes of a batch's id.</summary>
    public const int MaxBatchIdLength = 64;

    /// <summary>Bytes of a message in files: servers of both kinds store a replicated one, and Go's take a longer record for damage.</summary>
    public const int MaxFileMessageSize = 32 << 20;

    /// <summary>What no file of a stream may hold.</summary>
    /// <param name="size">As the store counts it, in bytes.</param>
    /// <param name="stream">The stream.</param>
    public static ApiError? CheckFileSize(ulong size, StreamConfiguration stream) =>
        stream.Storage == StorageType.File && size > MaxFileMessageSize ? JetStreamErrors.JSStreamStoreFailedF.With("message too large") : null;

    /// <summary>Increments: only on counters, there always, and with nothing besides.</summary>
    /// <param name="headers">The message's headers.</param>
    /// <param name="payloadLength">Bytes.</param>
    /// <param name="stream">The stream.</param>
    public static ApiError? CheckCounter(in PublishHeaders headers, int payloadLength, StreamConfiguration stream)
    {
        if (headers.Increment.IsEmpty) return stream.AllowMessageCounter ? JetStreamErrors.JSMessageIncrMissingErr : null;
        if (!headers.TryGetIncrement(out _)) return JetStreamErrors.JSMessageIncrInvalidErr;
        if (!stream.AllowMessageCounter) return JetStreamErrors.JSMessageIncrDisabledErr;
        if (payloadLength > 0) return JetStreamErrors.JSMessageIncrPayloadErr;
        return !headers.Rollup.IsEmpty || headers.HasExpectations ? JetStreamErrors.JSMessageIncrInvalidErr : null;
    }

    /// <summary>The stream that the publisher expects.</summary>
    /// <param name="headers">The message's headers.</param>
    /// <param name="streamName">UTF-8.</param>
    public static ApiError? CheckExpectedStream(in PublishHeaders headers, ReadOnlySpan<byte> streamName) =>
        !headers.ExpectedStream.IsEmpty && !headers.ExpectedStream.SequenceEqual(streamName) ? JetStreamErrors.JSStreamNotMatchErr : null;

    /// <summary>A subject whose last sequence is expected needs that sequence.</summary>
    public static ApiError? CheckExpectedSubject(in PublishHeaders headers) =>
        !headers.ExpectedLastSubject.IsEmpty && headers.ExpectedLastSubjectSequence is null ? JetStreamErrors.JSStreamExpectedLastSeqPerSubjectInvalid : null;

    /// <summary>The time to live.</summary>
    /// <param name="headers">The message's headers.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="seconds">0: none; <see cref="PublishHeaders.NeverExpires"/>.</param>
    public static ApiError? CheckTtl(in PublishHeaders headers, StreamConfiguration stream, out long seconds)
    {
        var isValid = PublishHeaders.TryParseTtl(headers.Ttl, out seconds);
        if (isValid && seconds == 0) return null;
        if (!stream.AllowMessageTtl) return JetStreamErrors.JSMessageTTLDisabledErr;
        return isValid ? null : JetStreamErrors.JSMessageTTLInvalidErr;
    }

    /// <summary>Which messages the message takes the place of.</summary>
    /// <param name="headers">The message's headers.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="rollup">Which.</param>
    /// <param name="isSourced">It comes from another stream, which has allowed it.</param>
    public static ApiError? CheckRollup(in PublishHeaders headers, StreamConfiguration stream, out Rollup rollup, bool isSourced = false)
    {
        rollup = RollupOf(headers.Rollup);
        if (headers.Rollup.IsEmpty) return null;
        if (!isSourced && (!stream.AllowRollup || stream.DenyPurge)) return JetStreamErrors.JSStreamRollupFailedF.With("rollup not permitted");
        return rollup == Rollup.None
            ? JetStreamErrors.JSStreamRollupFailedF.With($"rollup value invalid: \"{Encoding.UTF8.GetString(headers.Rollup).ToLowerInvariant()}\"")
            : null;
    }

    /// <summary>The headers that make a message part of an atomic batch.</summary>
    /// <param name="headers">The message's headers, with a batch id.</param>
    /// <param name="stream">The stream.</param>
    public static ApiError? CheckAtomicBatch(in PublishHeaders headers, StreamConfiguration stream)
    {
        if (!stream.AllowAtomicPublish) return JetStreamErrors.JSAtomicPublishDisabledErr;
        if (headers.BatchId.Length > MaxBatchIdLength) return JetStreamErrors.JSAtomicPublishInvalidBatchIDErr;
        return headers.BatchSequenceNumber is null ? JetStreamErrors.JSAtomicPublishMissingSeqErr : null;
    }

    /// <summary>How a message ends its batch; one that ends it in an unknown way ends it for good, too.</summary>
    public static ApiError? CheckBatchCommit(in PublishHeaders headers, out BatchCommit commit)
    {
        commit = headers.BatchCommit.SequenceEqual("1"u8) ? BatchCommit.WithThis : headers.BatchCommit.SequenceEqual("eob"u8) ? BatchCommit.BeforeThis : BatchCommit.None;
        return headers.HasBatchCommit && commit == BatchCommit.None ? JetStreamErrors.JSAtomicPublishInvalidBatchCommitErr : null;
    }

    /// <summary>The schedule of a message.</summary>
    /// <param name="headers">The message's headers.</param>
    /// <param name="subject">Its subject.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="next">When it is due; null: it has no schedule. It then replaces an earlier one of its subject.</param>
    public static ApiError? CheckSchedule(in PublishHeaders headers, ReadOnlySpan<byte> subject, StreamConfiguration stream, long now, out ScheduledTime? next)
    {
        var error = MessageSchedule.Next(headers, now, now, out next);
        if (error is null && next is null) return null;
        if (!stream.AllowMessageSchedules) return JetStreamErrors.JSMessageSchedulesDisabledErr;
        if (error is not null) return error;
        if (!PublishHeaders.TryParseTtl(headers.ScheduleTtl, out _)) return JetStreamErrors.JSMessageSchedulesTTLInvalidErr;
        if (!headers.ScheduleRollup.IsEmpty && !headers.ScheduleRollup.SequenceEqual("sub"u8)) return JetStreamErrors.JSMessageSchedulesRollupInvalidErr;
        if (!headers.ScheduleTtl.IsEmpty && !stream.AllowMessageTtl) return JetStreamErrors.JSMessageTTLDisabledErr;
        var target = headers.ScheduleTarget;
        if (!CanPublish(target) || target.SequenceEqual(subject)) return JetStreamErrors.JSMessageSchedulesTargetInvalidErr;
        var source = headers.ScheduleSource;
        if (!source.IsEmpty && (source.SequenceEqual(target) || source.SequenceEqual(subject) || !CanPublish(source))) return JetStreamErrors.JSMessageSchedulesSourceInvalidErr;
        if (!Captures(stream, target)) return JetStreamErrors.JSMessageSchedulesTargetInvalidErr;
        if (!source.IsEmpty && !Captures(stream, source)) return JetStreamErrors.JSMessageSchedulesSourceInvalidErr;
        return headers.Rollup.IsEmpty || RollupOf(headers.Rollup) == Rollup.Subject ? null : JetStreamErrors.JSMessageSchedulesRollupInvalidErr;
    }

    /// <summary>
    /// Headers that the server sets on what a schedule publishes. Publishers may only use them to take a schedule away;
    /// whether there is one, the stream knows.
    /// </summary>
    /// <param name="headers">The message's headers.</param>
    /// <param name="subject">Its subject.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="purges">Whether the schedule on <see cref="PublishHeaders.Scheduler"/> is to go.</param>
    public static ApiError? CheckScheduler(in PublishHeaders headers, ReadOnlySpan<byte> subject, StreamConfiguration stream, out bool purges)
    {
        purges = false;
        if (headers.ScheduleNext.IsEmpty) return headers.Scheduler.IsEmpty ? null : JetStreamErrors.JSMessageSchedulesSchedulerInvalidErr;
        if (!headers.ScheduleNext.SequenceEqual("purge"u8) || !CanPublish(headers.Scheduler) || headers.Scheduler.SequenceEqual(subject))
        {
            return JetStreamErrors.JSMessageSchedulesSchedulerInvalidErr;
        }
        if (!stream.AllowMessageSchedules) return JetStreamErrors.JSMessageSchedulesDisabledErr;
        purges = true;
        return null;
    }

    /// <summary>Which messages a value of the header names; any case.</summary>
    internal static Rollup RollupOf(ReadOnlySpan<byte> value)
    {
        if (Ascii.EqualsIgnoreCase(value, "sub"u8)) return Rollup.Subject;
        return Ascii.EqualsIgnoreCase(value, "all"u8) ? Rollup.All : Rollup.None;
    }

    /// <summary>Sequence of the last message of a subject, which may hold wildcards; 0: there is none.</summary>
    /// <param name="store">Where.</param>
    /// <param name="subject">Literal or not.</param>
    /// <param name="buffer">To read into.</param>
    public static ulong LastSequence(IMessageStore store, ReadOnlySpan<byte> subject, MessageBuffer buffer)
    {
        var end = store.State.LastSequence;
        var isThere = SubjectRules.HasWildcard(subject)
            ? store.TryLoadPrevious(SubjectFilter.Of([subject.ToArray()]), end, buffer)
            : store.TryLoadLast(subject, end, buffer);
        return isThere ? buffer.Sequence : 0;
    }

    private static bool CanPublish(ReadOnlySpan<byte> subject) => SubjectRules.IsValid(subject) && !SubjectRules.HasWildcard(subject);

    private static bool Captures(StreamConfiguration stream, ReadOnlySpan<byte> subject)
    {
        foreach (var captured in stream.Subjects.AsSpan())
        {
            if (SubjectRules.Collide(Encoding.UTF8.GetBytes(captured), subject)) return true;
        }
        return false;
    }
}

/// <summary>Which messages a message takes the place of.</summary>
public enum Rollup
{
    None,

    /// <summary>Those of its subject.</summary>
    Subject,

    /// <summary>All.</summary>
    All,
}

/// <summary>How a message ends its batch.</summary>
public enum BatchCommit
{
    None,

    /// <summary>It is the last of it.</summary>
    WithThis,

    /// <summary>It is not part of it.</summary>
    BeforeThis,
}
