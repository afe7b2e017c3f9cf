using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;

namespace NatsAspire.Server.JetStream.Consumers.Configuration;

/// <summary>What a consumer is where nothing is said, and what is corrected. Pedantic: what would have to be corrected is refused.</summary>
public static class ConsumerDefaults
{
    /// <summary>Nanoseconds.</summary>
    public const long AckWait = 30 * GoDuration.Second;

    /// <summary>Nanoseconds, of consumers that are not durable. Less than a second of jitter is for the host to add.</summary>
    public const long InactiveThreshold = 5 * GoDuration.Second;

    /// <summary>Nanoseconds; the one interval with the flow control policy.</summary>
    public const long FlowControlHeartbeat = GoDuration.Second;

    /// <summary>Nanoseconds.</summary>
    public const long PinnedTtl = 120 * GoDuration.Second;

    /// <summary>Messages.</summary>
    public const long MaxAckPending = 1000;

    /// <summary>Pull requests.</summary>
    public const long MaxWaiting = 512;

    /// <summary>Puts in what is not said.</summary>
    /// <param name="requested">As it was asked for.</param>
    /// <param name="stream">Its stream.</param>
    /// <param name="server">The server's limits.</param>
    /// <param name="account">The account's limits.</param>
    /// <param name="pedantic">Refuse what would be corrected.</param>
    /// <param name="consumer">With defaults; only to be used when there is no error.</param>
    /// <returns>What is wrong, or null.</returns>
    public static ApiError? Apply(
        ConsumerConfiguration requested, StreamConfiguration stream, ConsumerServerLimits server, AccountLimits account, bool pedantic, out ConsumerConfiguration consumer)
    {
        consumer = requested;
        if (pedantic && FirstCorrection(requested, stream, server) is { } error) return JetStreamErrors.JSPedanticErrF.With(error);
        consumer = WithoutNegatives(requested);
        consumer = consumer with
        {
            MaxWaiting = consumer is { IsPush: false, MaxWaiting: 0 } ? MaxWaiting : consumer.MaxWaiting,
            AckWait = AckWaitOf(consumer),
            MaxAckPending = consumer.MaxAckPending == 0 ? stream.ConsumerLimits.MaxAckPending : consumer.MaxAckPending,
            InactiveThreshold = consumer.InactiveThreshold == 0 ? stream.ConsumerLimits.InactiveThreshold : consumer.InactiveThreshold,
            MaxRequestBatch = consumer is { IsPush: false, MaxRequestBatch: 0 } ? Math.Max(0, server.MaxRequestBatch) : consumer.MaxRequestBatch,
            PinnedTtl = consumer is { PriorityPolicy: PriorityPolicy.PinnedClient, PinnedTtl: 0 } ? PinnedTtl : consumer.PinnedTtl,
        };
        if (consumer.MaxAckPending == 0 && consumer.AckPolicy != AckPolicy.None)
        {
            consumer = consumer with { MaxAckPending = Lower(Lower(MaxAckPending, server.MaxAckPending), account.MaxAckPending) };
        }
        if (consumer.AckPolicy == AckPolicy.FlowControl && !pedantic) consumer = consumer with { FlowControl = true, Heartbeat = FlowControlHeartbeat };
        return null;
    }

    private static long AckWaitOf(ConsumerConfiguration consumer)
    {
        // What is waited before the first redelivery is the first step of the back-off.
        if (!consumer.Backoff.IsEmpty) return consumer.Backoff[0];
        return consumer is { AckWait: 0, AckPolicy: AckPolicy.Explicit or AckPolicy.All } ? AckWait : consumer.AckWait;
    }

    private static long Lower(long value, long limit) => limit > 0 ? Math.Min(value, limit) : value;

    private static ConsumerConfiguration WithoutNegatives(ConsumerConfiguration consumer) => consumer with
    {
        MaxDeliver = consumer.MaxDeliver is 0 or < -1 ? -1 : consumer.MaxDeliver,
        MaxWaiting = Math.Max(0, consumer.MaxWaiting),
        MaxAckPending = Math.Max(-1, consumer.MaxAckPending),
        MaxRequestBatch = Math.Max(0, consumer.MaxRequestBatch),
        MaxRequestExpires = Math.Max(0, consumer.MaxRequestExpires),
        MaxRequestBytes = Math.Max(0, consumer.MaxRequestBytes),
        Heartbeat = Math.Max(0, consumer.Heartbeat),
        InactiveThreshold = Math.Max(0, consumer.InactiveThreshold),
        PinnedTtl = Math.Max(0, consumer.PinnedTtl),
    };

    /// <summary>The first thing that would be corrected, in upstream's order; null: nothing.</summary>
    private static string? FirstCorrection(ConsumerConfiguration consumer, StreamConfiguration stream, ConsumerServerLimits server)
    {
        if (consumer.MaxDeliver < -1) return "max_deliver must be set to -1";
        if (consumer.MaxWaiting < 0) return "max_waiting must not be negative";
        if (consumer.MaxAckPending < -1) return "max_ack_pending must be set to -1";
        if (consumer.MaxRequestBatch < 0) return "max_batch must not be negative";
        if (consumer.MaxRequestExpires < 0) return "max_expires must not be negative";
        if (consumer.MaxRequestBytes < 0) return "max_bytes must not be negative";
        if (consumer.Heartbeat < 0) return "idle_heartbeat must not be negative";
        if (consumer.InactiveThreshold < 0) return "inactive_threshold must not be negative";
        if (consumer.PinnedTtl < 0) return "priority_timeout must not be negative";
        return FirstReplacement(consumer, stream, server);
    }

    private static string? FirstReplacement(ConsumerConfiguration consumer, StreamConfiguration stream, ConsumerServerLimits server)
    {
        if (!consumer.Backoff.IsEmpty && consumer.Backoff[0] != AckWaitOf(consumer with { Backoff = [] })) return "first backoff value has to equal batch AckWait";
        if (consumer.MaxAckPending == 0 && stream.ConsumerLimits.MaxAckPending > 0) return "max_ack_pending must be set if it's configured in stream limits";
        if (consumer.InactiveThreshold == 0 && stream.ConsumerLimits.InactiveThreshold > 0) return "inactive_threshold must be set if it's configured in stream limits";
        return consumer is { IsPush: false, MaxRequestBatch: 0 } && server.MaxRequestBatch > 0
            ? "max_request_batch must be set if it's JetStream limits are set"
            : null;
    }
}
