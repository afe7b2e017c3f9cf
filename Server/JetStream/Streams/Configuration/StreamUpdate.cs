using NatsAspire.Server.JetStream.Api;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>What may change of a stream. Rules, their order and texts are upstream's.</summary>
public static class StreamUpdate
{
    /// <summary>Checks a change.</summary>
    /// <param name="before">What the stream is.</param>
    /// <param name="requested">What it is to be.</param>
    /// <param name="environment">What stands around it.</param>
    /// <param name="pedantic">Refuse what would be corrected.</param>
    /// <param name="after">What it becomes; only to be used when there is no error.</param>
    /// <returns>What is wrong, or null.</returns>
    public static ApiError? Check(
        StreamConfiguration before, StreamConfiguration requested, StreamEnvironment environment, bool pedantic, out StreamConfiguration after)
    {
        var error = StreamValidation.Check(requested, environment, pedantic, out after)
            ?? CheckForGood(before, after) ?? CheckMirror(before, after) ?? CheckFeatures(before, after);
        if (error is not null) return error;
        // Also in pedantic mode: without these it would not be sealed.
        if (after.Sealed)
        {
            after = after with { MaxAge = 0, Discard = DiscardPolicy.New, DenyDelete = true, DenyPurge = true, AllowRollup = false };
        }
        return StreamReservations.CheckUpdate(before, after, environment);
    }

    /// <summary>Whether consumers must be looked at, because their stream's limits became others.</summary>
    public static bool ChangesConsumerLimits(StreamConfiguration before, StreamConfiguration after) =>
        (after.ConsumerLimits.InactiveThreshold > 0 && after.ConsumerLimits.InactiveThreshold != before.ConsumerLimits.InactiveThreshold)
        || (after.ConsumerLimits.MaxAckPending > 0 && after.ConsumerLimits.MaxAckPending != before.ConsumerLimits.MaxAckPending);

    /// <summary>The error of new limits that consumers do not keep.</summary>
    /// <param name="consumers">Their names.</param>
    public static ApiError ViolatedConsumerLimits(IEnumerable<string> consumers) =>
        JetStreamErrors.JSStreamUpdateErrF.With($"change to limits violates consumers: {string.Join(", ", consumers)}");

    private static ApiError? CheckForGood(StreamConfiguration before, StreamConfiguration after)
    {
        if (after.Name != before.Name) return Invalid("stream configuration name must match original");
        if (after.Storage != before.Storage) return CannotChange("storage type");
        if (after.Retention != before.Retention && (after.Retention == RetentionPolicy.WorkQueue || before.Retention == RetentionPolicy.WorkQueue))
        {
            return CannotChange("retention policy to/from workqueue");
        }
        if (before.Sealed && !after.Sealed) return Invalid("stream configuration update can not unseal a sealed stream");
        if (before.DenyDelete && !after.DenyDelete) return Invalid("stream configuration update can not cancel deny message deletes");
        return before.DenyPurge && !after.DenyPurge ? Invalid("stream configuration update can not cancel deny purge") : null;
    }

    /// <summary>A mirror may become an ordinary stream, and nothing else.</summary>
    private static ApiError? CheckMirror(StreamConfiguration before, StreamConfiguration after) =>
        after.Mirror is not null && after.Mirror != before.Mirror ? JetStreamErrors.JSStreamMirrorNotUpdatableErr : null;

    private static ApiError? CheckFeatures(StreamConfiguration before, StreamConfiguration after)
    {
        if (before.AllowMessageTtl && !after.AllowMessageTtl) return Invalid("message TTL status can not be disabled");
        if (after.AllowMessageCounter != before.AllowMessageCounter) return CannotChange("message counter setting");
        if (before.AllowMessageSchedules && !after.AllowMessageSchedules) return Invalid("message schedules can not be disabled");
        return after.PersistMode != before.PersistMode ? CannotChange("persist mode") : null;
    }

    private static ApiError CannotChange(string what) => Invalid($"stream configuration update can not change {what}");

    private static ApiError Invalid(string text) => JetStreamErrors.JSStreamInvalidConfigF.With(text);
}
