using System.Text.Json.Serialization;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>The cluster block of /varz; empty without a cluster.</summary>
public sealed record ClusterVarz
{
    [JsonPropertyName("name")] public string? Name { get; init; }
    [JsonPropertyName("addr")] public string? Address { get; init; }
    [JsonPropertyName("cluster_port"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int Port { get; init; }
    [JsonPropertyName("auth_timeout"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public double AuthTimeout { get; init; }
    [JsonPropertyName("urls")] public IReadOnlyList<string>? Urls { get; init; }
    [JsonPropertyName("tls_timeout"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public double TlsTimeout { get; init; }
    [JsonPropertyName("tls_required"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool TlsRequired { get; init; }
    [JsonPropertyName("tls_verify"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool TlsVerify { get; init; }
    [JsonPropertyName("pool_size"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int PoolSize { get; init; }
    [JsonPropertyName("write_deadline"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long WriteDeadlineNanoseconds { get; init; }
    [JsonPropertyName("write_timeout")] public string? WriteTimeout { get; init; }

    internal static ClusterVarz Collect(MonitoringSource source)
    {
        if (source.Routes is not { } routes) return new ClusterVarz();
        var options = source.Options.Cluster;
        return new ClusterVarz
        {
            Name = routes.ClusterName,
            Address = options.Host,
            Port = source.ClusterPort(),
            AuthTimeout = options.AuthTimeout.TotalSeconds,
            Urls = options.Routes.Count == 0 ? null : [.. options.Routes.Select(url => $"{url.Host}:{url.Port}")],
            TlsTimeout = VarzCollector.TlsSeconds(options.Tls),
            TlsRequired = options.Tls is not null,
            TlsVerify = options.Tls is not null,
            PoolSize = routes.PoolSize,
            WriteDeadlineNanoseconds = (long)(options.WriteDeadline ?? TimeSpan.Zero).TotalNanoseconds,
            WriteTimeout = VarzCollector.Name(options.WriteTimeout),
        };
    }
}

/// <summary>The gateway block of /varz; empty without gateways.</summary>
public sealed record GatewayVarz
{
    [JsonPropertyName("name")] public string? Name { get; init; }
    [JsonPropertyName("host")] public string? Host { get; init; }
    [JsonPropertyName("port"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int Port { get; init; }
    [JsonPropertyName("auth_timeout"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public double AuthTimeout { get; init; }
    [JsonPropertyName("tls_timeout"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public double TlsTimeout { get; init; }
    [JsonPropertyName("tls_required"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool TlsRequired { get; init; }
    [JsonPropertyName("tls_verify"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool TlsVerify { get; init; }
    [JsonPropertyName("advertise")] public string? Advertise { get; init; }
    [JsonPropertyName("connect_retries"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int ConnectRetries { get; init; }
    [JsonPropertyName("gateways")] public IReadOnlyList<RemoteGatewayVarz>? Gateways { get; init; }
    [JsonPropertyName("reject_unknown"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool RejectUnknown { get; init; }

    internal static GatewayVarz Collect(MonitoringSource source)
    {
        if (source.Gateways is not { } gateways) return new GatewayVarz();
        var options = source.Options.Gateway;
        var known = gateways.Remotes().ToDictionary(remote => remote.Name);
        return new GatewayVarz
        {
            Name = options.Name,
            Host = options.Host.Length == 0 ? Defaults.Host : options.Host,
            Port = gateways.ListenPort,
            AuthTimeout = (options.AuthTimeout > TimeSpan.Zero ? options.AuthTimeout : Defaults.AuthTimeout).TotalSeconds,
            TlsTimeout = VarzCollector.TlsSeconds(options.Tls),
            TlsRequired = options.Tls is not null,
            TlsVerify = options.Tls is not null,
            Advertise = options.Advertise,
            ConnectRetries = options.ConnectRetries,
            Gateways = options.Gateways.Count == 0 ? null : [.. options.Gateways.Select(gateway => new RemoteGatewayVarz(
                gateway.Name!,
                gateway.Tls is null ? 0 : VarzCollector.TlsSeconds(gateway.Tls),
                known.TryGetValue(gateway.Name!, out var remote) ? remote.Addresses : [.. gateway.Urls.Select(url => $"{url.Host}:{url.Port}")]))],
            RejectUnknown = options.RejectUnknown,
        };
    }
}

/// <summary>One configured cluster of the gateway block.</summary>
public sealed record RemoteGatewayVarz(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("tls_timeout"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] double TlsTimeout,
    [property: JsonPropertyName("urls")] IReadOnlyList<string> Urls);

/// <summary>The leaf block of /varz; empty without leaf nodes.</summary>
public sealed record LeafNodeVarz
{
    [JsonPropertyName("host")] public string? Host { get; init; }
    [JsonPropertyName("port"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int Port { get; init; }
    [JsonPropertyName("auth_timeout"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public double AuthTimeout { get; init; }
    [JsonPropertyName("tls_timeout"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public double TlsTimeout { get; init; }
    [JsonPropertyName("tls_required"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool TlsRequired { get; init; }
    [JsonPropertyName("tls_verify"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool TlsVerify { get; init; }

    [JsonPropertyName("remotes")] public IReadOnlyList<RemoteLeafVarz>? Remotes { get; init; }

    internal static LeafNodeVarz Collect(LeafNodeOptions options, int port) => options.Port == 0
        ? new LeafNodeVarz { Remotes = RemotesOf(options) }
        : new LeafNodeVarz
        {
            Remotes = RemotesOf(options),
            Host = options.Host.Length == 0 ? Defaults.Host : options.Host,
            Port = port == 0 ? options.Port : port,
            AuthTimeout = (options.AuthTimeout > TimeSpan.Zero ? options.AuthTimeout : Defaults.AuthTimeout).TotalSeconds,
            TlsTimeout = VarzCollector.TlsSeconds(options.Tls),
            TlsRequired = options.Tls is not null,
            TlsVerify = options.Tls is { Verify: true },
        };

    private static RemoteLeafVarz[]? RemotesOf(LeafNodeOptions options) =>
        options.Remotes.Count == 0 ? null : [.. options.Remotes.Select(remote => new RemoteLeafVarz
        {
            LocalAccount = remote.LocalAccount,
            TlsTimeout = remote.Tls is null ? 0 : VarzCollector.TlsSeconds(remote.Tls),
            Urls = [.. remote.Urls.Select(url => $"{url.Host}:{(url.Port > 0 ? url.Port : Defaults.LeafNodePort)}")],
            Deny = remote.DenyExports.Count + remote.DenyImports.Count == 0 ? null : new DenyVarz(NullIfNone(remote.DenyExports), NullIfNone(remote.DenyImports)),
        })];

    private static IReadOnlyList<string>? NullIfNone(IReadOnlyList<string> subjects) => subjects.Count == 0 ? null : subjects;
}

/// <summary>One remote of <see cref="LeafNodeVarz"/>.</summary>
public sealed record RemoteLeafVarz
{
    [JsonPropertyName("local_account")] public string? LocalAccount { get; init; }
    [JsonPropertyName("tls_timeout"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public double TlsTimeout { get; init; }
    [JsonPropertyName("urls")] public IReadOnlyList<string>? Urls { get; init; }
    [JsonPropertyName("deny")] public DenyVarz? Deny { get; init; }
}

/// <summary>Subjects that do not cross a remote.</summary>
public sealed record DenyVarz(
    [property: JsonPropertyName("exports")] IReadOnlyList<string>? Exports, [property: JsonPropertyName("imports")] IReadOnlyList<string>? Imports);

/// <summary>The mqtt block of /varz; empty without MQTT.</summary>
public sealed record MqttVarz
{
    [JsonPropertyName("host")] public string? Host { get; init; }
    [JsonPropertyName("port"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int Port { get; init; }
    [JsonPropertyName("no_auth_user")] public string? NoAuthUser { get; init; }
    [JsonPropertyName("tls_timeout"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public double TlsTimeout { get; init; }
    [JsonPropertyName("js_domain")] public string? JetStreamDomain { get; init; }
    [JsonPropertyName("ack_wait"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long AckWaitNanoseconds { get; init; }
    [JsonPropertyName("max_ack_pending"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int MaxAckPending { get; init; }

    internal static MqttVarz Collect(MqttOptions options) => options.Port == 0
        ? new MqttVarz()
        : new MqttVarz
        {
            Host = options.Host.Length == 0 ? Defaults.Host : options.Host,
            Port = options.Port,
            NoAuthUser = options.NoAuthUser,
            TlsTimeout = VarzCollector.TlsSeconds(options.Tls),
            JetStreamDomain = options.JetStreamDomain,
            AckWaitNanoseconds = (long)options.AckWait.TotalNanoseconds,
            MaxAckPending = options.MaxAckPending,
        };
}

/// <summary>The websocket block of /varz; empty without WebSockets.</summary>
public sealed record WebSocketVarz
{
    [JsonPropertyName("host")] public string? Host { get; init; }
    [JsonPropertyName("port"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int Port { get; init; }
    [JsonPropertyName("advertise")] public string? Advertise { get; init; }
    [JsonPropertyName("no_auth_user")] public string? NoAuthUser { get; init; }
    [JsonPropertyName("jwt_cookie")] public string? JwtCookie { get; init; }
    [JsonPropertyName("handshake_timeout"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long HandshakeTimeoutNanoseconds { get; init; }
    [JsonPropertyName("no_tls"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool NoTls { get; init; }
    [JsonPropertyName("same_origin"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool SameOrigin { get; init; }
    [JsonPropertyName("allowed_origins")] public IReadOnlyList<string>? AllowedOrigins { get; init; }
    [JsonPropertyName("compression"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool Compression { get; init; }

    internal static WebSocketVarz Collect(WebSocketOptions options, int boundPort) => options.Port == 0
        ? new WebSocketVarz()
        : new WebSocketVarz
        {
            Host = options.Host.Length == 0 ? Defaults.Host : options.Host,
            Port = boundPort,
            Advertise = options.Advertise,
            NoAuthUser = options.NoAuthUser,
            JwtCookie = options.JwtCookie,
            HandshakeTimeoutNanoseconds = (long)options.HandshakeTimeout.TotalNanoseconds,
            NoTls = options.NoTls,
            SameOrigin = options.SameOrigin,
            AllowedOrigins = options.AllowedOrigins.Count == 0 ? null : options.AllowedOrigins,
            Compression = options.Compression,
        };
}
