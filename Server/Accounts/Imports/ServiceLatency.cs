using System.Text.Json.Serialization;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Accounts.Imports;

/// <summary>How long a service took for a request (io.nats.server.metric.v1.service_latency). Durations in nanoseconds.</summary>
public sealed record ServiceLatency
{
    [JsonPropertyName("type")] public string Type { get; init; } = "io.nats.server.metric.v1.service_latency";
    [JsonPropertyName("id")] public required string Id { get; init; }
    [JsonPropertyName("timestamp")] public required DateTimeOffset Time { get; init; }
    [JsonPropertyName("status")] public required int Status { get; init; }
    [JsonPropertyName("description")] public string? Error { get; init; }
    [JsonPropertyName("requestor")] public ClientInfo? Requestor { get; init; }
    [JsonPropertyName("responder")] public ClientInfo? Responder { get; init; }
    [JsonPropertyName("header")] public IReadOnlyDictionary<string, string[]>? Headers { get; init; }
    [JsonPropertyName("start")] public required DateTimeOffset Start { get; init; }
    [JsonPropertyName("service")] public long Service { get; init; }
    [JsonPropertyName("system")] public long System { get; init; }
    [JsonPropertyName("total")] public long Total { get; init; }

    /// <summary>This measurement, taken where the request came in, with what the responder's server measured.</summary>
    public ServiceLatency MergedWith(ServiceLatency remote) => this with
    {
        Responder = remote.Responder,
        Service = remote.Service,
        System = Math.Max(0, Service - (remote.Service + (remote.Responder?.RoundTrip ?? 0))),
    };
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(ServiceLatency))]
[JsonSerializable(typeof(RemoteLatency))]
internal sealed partial class LatencyJson : JsonSerializerContext;
