using System.Text.Json.Serialization;

namespace NatsAspire.Server.Protocol;

/// <summary>A client as events, services and latency metrics are told of it. Keys and order are upstream's.</summary>
public sealed record ClientInfo
{
    [JsonPropertyName("start")] public DateTimeOffset? Start { get; init; }
    [JsonPropertyName("host")] public string? Host { get; init; }
    [JsonPropertyName("id"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ulong Id { get; init; }
    [JsonPropertyName("acc")] public string? Account { get; init; }
    [JsonPropertyName("svc")] public string? Service { get; init; }
    [JsonPropertyName("user")] public string? User { get; init; }
    [JsonPropertyName("name")] public string? Name { get; init; }
    [JsonPropertyName("lang")] public string? Language { get; init; }
    [JsonPropertyName("ver")] public string? Version { get; init; }

    /// <summary>Nanoseconds.</summary>
    [JsonPropertyName("rtt"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long RoundTrip { get; init; }
    [JsonPropertyName("server")] public string? Server { get; init; }
    [JsonPropertyName("cluster")] public string? Cluster { get; init; }
    [JsonPropertyName("alts")] public IReadOnlyList<string>? Alternates { get; init; }
    [JsonPropertyName("stop")] public DateTimeOffset? Stop { get; init; }
    [JsonPropertyName("jwt")] public string? Jwt { get; init; }
    [JsonPropertyName("issuer_key")] public string? IssuerKey { get; init; }
    [JsonPropertyName("name_tag")] public string? NameTag { get; init; }
    [JsonPropertyName("tags")] public IReadOnlyList<string>? Tags { get; init; }
    [JsonPropertyName("kind")] public string? Kind { get; init; }
    [JsonPropertyName("client_type")] public string? ClientType { get; init; }
    [JsonPropertyName("client_id")] public string? MqttClient { get; init; }
    [JsonPropertyName("nonce")] public string? Nonce { get; init; }
    [JsonPropertyName("reply")] public string? Reply { get; init; }
}
