using System.Text.Json.Serialization;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>/varz: the figures of the server. Keys are upstream's.</summary>
public sealed record Varz
{
    [JsonPropertyName("server_id")] public required string ServerId { get; init; }
    [JsonPropertyName("server_name")] public required string ServerName { get; init; }
    [JsonPropertyName("version")] public string Version { get; init; } = Defaults.Version;
    [JsonPropertyName("proto")] public int Protocol { get; init; } = 1;
    [JsonPropertyName("go")] public string GoVersion { get; init; } = $".NET {Environment.Version}";
    [JsonPropertyName("host")] public required string Host { get; init; }
    [JsonPropertyName("port")] public required int Port { get; init; }
    [JsonPropertyName("auth_required"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool AuthRequired { get; init; }
    [JsonPropertyName("tls_required"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool TlsRequired { get; init; }
    [JsonPropertyName("tls_verify"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool TlsVerify { get; init; }
    [JsonPropertyName("connect_urls")] public IReadOnlyList<string>? ConnectUrls { get; init; }
    [JsonPropertyName("ws_connect_urls")] public IReadOnlyList<string>? WebSocketConnectUrls { get; init; }
    [JsonPropertyName("max_connections")] public required int MaxConnections { get; init; }
    [JsonPropertyName("max_subscriptions"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int MaxSubscriptions { get; init; }
    [JsonPropertyName("ping_interval")] public required long PingIntervalNanoseconds { get; init; }
    [JsonPropertyName("ping_max")] public required int PingMax { get; init; }
    [JsonPropertyName("http_host")] public required string HttpHost { get; init; }
    [JsonPropertyName("http_port")] public required int HttpPort { get; init; }
    [JsonPropertyName("http_base_path")] public required string HttpBasePath { get; init; }
    [JsonPropertyName("https_port")] public required int HttpsPort { get; init; }

    /// <summary>In seconds.</summary>
    [JsonPropertyName("auth_timeout")] public required double AuthTimeout { get; init; }

    [JsonPropertyName("max_control_line")] public required int MaxControlLine { get; init; }
    [JsonPropertyName("max_payload")] public required int MaxPayload { get; init; }
    [JsonPropertyName("max_pending")] public required long MaxPending { get; init; }
    [JsonPropertyName("cluster")] public required ClusterVarz Cluster { get; init; }
    [JsonPropertyName("gateway")] public required GatewayVarz Gateway { get; init; }
    [JsonPropertyName("leaf")] public required LeafNodeVarz LeafNode { get; init; }
    [JsonPropertyName("mqtt")] public required MqttVarz Mqtt { get; init; }
    [JsonPropertyName("websocket")] public required WebSocketVarz WebSocket { get; init; }
    [JsonPropertyName("jetstream")] public JetStreamVarz JetStream { get; init; } = new();

    /// <summary>In seconds.</summary>
    [JsonPropertyName("tls_timeout")] public required double TlsTimeout { get; init; }

    [JsonPropertyName("write_deadline")] public required long WriteDeadlineNanoseconds { get; init; }
    [JsonPropertyName("write_timeout")] public string? WriteTimeout { get; init; }
    [JsonPropertyName("start")] public required DateTimeOffset Start { get; init; }
    [JsonPropertyName("now")] public required DateTimeOffset Now { get; init; }
    [JsonPropertyName("uptime")] public required string Uptime { get; init; }

    /// <summary>Resident bytes.</summary>
    [JsonPropertyName("mem")] public long Memory { get; init; }

    [JsonPropertyName("cores")] public int Cores { get; init; } = Environment.ProcessorCount;
    [JsonPropertyName("gomaxprocs")] public int MaxProcessors { get; init; } = Environment.ProcessorCount;

    /// <summary>Percent of one core.</summary>
    [JsonPropertyName("cpu")] public double Cpu { get; init; }

    [JsonPropertyName("connections")] public int Connections { get; init; }
    [JsonPropertyName("total_connections")] public long TotalConnections { get; init; }
    [JsonPropertyName("routes")] public int Routes { get; init; }
    [JsonPropertyName("remotes")] public int Remotes { get; init; }
    [JsonPropertyName("leafnodes")] public int LeafNodes { get; init; }
    [JsonPropertyName("in_msgs")] public long InMessages { get; init; }
    [JsonPropertyName("in_bytes")] public long InBytes { get; init; }
    [JsonPropertyName("in_client_msgs")] public long InClientMessages { get; init; }
    [JsonPropertyName("in_client_bytes")] public long InClientBytes { get; init; }
    [JsonPropertyName("out_msgs")] public long OutMessages { get; init; }
    [JsonPropertyName("out_bytes")] public long OutBytes { get; init; }
    [JsonPropertyName("out_client_msgs")] public long OutClientMessages { get; init; }
    [JsonPropertyName("out_client_bytes")] public long OutClientBytes { get; init; }
    [JsonPropertyName("slow_consumers")] public long SlowConsumers { get; init; }
    [JsonPropertyName("stale_connections")] public long StaleConnections { get; init; }
    [JsonPropertyName("stalled_clients")] public long StalledClients { get; init; }
    [JsonPropertyName("subscriptions")] public long Subscriptions { get; init; }
    [JsonPropertyName("http_req_stats")] public IReadOnlyDictionary<string, long> HttpRequests { get; init; } = new Dictionary<string, long>();
    [JsonPropertyName("config_load_time")] public required DateTimeOffset ConfigLoadTime { get; init; }
    [JsonPropertyName("config_digest")] public required string ConfigDigest { get; init; }
    [JsonPropertyName("tags")] public IReadOnlyList<string>? Tags { get; init; }
    [JsonPropertyName("metadata")] public IReadOnlyDictionary<string, string>? Metadata { get; init; }
    [JsonPropertyName("feature_flags")] public required IReadOnlyDictionary<string, bool> FeatureFlags { get; init; }
    [JsonPropertyName("system_account")] public string? SystemAccount { get; init; }
    [JsonPropertyName("slow_consumer_stats")] public KindCounts SlowConsumerCounts { get; init; } = new(0, 0, 0, 0);
    [JsonPropertyName("stale_connection_stats")] public KindCounts StaleConnectionCounts { get; init; } = new(0, 0, 0, 0);
    [JsonPropertyName("disk_io_wait_stats")] public DiskWaits DiskWaits { get; init; } = new(0, 0, 0, 0);
    [JsonPropertyName("proxies")] public ProxiesVarz? Proxies { get; init; }
    [JsonPropertyName("tls_cert_not_after")] public DateTimeOffset? TlsCertificateNotAfter { get; init; }

    /// <summary>The figures of this moment.</summary>
    public static Varz Collect(MonitoringSource source) => VarzCollector.Collect(source);
}

/// <summary>Connections by kind.</summary>
public sealed record KindCounts(
    [property: JsonPropertyName("clients")] long Clients,
    [property: JsonPropertyName("routes")] long Routes,
    [property: JsonPropertyName("gateways")] long Gateways,
    [property: JsonPropertyName("leafs")] long Leafs);

/// <summary>Waits for a turn at the disk; times in nanoseconds.</summary>
public sealed record DiskWaits(
    [property: JsonPropertyName("waiters")] long Waiters,
    [property: JsonPropertyName("waits")] long Waits,
    [property: JsonPropertyName("wait_time")] long WaitTime,
    [property: JsonPropertyName("max_wait_time")] long MaxWaitTime);

/// <summary>Proxies that vouch for clients.</summary>
public sealed record ProxiesVarz([property: JsonPropertyName("trusted")] IReadOnlyList<ProxyDetail>? Trusted);
