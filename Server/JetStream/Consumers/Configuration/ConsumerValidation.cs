using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;

namespace NatsAspire.Server.JetStream.Consumers.Configuration;

/// <summary>
/// Whether a consumer with defaults set can be, in itself and on its stream. Rules, their order and texts are upstream's.
/// </summary>
public static partial class ConsumerValidation
{
    private const long Millisecond = 1_000_000;

    /// <summary>Checks a configuration.</summary>
    /// <param name="consumer">With defaults.</param>
    /// <param name="stream">Its stream.</param>
    /// <param name="server">The server's limits.</param>
    /// <param name="account">The account's limits.</param>
    /// <returns>What is wrong, or null.</returns>
    public static ApiError? Check(ConsumerConfiguration consumer, StreamConfiguration stream, ConsumerServerLimits server, AccountLimits account) =>
        CheckNames(consumer) ?? CheckReplicas(consumer, stream) ?? CheckTimes(consumer) ?? CheckFlowControlPolicy(consumer) ?? CheckBackoff(consumer)
        ?? CheckDescription(consumer) ?? (consumer.IsPush ? CheckPush(consumer, stream) : CheckPull(consumer, stream, server))
        ?? CheckLimits(consumer, stream, server, account) ?? CheckDirect(consumer) ?? CheckFilters(consumer) ?? CheckStart(consumer)
        ?? CheckSampling(consumer) ?? CheckFlowControl(consumer) ?? CheckMetadata(consumer) ?? CheckPriority(consumer);

    private static ApiError? CheckNames(ConsumerConfiguration consumer)
    {
        if (consumer.Name is not null && !StreamValidation.IsValidName(consumer.Name)) return Invalid("consumer name can not contain '.', '*', '>', '\\', '/'");
        return consumer.Durable is not null && !StreamValidation.IsValidName(consumer.Durable)
            ? Invalid("consumer durable name can not contain '.', '*', '>', '\\', '/'")
            : null;
    }

    private static ApiError? CheckReplicas(ConsumerConfiguration consumer, StreamConfiguration stream)
    {
        if (consumer.Replicas > 0 && consumer.Replicas > stream.Replicas) return JetStreamErrors.JSConsumerReplicasExceedsStream;
        if (consumer.Replicas < 0) return JetStreamErrors.JSReplicasCountCannotBeNegative;
        // What is acknowledged goes from the stream: both must be there as surely.
        return stream.Retention != RetentionPolicy.Limits && consumer.Replicas != 0 && consumer.Replicas != stream.Replicas
            ? JetStreamErrors.JSConsumerReplicasShouldMatchStream
            : null;
    }

    private static ApiError? CheckTimes(ConsumerConfiguration consumer)
    {
        if (consumer.Backoff.Any(static step => step < 0)) return JetStreamErrors.JSConsumerBackOffNegativeErr;
        return consumer.AckWait < 0 ? JetStreamErrors.JSConsumerAckWaitNegativeErr : null;
    }

    private static ApiError? CheckFlowControlPolicy(ConsumerConfiguration consumer)
    {
        if (consumer.AckPolicy != AckPolicy.FlowControl) return null;
        if (!consumer.IsPush) return JetStreamErrors.JSConsumerAckFCRequiresPushErr;
        if (!consumer.FlowControl) return JetStreamErrors.JSConsumerAckFCRequiresFCErr;
        if (consumer.Heartbeat != ConsumerDefaults.FlowControlHeartbeat) return Invalid("flow control ack policy heartbeat needs to be 1s");
        if (consumer.MaxAckPending <= 0) return JetStreamErrors.JSConsumerAckFCRequiresMaxAckPendingErr;
        if (consumer.AckWait != 0 || !consumer.Backoff.IsEmpty) return JetStreamErrors.JSConsumerAckFCRequiresNoAckWaitErr;
        return consumer.MaxDeliver > 0 ? JetStreamErrors.JSConsumerAckFCRequiresNoMaxDeliverErr : null;
    }

