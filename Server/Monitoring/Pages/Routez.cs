using System.Text.Json.Serialization;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Clustering.Routes;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What /routez is to show; keys are those of a request to the system account.</summary>
public sealed record RoutezOptions
{
    /// <summary>Subjects the peers want too.</summary>
    [JsonPropertyName("subscriptions")] public bool Subscriptions { get; init; }

    /// <summary>All about them, in place of <see cref="Subscriptions"/>.</summary>
    [JsonPropertyName("subscriptions_detail")] public bool SubscriptionsDetail { get; init; }
}

/// <summary>/routez: connections to the other servers of the cluster. Keys are upstream's.</summary>
public sealed record Routez
{
    [JsonPropertyName("server_id")] public required string ServerId { get; init; }
    [JsonPropertyName("server_name")] public required string ServerName { get; init; }
    [JsonPropertyName("now")] public required DateTimeOffset Now { get; init; }
    [JsonPropertyName("import")] public SubjectLists? Import { get; init; }
    [JsonPropertyName("export")] public SubjectLists? Export { get; init; }
    [JsonPropertyName("num_routes")] public required int Count { get; init; }
    [JsonPropertyName("routes")] public required IReadOnlyList<RouteDetail> Routes { get; init; }

    /// <summary>The routes of this moment.</summary>
    public static Routez Collect(MonitoringSource source, RoutezOptions? options = null)
    {
        var now = MonitoringSource.Now;
        var permissions = source.Options.Cluster.Permissions;
        var routes = source.Routes?.Snapshot() ?? [];
        return new Routez
        {
            ServerId = source.ServerId,
            ServerName = source.ServerName,
            Now = now,
            Import = ToLists(permissions?.Import),
            Export = ToLists(permissions?.Export),
            Count = routes.Count,
            Routes = [.. routes.OrderBy(route => route.Id).Select(route => RouteDetail.Of(route, options ?? new RoutezOptions(), now))],
        };
    }

    private static SubjectLists? ToLists(SubjectPermissionOptions? permission) =>
        permission is null ? null : new SubjectLists { Allow = permission.Allow, Deny = permission.Deny };
}

/// <summary>One connection of /routez.</summary>
public sealed record RouteDetail
{
    [JsonPropertyName("rid")] public required ulong Id { get; init; }
    [JsonPropertyName("remote_id")] public required string RemoteId { get; init; }
    [JsonPropertyName("remote_name")] public required string RemoteName { get; init; }
    [JsonPropertyName("did_solicit")] public required bool DidSolicit { get; init; }
    [JsonPropertyName("is_configured")] public required bool IsConfigured { get; init; }
    [JsonPropertyName("ip")] public required string Ip { get; init; }
    [JsonPropertyName("port")] public required int Port { get; init; }
    [JsonPropertyName("start")] public required DateTimeOffset Start { get; init; }
    [JsonPropertyName("last_activity")] public required DateTimeOffset LastActivity { get; init; }
    [JsonPropertyName("rtt")] public required string RoundTrip { get; init; }
    [JsonPropertyName("uptime")] public required string Uptime { get; init; }
    [JsonPropertyName("idle")] public required string Idle { get; init; }
    [JsonPropertyName("import")] public SubjectLists? Import { get; init; }
    [JsonPropertyName("export")] public SubjectLists? Export { get; init; }
    [JsonPropertyName("pending_size")] public required long PendingBytes { get; init; }
    [JsonPropertyName("in_msgs")] public required long InMessages { get; init; }
    [JsonPropertyName("out_msgs")] public required long OutMessages { get; init; }
    [JsonPropertyName("in_bytes")] public required long InBytes { get; init; }
    [JsonPropertyName("out_bytes")] public required long OutBytes { get; init; }
    [JsonPropertyName("subscriptions")] public required int SubscriptionCount { get; init; }
    [JsonPropertyName("subscriptions_list")] public IReadOnlyList<string>? Subscriptions { get; init; }
    [JsonPropertyName("subscriptions_list_detail")] public IReadOnlyList<SubscriptionDetail>? SubscriptionDetails { get; init; }
    [JsonPropertyName("account")] public string? Account { get; init; }
    [JsonPropertyName("compression")] public required string Compression { get; init; }

    internal static RouteDetail Of(RouteConnection route, RoutezOptions options, DateTimeOffset now)
    {
        var interest = options.Subscriptions || options.SubscriptionsDetail ? route.SnapshotSubscriptions() : [];
        return new RouteDetail
        {
            Id = route.Id,
            RemoteId = route.RemoteId ?? "",
            RemoteName = route.RemoteName ?? "",
            DidSolicit = route.IsSolicited || route.IsConfigured,
            IsConfigured = route.IsConfigured,
            Ip = route.RemoteEndPoint.Address.ToString(),
            Port = route.RemoteEndPoint.Port,
            Start = route.StartedAt,
            LastActivity = route.LastActivity,
            RoundTrip = MonitoringText.RoundTrip(route.RoundTrip),
            Uptime = MonitoringText.Uptime(now - route.StartedAt),
            Idle = MonitoringText.Uptime(now - route.LastActivity),
            Import = route.RemoteImport,
            Export = route.RemoteExport,
            PendingBytes = route.PendingBytes,
            InMessages = route.InMessages,
            OutMessages = route.OutMessages,
            InBytes = route.InBytes,
            OutBytes = route.OutBytes,
            SubscriptionCount = route.RemoteSubscriptionCount,
            Subscriptions = options.SubscriptionsDetail || interest.Count == 0 ? null : [.. interest.Select(one => one.Subject)],
            SubscriptionDetails = options.SubscriptionsDetail && interest.Count > 0 ? [.. interest.Select(one => Detail(one, route.Id))] : null,
            Account = route.PinnedAccount,
            Compression = route.Compression,
        };
    }

    private static SubscriptionDetail Detail(RemoteSubscription interest, ulong route) => new()
    {
        Subject = interest.Subject,
        Queue = interest.Queue,
        Sid = interest.Key,
        Messages = interest.Messages,
        ConnectionId = route,
    };
}
