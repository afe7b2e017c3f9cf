using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Api.Responses;

/// <summary>What a consumer is, and how far it is.</summary>
public record ConsumerInfo
{
    [JsonPropertyName("stream_name"), JsonPropertyOrder(5)] public required string Stream { get; init; }

    [JsonPropertyName("name"), JsonPropertyOrder(6)] public required string Name { get; init; }

    [JsonPropertyName("created"), JsonPropertyOrder(7)] public required ApiTime Created { get; init; }

    /// <summary>Null: it is not known, as of consumers that do not run.</summary>
    [JsonPropertyName("config"), JsonPropertyOrder(8)] public ConsumerConfiguration? Configuration { get; init; }

    /// <summary>The last delivery.</summary>
    [JsonPropertyName("delivered"), JsonPropertyOrder(9)] public SequenceInfo Delivered { get; init; } = new();

    /// <summary>Before which all is acknowledged.</summary>
    [JsonPropertyName("ack_floor"), JsonPropertyOrder(10)] public SequenceInfo AckFloor { get; init; } = new();

    /// <summary>Messages that wait for an acknowledgement.</summary>
    [JsonPropertyName("num_ack_pending"), JsonPropertyOrder(11)] public long AckPending { get; init; }

    /// <summary>Messages that were delivered more than once and are not done.</summary>
    [JsonPropertyName("num_redelivered"), JsonPropertyOrder(12)] public long Redelivered { get; init; }

    /// <summary>Pull requests.</summary>
    [JsonPropertyName("num_waiting"), JsonPropertyOrder(13)] public long Waiting { get; init; }

    /// <summary>Messages still to be delivered for the first time.</summary>
    [JsonPropertyName("num_pending"), JsonPropertyOrder(14)] public ulong Pending { get; init; }

    [JsonPropertyName("cluster"), JsonPropertyOrder(15)] public ClusterInfo? Cluster { get; init; }

    /// <summary>Somebody listens where it pushes to.</summary>
    [JsonPropertyName("push_bound"), JsonPropertyOrder(16), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool PushBound { get; init; }

    [JsonPropertyName("paused"), JsonPropertyOrder(17), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool Paused { get; init; }

    /// <summary>Nanoseconds.</summary>
    [JsonPropertyName("pause_remaining"), JsonPropertyOrder(18), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long PauseRemaining { get; init; }

    /// <summary>When this was found out.</summary>
    [JsonPropertyName("ts"), JsonPropertyOrder(19)] public required ApiTime Time { get; init; }

    [JsonPropertyName("priority_groups"), JsonPropertyOrder(20), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<PriorityGroupState> PriorityGroups { get; init; }
}

/// <summary>A place in a consumer and its stream.</summary>
public sealed record SequenceInfo
{
    /// <summary>Of a delivery.</summary>
    [JsonPropertyName("consumer_seq"), JsonPropertyOrder(1)] public ulong Consumer { get; init; }

    /// <summary>Of a message.</summary>
    [JsonPropertyName("stream_seq"), JsonPropertyOrder(2)] public ulong Stream { get; init; }

    /// <summary>When something happened there last; null: nothing did since the server began.</summary>
    [JsonPropertyName("last_active"), JsonPropertyOrder(3)] public ApiTime? LastActive { get; init; }
}

/// <summary>How it is about a priority group.</summary>
public sealed record PriorityGroupState
{
    [JsonPropertyName("group"), JsonPropertyOrder(1)] public required string Group { get; init; }

    /// <summary>Of the client that is pinned; null: none is.</summary>
    [JsonPropertyName("pinned_client_id"), JsonPropertyOrder(2)] public string? PinnedClientId { get; init; }

    /// <summary>Since when; the zero time: no client is pinned.</summary>
    [JsonPropertyName("pinned_ts"), JsonPropertyOrder(3)] public ApiTime PinnedTime { get; init; }
}
