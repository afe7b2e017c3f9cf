using System.Text;
using System.Text.Json.Serialization;
using NatsAspire.Server.Clustering.Gateways;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What /gatewayz is to show; keys are those of a request to the system account.</summary>
public sealed record GatewayzOptions
{
    /// <summary>Only gateways to this cluster.</summary>
    [JsonPropertyName("name")] public string? Name { get; init; }

    /// <summary>What is wanted, by account.</summary>
    [JsonPropertyName("accounts")] public bool Accounts { get; init; }

    /// <summary>Only of this account.</summary>
    [JsonPropertyName("account_name")] public string? AccountName { get; init; }

    /// <summary>With the subjects.</summary>
    [JsonPropertyName("subscriptions")] public bool Subscriptions { get; init; }

    /// <summary>All about them, in place of <see cref="Subscriptions"/>.</summary>
    [JsonPropertyName("subscriptions_detail")] public bool SubscriptionsDetail { get; init; }

    internal bool ShowsAccounts => Accounts || !string.IsNullOrEmpty(AccountName);
}

/// <summary>/gatewayz: connections to other clusters and from them. Keys are upstream's.</summary>
public sealed record Gatewayz
{
    [JsonPropertyName("server_id")] public required string ServerId { get; init; }
    [JsonPropertyName("now")] public required DateTimeOffset Now { get; init; }
    [JsonPropertyName("name")] public string? Name { get; init; }
    [JsonPropertyName("host")] public string? Host { get; init; }
    [JsonPropertyName("port"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int Port { get; init; }

    /// <summary>By cluster; null: the one that was asked for is not connected.</summary>
    [JsonPropertyName("outbound_gateways"), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public IReadOnlyDictionary<string, GatewayDetail>? Outbound { get; init; } = new Dictionary<string, GatewayDetail>();

    [JsonPropertyName("inbound_gateways")] public IReadOnlyDictionary<string, IReadOnlyList<GatewayDetail>> Inbound { get; init; } = new Dictionary<string, IReadOnlyList<GatewayDetail>>();

    /// <summary>The gateways of this moment.</summary>
    public static Gatewayz Collect(MonitoringSource source, GatewayzOptions? options = null)
    {
        var now = MonitoringSource.Now;
        if (source.Gateways is not { } gateways) return new Gatewayz { ServerId = source.ServerId, Now = now };
        var asked = options ?? new GatewayzOptions();
        var (outbound, inbound) = gateways.Snapshot();
        var shown = outbound.Where(gateway => IsAsked(gateway, asked)).ToDictionary(gateway => gateway.ClusterName!, gateway => GatewayDetail.Of(source, gateway, asked, now));
        var address = HostAndPort.TryParse(gateways.Url ?? "", out var told) ? told : new HostAndPort(source.Options.Gateway.Host, gateways.ListenPort);
        return new Gatewayz
        {
            ServerId = source.ServerId,
            Now = now,
            Name = gateways.Name,
            Host = address.Host,
            Port = address.Port,
            Outbound = shown.Count == 0 && !string.IsNullOrEmpty(asked.Name) ? null : shown,
            Inbound = inbound.Where(gateway => IsAsked(gateway, asked)).GroupBy(gateway => gateway.ClusterName!).ToDictionary(
                group => group.Key, group => (IReadOnlyList<GatewayDetail>)[.. group.Select(gateway => GatewayDetail.Of(source, gateway, asked, now))]),
        };
    }

    private static bool IsAsked(GatewayConnection gateway, GatewayzOptions options) =>
        string.IsNullOrEmpty(options.Name) || gateway.ClusterName == options.Name;
}

/// <summary>One gateway connection.</summary>
public sealed record GatewayDetail
{
    [JsonPropertyName("configured")] public bool IsConfigured { get; init; }
    [JsonPropertyName("connection")] public ConnectionDetail? Connection { get; init; }
    [JsonPropertyName("accounts")] public IReadOnlyList<GatewayAccount>? Accounts { get; init; }

    internal static GatewayDetail Of(MonitoringSource source, GatewayConnection gateway, GatewayzOptions options, DateTimeOffset now) => new()
    {
        IsConfigured = gateway.IsOutbound && gateway.IsConfigured,
        Connection = new ConnectionDetail
        {
            Id = gateway.Id,
            Kind = "Gateway",
            Type = null,
            Ip = gateway.RemoteEndPoint.Address.ToString(),
            Port = gateway.RemoteEndPoint.Port,
            Start = gateway.StartedAt,
            LastActivity = gateway.LastActivity,
            RoundTrip = MonitoringText.RoundTrip(gateway.RoundTrip),
            Uptime = MonitoringText.Uptime(now - gateway.StartedAt),
            Idle = MonitoringText.Uptime(now - gateway.LastActivity),
            PendingBytes = gateway.PendingBytes,
            InMessages = gateway.InMessages,
            OutMessages = gateway.OutMessages,
            InBytes = gateway.InBytes,
            OutBytes = gateway.OutBytes,
            SubscriptionCount = gateway.RemoteSubscriptionCount,
            Name = gateway.RemoteId,
            TlsVersion = gateway.Tls?.Version,
            TlsCipherSuite = gateway.Tls?.CipherSuite,
        },
        Accounts = options.ShowsAccounts ? GatewayAccount.Of(source, gateway, options) : null,
    };
}

/// <summary>What one account wants across a gateway.</summary>
public sealed record GatewayAccount
{
    private const string InterestOnly = "Interest-Only", Optimistic = "Optimistic";

    [JsonPropertyName("name")] public required string Name { get; init; }
    [JsonPropertyName("interest_mode")] public required string Mode { get; init; }

    /// <summary>Messages nobody wants after which an old server is told everything.</summary>
    [JsonPropertyName("interest_only_threshold")] public int Threshold { get; init; } = 1000;

    [JsonPropertyName("num_subs"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int Count { get; init; }
    [JsonPropertyName("num_queue_subs"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int QueueCount { get; init; }
    [JsonPropertyName("subscriptions_list")] public IReadOnlyList<string>? Subscriptions { get; init; }
    [JsonPropertyName("subscriptions_list_detail")] public IReadOnlyList<SubscriptionDetail>? SubscriptionDetails { get; init; }

    internal static IReadOnlyList<GatewayAccount>? Of(MonitoringSource source, GatewayConnection gateway, GatewayzOptions options)
    {
        List<GatewayAccount> all = gateway.IsOutbound
            ? [.. Told(source, gateway, options)]
            : [.. source.Accounts.All.Select(account => new GatewayAccount { Name = account.Name, Mode = InterestOnly })];
        if (string.IsNullOrEmpty(options.AccountName)) return all;
        all.RemoveAll(account => account.Name != options.AccountName);
        return all.Count == 0 ? null : all;
    }

    /// <summary>What the other cluster has told.</summary>
    private static IEnumerable<GatewayAccount> Told(MonitoringSource source, GatewayConnection gateway, GatewayzOptions options)
    {
        var interest = gateway.SnapshotInterest().ToLookup(one => one.Account.Name);
        foreach (var name in gateway.ToldAccounts.Union(interest.Select(group => group.Key)))
        {
            var wanted = interest[name].Select(one => one.Subscription).ToList();
            yield return new GatewayAccount
            {
                Name = name,
                Mode = source.Accounts.Find(name) is not { } account || gateway.TellsAll(account) ? InterestOnly : Optimistic,
                Count = wanted.Count,
                QueueCount = wanted.Count(one => one.Queue is not null),
                Subscriptions = options.Subscriptions ? [.. wanted.Select(one => Encoding.UTF8.GetString(one.Subject))] : null,
                SubscriptionDetails = options.SubscriptionsDetail && !options.Subscriptions ? [.. wanted.Select(one => Detail(one, gateway.Id))] : null,
            };
        }
    }

    private static SubscriptionDetail Detail(Subjects.Subscription subscription, ulong gateway) => new()
    {
        Subject = Encoding.UTF8.GetString(subscription.Subject),
        Queue = subscription.Queue is { } queue ? Encoding.UTF8.GetString(queue) : null,
        Sid = "",
        Messages = subscription.Delivered,
        ConnectionId = gateway,
    };
}
