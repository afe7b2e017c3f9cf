using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>Fills <see cref="Varz"/>.</summary>
internal static class VarzCollector
{
    /// <summary>Switches of 2.14 and how they stand unless configured.</summary>
    private static readonly IReadOnlyDictionary<string, bool> KnownFlags =
        new Dictionary<string, bool> { ["js_ack_fc_v2"] = false, ["js_raft_delete_range"] = false };

    public static Varz Collect(MonitoringSource source)
    {
        var options = source.Options;
        var limits = options.Limits;
        var now = MonitoringSource.Now;
        var info = source.Clients.Info;
        var described = new Varz
        {
            ServerId = source.ServerId,
            ServerName = source.ServerName,
            Host = info.Host,
            Port = info.Port,
            AuthRequired = source.Clients.Authenticator.IsRequired,
            TlsRequired = info.TlsRequired,
            TlsVerify = info.TlsVerify,
            ConnectUrls = info.ConnectUrls,
            WebSocketConnectUrls = info.WebSocketConnectUrls,
            MaxConnections = limits.MaxConnections,
            MaxSubscriptions = Math.Max(0, limits.MaxSubscriptions),
            PingIntervalNanoseconds = (long)limits.PingInterval.TotalNanoseconds,
            PingMax = limits.MaxPingsOut,
            HttpHost = options.Monitoring.Host ?? options.Host,
            HttpPort = options.Monitoring.HttpPort == 0 ? 0 : source.MonitoringPort(),
            HttpBasePath = options.Monitoring.BasePath,
            HttpsPort = options.Monitoring.HttpsPort == 0 ? 0 : source.MonitoringPort(),
            AuthTimeout = options.Authorization.Timeout.TotalSeconds,
            MaxControlLine = limits.MaxControlLine,
            MaxPayload = limits.MaxPayload,
            MaxPending = limits.MaxPending,
            Cluster = ClusterVarz.Collect(source),
            Gateway = GatewayVarz.Collect(source),
            LeafNode = LeafNodeVarz.Collect(options.LeafNode, source.LeafNodes?.ListenPort ?? 0),
            Mqtt = MqttVarz.Collect(options.Mqtt),
            JetStream = JetStreamVarz.Of(source) ?? new JetStreamVarz(),
            WebSocket = WebSocketVarz.Collect(options.WebSocket, source.WebSocketPort()),
            TlsTimeout = TlsSeconds(options.Tls),
            WriteDeadlineNanoseconds = (long)limits.WriteDeadline.TotalNanoseconds,
            WriteTimeout = Name(options.WriteTimeout),
            Start = source.StartedAt,
            Now = now,
            Uptime = MonitoringText.Uptime(now - source.StartedAt),
            ConfigLoadTime = source.OptionsLoadedAt(),
            ConfigDigest = options.ConfigDigest ?? "",
            Tags = options.Tags.Count == 0 ? null : options.Tags,
            Metadata = options.Metadata.Count == 0 ? null : new SortedDictionary<string, string>(options.Metadata.ToDictionary(), StringComparer.Ordinal),
            FeatureFlags = Flags(options.FeatureFlags),
            SystemAccount = source.Accounts.System?.Name,
            Proxies = options.TrustedProxies is { } proxies ? new ProxiesVarz(proxies.Count == 0 ? null : [.. proxies.Select(key => new ProxyDetail(key))]) : null,
            TlsCertificateNotAfter = source.Clients.Settings.Tls?.NotAfter,
        };
        return AddFigures(described, source);
    }

    private static Varz AddFigures(Varz described, MonitoringSource source)
    {
        var clients = source.Clients.Traffic;
        var all = clients + (source.Routes?.Traffic ?? default) + (source.Gateways?.Traffic ?? default) + (source.LeafNodes?.Traffic ?? default);
        var routes = source.Routes?.Snapshot() ?? [];
        return described with
        {
            Memory = ProcessUsage.ResidentBytes,
            Cpu = source.Process.CpuPercent,
            Connections = source.Clients.Count,
            TotalConnections = source.Clients.Total,
            Routes = routes.Count,
            Remotes = routes.Select(route => route.RemoteId).Distinct().Count(),
            LeafNodes = source.LeafNodes?.Count ?? 0,
            InMessages = all.InMessages,
            InBytes = all.InBytes,
            InClientMessages = clients.InMessages,
            InClientBytes = clients.InBytes,
            OutMessages = all.OutMessages,
            OutBytes = all.OutBytes,
            OutClientMessages = clients.OutMessages,
            OutClientBytes = clients.OutBytes,
            SlowConsumers = source.Clients.SlowConsumers + (source.Routes?.SlowConsumers ?? 0) + (source.Gateways?.SlowConsumers ?? 0) + (source.LeafNodes?.SlowConsumers ?? 0),
            StaleConnections = source.Clients.StaleConnections + (source.Routes?.StaleConnections ?? 0) + (source.Gateways?.StaleConnections ?? 0) + (source.LeafNodes?.StaleConnections ?? 0),
            StalledClients = source.Clients.Stalls,
            Subscriptions = source.Accounts.All.Sum(account => (long)account.Subscriptions.Count),
            HttpRequests = source.Requests.ToTable(),
            SlowConsumerCounts = new KindCounts(source.Clients.SlowConsumers, source.Routes?.SlowConsumers ?? 0, source.Gateways?.SlowConsumers ?? 0, source.LeafNodes?.SlowConsumers ?? 0),
            StaleConnectionCounts = new KindCounts(source.Clients.StaleConnections, source.Routes?.StaleConnections ?? 0, source.Gateways?.StaleConnections ?? 0, source.LeafNodes?.StaleConnections ?? 0),
        };
    }

    /// <summary>Seconds of a handshake, the default without a block.</summary>
    public static double TlsSeconds(TlsOptions? tls) =>
        (tls is { } options && options.Timeout > TimeSpan.Zero ? options.Timeout : Defaults.TlsTimeout).TotalSeconds;

    /// <summary>The configuration's word; null for the default.</summary>
    public static string? Name(WriteTimeoutPolicy policy) =>
        policy == WriteTimeoutPolicy.Default ? null : policy.ToString().ToLowerInvariant();

    public static SortedDictionary<string, bool> Flags(IReadOnlyDictionary<string, bool> configured)
    {
        var flags = new SortedDictionary<string, bool>(KnownFlags.ToDictionary(), StringComparer.Ordinal);
        foreach (var (name, value) in configured) flags[name] = value;
        return flags;
    }
}
