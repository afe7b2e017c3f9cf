using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Api.Responses;

/// <summary>A stream as clients see it. Names and order are upstream's.</summary>
public record StreamInfo
{
    /// <summary>With the answering server's version and level (<see cref="StreamConfiguration.AsAnswered"/>), but not in lists.</summary>
    [JsonPropertyName("config"), JsonPropertyOrder(10)] public required StreamConfiguration Configuration { get; init; }

    [JsonPropertyName("created"), JsonPropertyOrder(11)] public required ApiTime Created { get; init; }

    [JsonPropertyName("state"), JsonPropertyOrder(12)] public required StreamState State { get; init; }

    [JsonPropertyName("domain"), JsonPropertyOrder(13)] public string? Domain { get; init; }

    [JsonPropertyName("cluster"), JsonPropertyOrder(14)] public ClusterInfo? Cluster { get; init; }

    [JsonPropertyName("mirror"), JsonPropertyOrder(15)] public StreamSourceInfo? Mirror { get; init; }

    [JsonPropertyName("sources"), JsonPropertyOrder(16), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<StreamSourceInfo> Sources { get; init; }

    [JsonPropertyName("alternates"), JsonPropertyOrder(17), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<StreamAlternate> Alternates { get; init; }

    /// <summary>When all this was so.</summary>
    [JsonPropertyName("ts"), JsonPropertyOrder(18)] public required ApiTime Time { get; init; }
}

/// <summary>How far a mirror or source has come.</summary>
public sealed record StreamSourceInfo
{
    [JsonPropertyName("name"), JsonPropertyOrder(1)] public required string Name { get; init; }

    [JsonPropertyName("external"), JsonPropertyOrder(2)] public ExternalStream? External { get; init; }

    /// <summary>Messages still to be copied.</summary>
    [JsonPropertyName("lag"), JsonPropertyOrder(3)] public ulong Lag { get; init; }

    /// <summary>Nanoseconds since anything came; -1: nothing ever did.</summary>
    [JsonPropertyName("active"), JsonPropertyOrder(4)] public long Active { get; init; }

    [JsonPropertyName("error"), JsonPropertyOrder(5)] public ApiError? Error { get; init; }

    [JsonPropertyName("filter_subject"), JsonPropertyOrder(6)] public string? FilterSubject { get; init; }

    [JsonPropertyName("subject_transforms"), JsonPropertyOrder(7), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<SubjectTransformConfiguration> SubjectTransforms { get; init; }
}

/// <summary>A stream or mirror that has the same messages, the nearest first.</summary>
public sealed record StreamAlternate
{
    [JsonPropertyName("name"), JsonPropertyOrder(1)] public required string Name { get; init; }

    [JsonPropertyName("domain"), JsonPropertyOrder(2)] public string? Domain { get; init; }

    [JsonPropertyName("cluster"), JsonPropertyOrder(3)] public required string Cluster { get; init; }
}

/// <summary>The servers that an asset is on.</summary>
public sealed record ClusterInfo
{
    [JsonPropertyName("name"), JsonPropertyOrder(1)] public string? Name { get; init; }

    [JsonPropertyName("raft_group"), JsonPropertyOrder(2)] public string? RaftGroup { get; init; }

    [JsonPropertyName("leader"), JsonPropertyOrder(3)] public string? Leader { get; init; }

    [JsonPropertyName("leader_since"), JsonPropertyOrder(4)] public ApiTime? LeaderSince { get; init; }

    /// <summary>Replication traffic is the system account's.</summary>
    [JsonPropertyName("system_account"), JsonPropertyOrder(5), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool SystemAccount { get; init; }

    [JsonPropertyName("traffic_account"), JsonPropertyOrder(6)] public string? TrafficAccount { get; init; }

    [JsonPropertyName("replicas"), JsonPropertyOrder(7), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<PeerInfo> Replicas { get; init; }
}

/// <summary>A replica that does not lead.</summary>
public sealed record PeerInfo
{
    [JsonPropertyName("name"), JsonPropertyOrder(1)] public required string Name { get; init; }

    /// <summary>Seen lately and up to date.</summary>
    [JsonPropertyName("current"), JsonPropertyOrder(2)] public bool Current { get; init; }

    [JsonPropertyName("offline"), JsonPropertyOrder(3), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool Offline { get; init; }

    /// <summary>Nanoseconds since it was seen.</summary>
    [JsonPropertyName("active"), JsonPropertyOrder(4)] public long Active { get; init; }

    /// <summary>Operations it is behind.</summary>
    [JsonPropertyName("lag"), JsonPropertyOrder(5), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ulong Lag { get; init; }

    [JsonPropertyName("peer"), JsonPropertyOrder(6)] public required string Peer { get; init; }
}