    /// <summary>Whether there are as many deliveries as steps of the back-off.</summary>
    internal static ApiError? CheckBackoff(ConsumerConfiguration consumer) =>
        !consumer.Backoff.IsEmpty && consumer.MaxDeliver != -1 && consumer.Backoff.Count > consumer.MaxDeliver ? JetStreamErrors.JSConsumerMaxDeliverBackoffErr : null;

    private static ApiError? CheckDescription(ConsumerConfiguration consumer) =>
        consumer.Description is { } text && Encoding.UTF8.GetByteCount(text) > StreamValidation.MaxDescriptionLength
            ? JetStreamErrors.JSConsumerDescriptionTooLongErrF.With(StreamValidation.MaxDescriptionLength)
            : null;

    private static ApiError? CheckLimits(ConsumerConfiguration consumer, StreamConfiguration stream, ConsumerServerLimits server, AccountLimits account)
    {
        ReadOnlySpan<long> limits = [server.MaxAckPending, account.MaxAckPending, stream.ConsumerLimits.MaxAckPending];
        foreach (var limit in limits)
        {
            if (limit > 0 && consumer.MaxAckPending > limit) return JetStreamErrors.JSConsumerMaxPendingAckExcessErrF.With((ulong)limit);
        }
        var threshold = stream.ConsumerLimits.InactiveThreshold;
        return threshold > 0 && consumer.InactiveThreshold > threshold
            ? JetStreamErrors.JSConsumerInactiveThresholdExcess.With(GoDuration.Of(threshold))
            : null;
    }

    private static ApiError? CheckDirect(ConsumerConfiguration consumer)
    {
        if (!consumer.Direct) return null;
        if (!consumer.IsPush) return JetStreamErrors.JSConsumerDirectRequiresPushErr;
        return consumer.IsDurable ? JetStreamErrors.JSConsumerDirectRequiresEphemeralErr : null;
    }

    private static ApiError? CheckFlowControl(ConsumerConfiguration consumer)
    {
        if (consumer is { FlowControl: true, Heartbeat: 0 }) return JetStreamErrors.JSConsumerWithFlowControlNeedsHeartbeats;
        return consumer is { Durable: not null, Name: not null } && consumer.Name != consumer.Durable
            ? JetStreamErrors.JSConsumerCreateDurableAndNameMismatch
            : null;
    }

    private static ApiError? CheckMetadata(ConsumerConfiguration consumer)
    {
        var length = consumer.Metadata.Sum(entry => (long)Encoding.UTF8.GetByteCount(entry.Key) + Encoding.UTF8.GetByteCount(entry.Value));
        return length > StreamValidation.MaxMetadataLength ? JetStreamErrors.JSConsumerMetadataLengthErrF.With($"{StreamValidation.MaxMetadataLength / 1024}KB") : null;
    }

    private static ApiError? CheckPriority(ConsumerConfiguration consumer)
    {
        if (consumer.PriorityPolicy == PriorityPolicy.None)
        {
            if (!consumer.PriorityGroups.IsEmpty) return JetStreamErrors.JSConsumerPriorityGroupWithPolicyNone;
            return consumer.PinnedTtl > 0 ? JetStreamErrors.JSConsumerPinnedTTLWithoutPriorityPolicyNone : null;
        }
        if (consumer.IsPush) return JetStreamErrors.JSConsumerPushWithPriorityGroupErr;
        if (consumer.PriorityGroups.IsEmpty) return JetStreamErrors.JSConsumerPriorityPolicyWithoutGroup;
        foreach (var group in consumer.PriorityGroups)
        {
            if (group.Length == 0) return JetStreamErrors.JSConsumerEmptyGroupName;
            if (!PriorityGroupName.IsValid(group)) return JetStreamErrors.JSConsumerInvalidGroupNameErr;
        }
        return null;
    }

    private static ApiError Invalid(string text) => JetStreamErrors.JSStreamInvalidConfigF.With(text);
}
