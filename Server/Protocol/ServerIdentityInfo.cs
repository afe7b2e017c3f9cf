using System.Text.Json.Serialization;

namespace NatsAspire.Server.Protocol;

/// <summary>The server in its events and answers. Keys are upstream's.</summary>
public sealed record ServerIdentityInfo
{
    /// <summary>
    /// Flag, beyond upstream's, which go up from the lowest bit: assigned no more, the server stays in its Raft groups until the
    /// others have what it has. Go servers leave at once.
    /// </summary>
    public const ulong StaysUntilRelieved = 1UL << 31;

    [JsonPropertyName("name")] public required string Name { get; init; }
    [JsonPropertyName("host")] public required string Host { get; init; }
    [JsonPropertyName("id")] public required string Id { get; init; }
    [JsonPropertyName("cluster")] public string? Cluster { get; init; }
    [JsonPropertyName("domain")] public string? Domain { get; init; }
    [JsonPropertyName("ver")] public required string Version { get; init; }
    [JsonPropertyName("tags")] public IReadOnlyList<string>? Tags { get; init; }
    [JsonPropertyName("metadata")] public IReadOnlyDictionary<string, string>? Metadata { get; init; }
    [JsonPropertyName("feature_flags")] public IReadOnlyDictionary<string, bool>? FeatureFlags { get; init; }
    [JsonPropertyName("jetstream")] public bool JetStream { get; init; }
    [JsonPropertyName("flags")] public ulong Flags { get; init; }

    /// <summary>Counts the messages of this server.</summary>
    [JsonPropertyName("seq")] public required ulong Sequence { get; init; }
    [JsonPropertyName("time")] public required DateTimeOffset Time { get; init; }
}
