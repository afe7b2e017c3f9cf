using System.Text.Json.Serialization;
using NatsAspire.Server.Clustering.LeafNodes;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What /leafz is to show; keys are those of a request to the system account.</summary>
public sealed record LeafzOptions
{
    /// <summary>Subjects the other ends want too.</summary>
    [JsonPropertyName("subscriptions")] public bool Subscriptions { get; init; }

    /// <summary>Only those of an account; null or empty: of all.</summary>
    [JsonPropertyName("account")] public string? Account { get; init; }
}

/// <summary>/leafz: leaf node connections, at either end. Keys are upstream's.</summary>
public sealed record Leafz
{
    [JsonPropertyName("server_id")] public required string ServerId { get; init; }
    [JsonPropertyName("now")] public required DateTimeOffset Now { get; init; }
    [JsonPropertyName("leafnodes")] public int Count { get; init; }
    [JsonPropertyName("leafs")] public IReadOnlyList<LeafDetail> Leafs { get; init; } = [];

    /// <summary>The leaf nodes of this moment.</summary>
    public static Leafz Collect(MonitoringSource source, LeafzOptions? options = null)
    {
        var leafs = (source.LeafNodes?.Snapshot() ?? [])
            .Where(leaf => string.IsNullOrEmpty(options?.Account) || leaf.Account?.Name == options.Account)
            .OrderBy(leaf => leaf.Id)
            .Select(leaf => LeafDetail.Of(leaf, options?.Subscriptions == true))
            .ToList();
        return new Leafz { ServerId = source.ServerId, Now = MonitoringSource.Now, Count = leafs.Count, Leafs = leafs };
    }
}

/// <summary>One leaf node connection.</summary>
public sealed record LeafDetail
{
    [JsonPropertyName("id")] public required ulong Id { get; init; }
    [JsonPropertyName("name")] public required string Name { get; init; }
    [JsonPropertyName("is_spoke")] public required bool IsSpoke { get; init; }
    [JsonPropertyName("is_isolated"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool IsIsolated { get; init; }
    [JsonPropertyName("account")] public required string Account { get; init; }
    [JsonPropertyName("ip")] public required string Ip { get; init; }
    [JsonPropertyName("port")] public required int Port { get; init; }
    [JsonPropertyName("rtt")] public required string RoundTrip { get; init; }
    [JsonPropertyName("in_msgs")] public required long InMessages { get; init; }
    [JsonPropertyName("out_msgs")] public required long OutMessages { get; init; }
    [JsonPropertyName("in_bytes")] public required long InBytes { get; init; }
    [JsonPropertyName("out_bytes")] public required long OutBytes { get; init; }
    [JsonPropertyName("subscriptions")] public required int SubscriptionCount { get; init; }
    [JsonPropertyName("subscriptions_list")] public IReadOnlyList<string>? Subscriptions { get; init; }
    [JsonPropertyName("compression")] public required string Compression { get; init; }

    internal static LeafDetail Of(LeafConnection leaf, bool listed) => new()
    {
        Id = leaf.Id,
        Name = leaf.RemoteName ?? "",
        IsSpoke = leaf.IsSpoke,
        IsIsolated = leaf.IsIsolated,
        Account = leaf.Account?.Name ?? "",
        Ip = leaf.RemoteEndPoint.Address.ToString(),
        Port = leaf.RemoteEndPoint.Port,
        RoundTrip = MonitoringText.RoundTrip(leaf.RoundTrip),
        InMessages = leaf.InMessages,
        OutMessages = leaf.OutMessages,
        InBytes = leaf.InBytes,
        OutBytes = leaf.OutBytes,
        SubscriptionCount = leaf.RemoteSubscriptionCount,
        Subscriptions = listed && leaf.RemoteSubscriptionCount > 0 ? [.. leaf.SnapshotSubscriptions().Select(one => one.Subject)] : null,
        Compression = leaf.Compression,
    };
}
