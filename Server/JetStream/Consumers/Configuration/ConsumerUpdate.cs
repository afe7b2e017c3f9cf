using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Consumers.Configuration;

/// <summary>What may change of a consumer. Rules, their order and texts are upstream's.</summary>
public static class ConsumerUpdate
{
    /// <summary>Checks a change.</summary>
    /// <param name="before">What the consumer is.</param>
    /// <param name="after">What it is to be, with defaults.</param>
    /// <param name="hasInterest">Whether somebody in the account listens on a subject.</param>
    /// <returns>What is wrong, or null.</returns>
    public static ApiError? Check(ConsumerConfiguration before, ConsumerConfiguration after, Func<string, bool> hasInterest)
    {
        if (before == after) return null;
        if (FirstFixed(before, after) is { } what) return Refuse($"{what} can not be updated");
        if (CheckDeliverSubject(before, after, hasInterest) is { } error) return error;
        return before.MaxWaiting != after.MaxWaiting ? Refuse("max waiting can not be updated") : ConsumerValidation.CheckBackoff(after);
    }

    /// <summary>Checks what a change of a stream would do to its consumers: new limits that some do not keep are refused.</summary>
    /// <param name="before">What the stream is.</param>
    /// <param name="after">What it is to be.</param>
    /// <param name="consumers">Its consumers.</param>
    /// <returns>What is wrong, or null.</returns>
    public static ApiError? CheckStreamUpdate(StreamConfiguration before, StreamConfiguration after, IConsumerCatalog consumers)
    {
        if (!StreamUpdate.ChangesConsumerLimits(before, after)) return null;
        var limits = after.ConsumerLimits;
        var violated = consumers.Consumers.Where(Violates).Select(consumer => consumer.Key).ToArray();
        return violated.Length == 0 ? null : StreamUpdate.ViolatedConsumerLimits(violated);

        bool Violates(KeyValuePair<string, ConsumerConfiguration> consumer) =>
            (limits.InactiveThreshold > 0 && consumer.Value.InactiveThreshold > limits.InactiveThreshold)
            || (limits.MaxAckPending > 0 && consumer.Value.MaxAckPending > limits.MaxAckPending);
    }

    /// <summary>The first thing that is fixed for good and would change; null: nothing.</summary>
    private static string? FirstFixed(ConsumerConfiguration before, ConsumerConfiguration after)
    {
        if (before.DeliverPolicy != after.DeliverPolicy) return "deliver policy";
        if (before.MemoryStorage != after.MemoryStorage) return "storage type";
        if (before.StartSequence != after.StartSequence) return "start sequence";
        if (Nullable.Compare(before.StartTime, after.StartTime) != 0) return "start time";
        if (before.AckPolicy != after.AckPolicy) return "ack policy";
        if (before.ReplayPolicy != after.ReplayPolicy) return "replay policy";
        if (before.Heartbeat != after.Heartbeat) return "heart beats";
        return before.FlowControl != after.FlowControl ? "flow control" : null;
    }

    private static ApiError? CheckDeliverSubject(ConsumerConfiguration before, ConsumerConfiguration after, Func<string, bool> hasInterest)
    {
        if (before.DeliverSubject == after.DeliverSubject) return null;
        if (before.DeliverSubject is not { } subject) return Refuse("can not update pull consumer to push based");
        if (!after.IsPush) return Refuse("can not update push consumer to pull based");
        // Somebody would be cut off.
        return hasInterest(subject) ? JetStreamErrors.JSConsumerNameExistErr : null;
    }

    private static ApiError Refuse(string text) => JetStreamErrors.JSConsumerCreateErrF.With(text);
}
