using System.Globalization;
using System.Text;
using NatsAspire.Server.Configuration.Loading;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Consumers.Configuration;

/// <summary>How messages are delivered, which, and from where on.</summary>
public static partial class ConsumerValidation
{
    private static ApiError? CheckPush(ConsumerConfiguration consumer, StreamConfiguration stream)
    {
        var subject = Encoding.UTF8.GetBytes(consumer.DeliverSubject ?? "");
        if (SubjectRules.HasWildcard(subject)) return JetStreamErrors.JSConsumerDeliverToWildcardsErr;
        if (!SubjectRules.IsValid(subject)) return JetStreamErrors.JSConsumerInvalidDeliverSubject;
        if (stream.Subjects.Any(captured => SubjectRules.IsSubsetMatch(subject, Encoding.UTF8.GetBytes(captured)))) return JetStreamErrors.JSConsumerDeliverCycleErr;
        if (consumer.MaxWaiting != 0) return JetStreamErrors.JSConsumerPushMaxWaitingErr;
        if (consumer is { MaxAckPending: > 0, AckPolicy: AckPolicy.None }) return JetStreamErrors.JSConsumerMaxPendingAckPolicyRequiredErr;
        return consumer.Heartbeat is > 0 and < 100 * Millisecond ? JetStreamErrors.JSConsumerSmallHeartbeatErr : null;
    }

    private static ApiError? CheckPull(ConsumerConfiguration consumer, StreamConfiguration stream, ConsumerServerLimits server)
    {
        if (consumer.AckPolicy == AckPolicy.None && stream.Retention == RetentionPolicy.WorkQueue) return JetStreamErrors.JSConsumerPullRequiresAckErr;
        if (consumer.RateLimit > 0) return JetStreamErrors.JSConsumerPullWithRateLimitErr;
        if (consumer.Heartbeat > 0) return JetStreamErrors.JSConsumerHBRequiresPushErr;
        if (consumer.FlowControl) return JetStreamErrors.JSConsumerFCRequiresPushErr;
        if (consumer.MaxRequestExpires is not 0 and < Millisecond) return JetStreamErrors.JSConsumerMaxRequestExpiresTooSmall;
        return server.MaxRequestBatch > 0 && consumer.MaxRequestBatch > server.MaxRequestBatch
            ? JetStreamErrors.JSConsumerMaxRequestBatchExceededF.With((ulong)server.MaxRequestBatch)
            : null;
    }

    private static ApiError? CheckFilters(ConsumerConfiguration consumer)
    {
        if (consumer is { FilterSubject: not null, FilterSubjects.IsEmpty: false }) return JetStreamErrors.JSConsumerDuplicateFilterSubjects;
        if (consumer.FilterSubject is { } single && !StreamValidation.IsValidSubject(single)) return Invalid("invalid subject");
        if (consumer.FilterSubjects.Any(static filter => filter.Length == 0)) return JetStreamErrors.JSConsumerEmptyFilter;
        var cover = FilterCover.Of(consumer.FilterSubjects);
        foreach (var filter in consumer.FilterSubjects)
        {
            if (!StreamValidation.IsValidSubject(filter)) return Invalid("invalid subject");
            if (cover.TouchesAnother(filter)) return JetStreamErrors.JSConsumerOverlappingSubjectFilters;
        }
        return null;
    }

    private static ApiError? CheckStart(ConsumerConfiguration consumer)
    {
        var hasSequence = consumer.StartSequence > 0;
        var hasTime = consumer.StartTime is not null;
        return consumer.DeliverPolicy switch
        {
            DeliverPolicy.All => CheckNoStart("all"),
            DeliverPolicy.Last => CheckNoStart("last"),
            DeliverPolicy.LastPerSubject => CheckNoStart("last per subject") ?? (consumer.Filters.Any() ? null : NotSet("last per subject", "filter subject")),
            DeliverPolicy.New => CheckNoStart("new"),
            DeliverPolicy.ByStartSequence when !hasSequence => NotSet("by start sequence", "start sequence"),
            DeliverPolicy.ByStartSequence when hasTime => AlsoSet("by start sequence", "time"),
            DeliverPolicy.ByStartTime when !hasTime => NotSet("by start time", "start time"),
            // The word twice is upstream's.
            DeliverPolicy.ByStartTime when hasSequence => AlsoSet("by start time", "start sequence"),
            _ => null,
        };

        ApiError? CheckNoStart(string policy) => hasSequence ? AlsoSet(policy, "sequence") : hasTime ? AlsoSet(policy, "time") : null;
    }

    private static ApiError AlsoSet(string policy, string start) =>
        JetStreamErrors.JSConsumerInvalidPolicyErrF.With($"consumer delivery policy is deliver {policy}, but optional start {start} is also set");

    private static ApiError NotSet(string policy, string what) =>
        JetStreamErrors.JSConsumerInvalidPolicyErrF.With($"consumer delivery policy is deliver {policy}, but optional {what} is not set");

    private static ApiError? CheckSampling(ConsumerConfiguration consumer)
    {
        if (consumer.SampleFrequency is not { } text) return null;
        var number = text.EndsWith('%') ? text[..^1] : text;
        var isNumber = long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var percent);
        if (isNumber && percent >= 0) return null;
        var digits = number.AsSpan().TrimStart("+-");
        var isDigits = digits.Length > 0 && digits.Length >= number.Length - 1 && !digits.ContainsAnyExceptInRange('0', '9');
        var error = isNumber ? "<nil>" : $"strconv.Atoi: parsing {QuotedText.Quote(number)}: {(isDigits ? "value out of range" : "invalid syntax")}";
        return JetStreamErrors.JSConsumerInvalidSamplingErrF.With(error);
    }
}
