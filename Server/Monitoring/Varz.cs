using System.Diagnostics;
using System.Text.Json.Serialization;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Monitoring;

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
    [JsonPropertyName("max_connections")] public required int MaxConnections { get; init; }
    [JsonPropertyName("ping_interval")] public required long PingIntervalNanoseconds { get; init; }
    [JsonPropertyName("ping_max")] public required int PingMax { get; init; }
    [JsonPropertyName("http_host")] public required string HttpHost { get; init; }
    [JsonPropertyName("http_port")] public required int HttpPort { get; init; }
    [JsonPropertyName("auth_timeout")] public required double AuthTimeout { get; init; }
    [JsonPropertyName("max_control_line")] public required int MaxControlLine { get; init; }
    [JsonPropertyName("max_payload")] public required int MaxPayload { get; init; }
    [JsonPropertyName("max_pending")] public required long MaxPending { get; init; }
    [JsonPropertyName("cluster")] public required ClusterVarz Cluster { get; init; }
    [JsonPropertyName("write_deadline")] public required long WriteDeadlineNanoseconds { get; init; }
    [JsonPropertyName("start")] public required DateTimeOffset Start { get; init; }
    [JsonPropertyName("now")] public required DateTimeOffset Now { get; init; }
    [JsonPropertyName("uptime")] public required string Uptime { get; init; }
    [JsonPropertyName("mem")] public required long Memory { get; init; }
    [JsonPropertyName("cores")] public int Cores { get; init; } = Environment.ProcessorCount;
    [JsonPropertyName("connections")] public required int Connections { get; init; }
    [JsonPropertyName("total_connections")] public required long TotalConnections { get; init; }
    [JsonPropertyName("routes")] public required int Routes { get; init; }
    [JsonPropertyName("remotes")] public required int Remotes { get; init; }
    [JsonPropertyName("leafnodes")] public int LeafNodes { get; init; }
    [JsonPropertyName("in_msgs")] public required long InMessages { get; init; }
    [JsonPropertyName("out_msgs")] public required long OutMessages { get; init; }
    [JsonPropertyName("in_bytes")] public required long InBytes { get; init; }
    [JsonPropertyName("out_bytes")] public required long OutBytes { get; init; }
    [JsonPropertyName("slow_consumers")] public required long SlowConsumers { get; init; }
    [JsonPropertyName("subscriptions")] public required long Subscriptions { get; init; }
    [JsonPropertyName("system_account")] public string? SystemAccount { get; init; }

    /// <summary>The figures of this moment.</summary>
    public static Varz Collect(MonitoringSource source)
    {
        var options = source.Options;
        var now = TimeProvider.System.GetUtcNow();
        var traffic = source.Clients.Traffic;
        var routes = source.Routes?.Snapshot() ?? [];
        using var process = Process.GetCurrentProcess();
        return new Varz
        {
            ServerId = source.ServerId,
            ServerName = source.ServerName,
            Host = options.Host,
            Port = source.ClientPort(),
            AuthRequired = source.Clients.Authenticator.IsRequired,
            MaxConnections = options.Limits.MaxConnections,
            PingIntervalNanoseconds = (long)options.Limits.PingInterval.TotalNanoseconds,
            PingMax = options.Limits.MaxPingsOut,
            HttpHost = options.Monitoring.Host ?? options.Host,
            HttpPort = options.Monitoring.HttpPort,
            AuthTimeout = options.Authorization.Timeout.TotalSeconds,
            MaxControlLine = options.Limits.MaxControlLine,
            MaxPayload = options.Limits.MaxPayload,
            MaxPending = options.Limits.MaxPending,
            Cluster = ClusterVarz.Collect(source),
            WriteDeadlineNanoseconds = (long)options.Limits.WriteDeadline.TotalNanoseconds,
            Start = source.StartedAt,
            Now = now,
            Uptime = FormatUptime(now - source.StartedAt),
            Memory = process.WorkingSet64,
            Connections = source.Clients.Count,
            TotalConnections = source.Clients.Total,
            Routes = routes.Count,
            Remotes = routes.Select(route => route.RemoteId).Distinct().Count(),
            InMessages = traffic.InMessages + routes.Sum(route => route.InMessages),
            OutMessages = traffic.OutMessages + routes.Sum(route => route.OutMessages),
            InBytes = traffic.InBytes + routes.Sum(route => route.InBytes),
            OutBytes = traffic.OutBytes + routes.Sum(route => route.OutBytes),
            SlowConsumers = source.Clients.SlowConsumers,
            Subscriptions = source.Accounts.All.Sum(account => (long)account.Subscriptions.Count),
            SystemAccount = source.Accounts.System?.Name,
        };
    }

    /// <summary>1y2d3h4m5s, without the parts that are zero at the front.</summary>
    public static string FormatUptime(TimeSpan uptime)
    {
        var years = uptime.Days / 365;
        var days = uptime.Days % 365;
        return years > 0 ? $"{years}y{days}d{uptime.Hours}h{uptime.Minutes}m{uptime.Seconds}s"
            : days > 0 ? $"{days}d{uptime.Hours}h{uptime.Minutes}m{uptime.Seconds}s"
            : uptime.Hours > 0 ? $"{uptime.Hours}h{uptime.Minutes}m{uptime.Seconds}s"
            : uptime.Minutes > 0 ? $"{uptime.Minutes}m{uptime.Seconds}s"
            : $"{uptime.Seconds}s";
    }
}

/// <summary>The cluster part of /varz.</summary>
public sealed record ClusterVarz
{
    [JsonPropertyName("name")] public string? Name { get; init; }
    [JsonPropertyName("addr")] public string? Address { get; init; }
    [JsonPropertyName("cluster_port"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int Port { get; init; }
    [JsonPropertyName("auth_timeout"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public double AuthTimeout { get; init; }
    [JsonPropertyName("urls")] public IReadOnlyList<string>? Urls { get; init; }
    [JsonPropertyName("pool_size"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int PoolSize { get; init; }

    internal static ClusterVarz Collect(MonitoringSource source) => source.Routes is not { } routes
        ? new ClusterVarz()
        : new ClusterVarz
        {
            Name = routes.ClusterName,
            Address = source.Options.Cluster.Host,
            Port = source.ClusterPort(),
            AuthTimeout = source.Options.Cluster.AuthTimeout.TotalSeconds,
            Urls = [.. source.Options.Cluster.Routes.Select(url => $"{url.Host}:{url.Port}")],
            PoolSize = routes.PoolSize,
        };
}
