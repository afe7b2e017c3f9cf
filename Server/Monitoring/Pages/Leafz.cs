using System.Text.Json.Serialization;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What /leafz is to show; keys are those of a request to the system account.</summary>
public sealed record LeafzOptions
{
    [JsonPropertyName("subscriptions")] public bool Subscriptions { get; init; }
    [JsonPropertyName("account")] public string? Account { get; init; }
}

/// <summary>/leafz of a server without leaf nodes. Keys are upstream's.</summary>
public sealed record Leafz
{
    [JsonPropertyName("server_id")] public required string ServerId { get; init; }
    [JsonPropertyName("now")] public required DateTimeOffset Now { get; init; }
    [JsonPropertyName("leafnodes")] public int Count { get; init; }
    [JsonPropertyName("leafs")] public IReadOnlyList<LeafDetail> Leafs { get; init; } = [];

    /// <summary>The leaf nodes of this moment.</summary>
    public static Leafz Collect(MonitoringSource source) => new() { ServerId = source.ServerId, Now = MonitoringSource.Now };
}

/// <summary>One leaf node connection.</summary>
public sealed record LeafDetail
{
    [JsonPropertyName("id")] public required ulong Id { get; init; }
    [JsonPropertyName("name")] public required string Name { get; init; }
    [JsonPropertyName("account")] public required string Account { get; init; }
}
