using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Api.Advisories;

/// <summary>Something about a consumer.</summary>
public abstract record ConsumerAdvisory : JetStreamAdvisory
{
    private protected ConsumerAdvisory(string kind, string family = "advisory")
        : base(kind, family)
    {
    }

    [JsonPropertyName("stream"), JsonPropertyOrder(2)] public string Stream { get; init; } = "";

    [JsonPropertyName("consumer"), JsonPropertyOrder(3)] public string Consumer { get; init; } = "";

    /// <summary>Of a consumer.</summary>
    public ConsumerAdvisory About(string stream, string consumer) => this with { Stream = stream, Consumer = consumer };
}

/// <summary>A consumer was made or deleted: <c>$JS.EVENT.ADVISORY.CONSUMER.{CREATED,DELETED}.stream.consumer</c>.</summary>
public sealed record ConsumerActionAdvisory() : ConsumerAdvisory("consumer_action")
{
    /// <summary>One of <see cref="AdvisoryAction"/>.</summary>
    [JsonPropertyName("action"), JsonPropertyOrder(5)] public required string Action { get; init; }
}

/// <summary>A consumer was paused or goes on: <c>$JS.EVENT.ADVISORY.CONSUMER.PAUSE.stream.consumer</c>.</summary>
public sealed record ConsumerPauseAdvisory() : ConsumerAdvisory("consumer_pause")
{
    [JsonPropertyName("paused"), JsonPropertyOrder(5)] public required bool Paused { get; init; }

    /// <summary>The zero time: it never was, or the pause was taken back.</summary>
    [JsonPropertyName("pause_until"), JsonPropertyOrder(6)] public required ApiTime PauseUntil { get; init; }
}

/// <summary>A priority group has another pinned client: <c>$JS.EVENT.ADVISORY.CONSUMER.PINNED.stream.consumer</c>.</summary>
public sealed record ConsumerGroupPinnedAdvisory() : ConsumerAdvisory("consumer_group_pinned")
{
    [JsonPropertyName("account"), JsonPropertyOrder(1)] public string? Account { get; init; }

    [JsonPropertyName("group"), JsonPropertyOrder(101)] public required string Group { get; init; }

    [JsonPropertyName("pinned_id"), JsonPropertyOrder(102)] public required string PinnedId { get; init; }
}

/// <summary>A priority group has no pinned client any more: <c>$JS.EVENT.ADVISORY.CONSUMER.UNPINNED.stream.consumer</c>.</summary>
public sealed record ConsumerGroupUnpinnedAdvisory() : ConsumerAdvisory("consumer_group_unpinned")
{
    [JsonPropertyName("account"), JsonPropertyOrder(1)] public string? Account { get; init; }

    [JsonPropertyName("group"), JsonPropertyOrder(101)] public required string Group { get; init; }

    /// <summary>One of <see cref="UnpinReason"/>.</summary>
    [JsonPropertyName("reason"), JsonPropertyOrder(102)] public required string Reason { get; init; }
}

/// <summary>Why a client is pinned no more.</summary>
public static class UnpinReason
{
    /// <summary>It was asked for.</summary>
    public const string Admin = "admin";

    /// <summary>The client asked for nothing for too long.</summary>
    public const string Timeout = "timeout";
}

/// <summary>A message was delivered as often as it may be: <c>$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.stream.consumer</c>.</summary>
public sealed record MaxDeliverAdvisory() : ConsumerAdvisory("max_deliver")
{
    [JsonPropertyName("stream_seq"), JsonPropertyOrder(5)] public required ulong StreamSequence { get; init; }

    [JsonPropertyName("deliveries"), JsonPropertyOrder(6)] public required ulong Deliveries { get; init; }
}

/// <summary>A message came back: <c>$JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.stream.consumer</c>.</summary>
public sealed record MessageNakedAdvisory() : ConsumerAdvisory("nak")
{
    [JsonPropertyName("consumer_seq"), JsonPropertyOrder(5)] public required ulong ConsumerSequence { get; init; }

    [JsonPropertyName("stream_seq"), JsonPropertyOrder(6)] public required ulong StreamSequence { get; init; }

    [JsonPropertyName("deliveries"), JsonPropertyOrder(7)] public required ulong Deliveries { get; init; }
}

/// <summary>A message is not to be delivered again: <c>$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.stream.consumer</c>.</summary>
public sealed record MessageTerminatedAdvisory() : ConsumerAdvisory("terminated")
{
    [JsonPropertyName("consumer_seq"), JsonPropertyOrder(5)] public required ulong ConsumerSequence { get; init; }

    [JsonPropertyName("stream_seq"), JsonPropertyOrder(6)] public required ulong StreamSequence { get; init; }

    [JsonPropertyName("deliveries"), JsonPropertyOrder(7)] public required ulong Deliveries { get; init; }

    /// <summary>What the client said; null: nothing.</summary>
    [JsonPropertyName("reason"), JsonPropertyOrder(8)] public string? Reason { get; init; }
}

/// <summary>How long a message took to be acknowledged: <c>$JS.EVENT.METRIC.CONSUMER.ACK.stream.consumer</c>.</summary>
public sealed record ConsumerAckMetric() : ConsumerAdvisory("consumer_ack", "metric")
{
    [JsonPropertyName("consumer_seq"), JsonPropertyOrder(5)] public required ulong ConsumerSequence { get; init; }

    [JsonPropertyName("stream_seq"), JsonPropertyOrder(6)] public required ulong StreamSequence { get; init; }

    /// <summary>Nanoseconds since the last delivery.</summary>
    [JsonPropertyName("ack_time"), JsonPropertyOrder(7)] public required long Delay { get; init; }

    [JsonPropertyName("deliveries"), JsonPropertyOrder(8)] public required ulong Deliveries { get; init; }
}

/// <summary>A consumer has another leader: <c>$JS.EVENT.ADVISORY.CONSUMER.LEADER_ELECTED.stream.consumer</c>.</summary>
public sealed record ConsumerLeaderElectedAdvisory() : ConsumerAdvisory("consumer_leader_elected")
{
    [JsonPropertyName("account"), JsonPropertyOrder(1)] public string? Account { get; init; }

    [JsonPropertyName("leader"), JsonPropertyOrder(6)] public required string Leader { get; init; }

    [JsonPropertyName("replicas"), JsonPropertyOrder(7)] public ValueList<PeerInfo> Replicas { get; init; }
}

/// <summary>Too few of a consumer's servers are there: <c>$JS.EVENT.ADVISORY.CONSUMER.QUORUM_LOST.stream.consumer</c>.</summary>
public sealed record ConsumerQuorumLostAdvisory() : ConsumerAdvisory("consumer_quorum_lost")
{
    [JsonPropertyName("account"), JsonPropertyOrder(1)] public string? Account { get; init; }

    [JsonPropertyName("replicas"), JsonPropertyOrder(6)] public ValueList<PeerInfo> Replicas { get; init; }
}
