using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Api.Advisories;

/// <summary>Requests were dropped because too many waited: <c>$JS.EVENT.ADVISORY.API.LIMIT_REACHED</c>.</summary>
public sealed record ApiLimitReachedAdvisory() : JetStreamAdvisory("api_limit_reached")
{
    [JsonPropertyName("server"), JsonPropertyOrder(1)] public required string Server { get; init; }

    /// <summary>Requests.</summary>
    [JsonPropertyName("dropped"), JsonPropertyOrder(101)] public required long Dropped { get; init; }
}

/// <summary>A disk is full: <c>$JS.EVENT.ADVISORY.SERVER.OUT_OF_STORAGE</c>.</summary>
public sealed record ServerOutOfSpaceAdvisory() : JetStreamAdvisory("server_out_of_space")
{
    [JsonPropertyName("server"), JsonPropertyOrder(1)] public required string Server { get; init; }

    [JsonPropertyName("server_id"), JsonPropertyOrder(2)] public required string ServerId { get; init; }

    /// <summary>The stream that could not be written.</summary>
    [JsonPropertyName("stream"), JsonPropertyOrder(3)] public string? Stream { get; init; }

    /// <summary>Empty: the server is alone.</summary>
    [JsonPropertyName("cluster"), JsonPropertyOrder(4)] public required string Cluster { get; init; }
}

/// <summary>A server was taken out of the cluster's JetStream: <c>$JS.EVENT.ADVISORY.SERVER.REMOVED</c>.</summary>
public sealed record ServerRemovedAdvisory() : JetStreamAdvisory("server_removed")
{
    [JsonPropertyName("server"), JsonPropertyOrder(1)] public required string Server { get; init; }

    [JsonPropertyName("server_id"), JsonPropertyOrder(2)] public required string ServerId { get; init; }

    [JsonPropertyName("cluster"), JsonPropertyOrder(3)] public required string Cluster { get; init; }
}

/// <summary>The domain has another leader: <c>$JS.EVENT.ADVISORY.DOMAIN.LEADER_ELECTED</c>.</summary>
public sealed record DomainLeaderElectedAdvisory() : JetStreamAdvisory("domain_leader_elected")
{
    [JsonPropertyName("leader"), JsonPropertyOrder(1)] public required string Leader { get; init; }

    [JsonPropertyName("replicas"), JsonPropertyOrder(2)] public ValueList<PeerInfo> Replicas { get; init; }

    [JsonPropertyName("cluster"), JsonPropertyOrder(3)] public required string Cluster { get; init; }
}

/// <summary>A stream has another leader: <c>$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED.stream</c>.</summary>
public sealed record StreamLeaderElectedAdvisory() : JetStreamAdvisory("stream_leader_elected")
{
    [JsonPropertyName("account"), JsonPropertyOrder(1)] public string? Account { get; init; }

    [JsonPropertyName("stream"), JsonPropertyOrder(2)] public required string Stream { get; init; }

    [JsonPropertyName("leader"), JsonPropertyOrder(3)] public required string Leader { get; init; }

    [JsonPropertyName("replicas"), JsonPropertyOrder(4)] public ValueList<PeerInfo> Replicas { get; init; }
}

/// <summary>Too few of a stream's servers are there: <c>$JS.EVENT.ADVISORY.STREAM.QUORUM_LOST.stream</c>.</summary>
public sealed record StreamQuorumLostAdvisory() : JetStreamAdvisory("stream_quorum_lost")
{
    [JsonPropertyName("account"), JsonPropertyOrder(1)] public string? Account { get; init; }

    [JsonPropertyName("stream"), JsonPropertyOrder(2)] public required string Stream { get; init; }

    [JsonPropertyName("replicas"), JsonPropertyOrder(3)] public ValueList<PeerInfo> Replicas { get; init; }
}
