using System.Text.Json.Serialization;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What /gatewayz is to show; keys are those of a request to the system account.</summary>
public sealed record GatewayzOptions
{
    /// <summary>Only gateways to this cluster.</summary>
    [JsonPropertyName("name")] public string? Name { get; init; }

    [JsonPropertyName("accounts")] public bool Accounts { get; init; }
    [JsonPropertyName("account_name")] public string? AccountName { get; init; }
    [JsonPropertyName("subscriptions")] public bool Subscriptions { get; init; }
    [JsonPropertyName("subscriptions_detail")] public bool SubscriptionsDetail { get; init; }
}

/// <summary>/gatewayz of a server without gateways. Keys are upstream's.</summary>
public sealed record Gatewayz
{
    [JsonPropertyName("server_id")] public required string ServerId { get; init; }
    [JsonPropertyName("now")] public required DateTimeOffset Now { get; init; }
    [JsonPropertyName("outbound_gateways")] public IReadOnlyDictionary<string, GatewayDetail> Outbound { get; init; } = new Dictionary<string, GatewayDetail>();
    [JsonPropertyName("inbound_gateways")] public IReadOnlyDictionary<string, IReadOnlyList<GatewayDetail>> Inbound { get; init; } = new Dictionary<string, IReadOnlyList<GatewayDetail>>();

    /// <summary>The gateways of this moment.</summary>
    public static Gatewayz Collect(MonitoringSource source) => new() { ServerId = source.ServerId, Now = MonitoringSource.Now };
}

/// <summary>One gateway connection.</summary>
public sealed record GatewayDetail
{
    [JsonPropertyName("configured")] public bool IsConfigured { get; init; }
    [JsonPropertyName("connection")] public ConnectionDetail? Connection { get; init; }
}
