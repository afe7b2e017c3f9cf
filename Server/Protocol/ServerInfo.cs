using System.Text.Json;
using System.Text.Json.Serialization;

namespace NatsAspire.Server.Protocol;

/// <summary>The INFO object, sent to clients and between servers. Keys and order are upstream's.</summary>
public sealed record ServerInfo
{
    [JsonPropertyName("server_id")] public string ServerId { get; init; } = "";
    [JsonPropertyName("server_name")] public string ServerName { get; init; } = "";
    [JsonPropertyName("version")] public string Version { get; init; } = "";
    [JsonPropertyName("proto")] public int Protocol { get; init; }
    [JsonPropertyName("git_commit")] public string? GitCommit { get; init; }
    [JsonPropertyName("go")] public string GoVersion { get; init; } = "";
    [JsonPropertyName("host")] public string Host { get; init; } = "";
    [JsonPropertyName("port")] public int Port { get; init; }
    [JsonPropertyName("headers")] public bool Headers { get; init; }
    [JsonPropertyName("auth_required"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool AuthRequired { get; init; }
    [JsonPropertyName("tls_required"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool TlsRequired { get; init; }
    [JsonPropertyName("tls_verify"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool TlsVerify { get; init; }
    [JsonPropertyName("tls_available"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool TlsAvailable { get; init; }
    [JsonPropertyName("max_payload")] public int MaxPayload { get; init; }
    [JsonPropertyName("jetstream"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool JetStream { get; init; }
    [JsonPropertyName("ip")] public string? Ip { get; init; }
    [JsonPropertyName("client_id"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ulong ClientId { get; init; }
    [JsonPropertyName("client_ip")] public string? ClientIp { get; init; }
    [JsonPropertyName("nonce")] public string? Nonce { get; init; }
    [JsonPropertyName("cluster")] public string? Cluster { get; init; }
    [JsonPropertyName("cluster_dynamic"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool ClusterDynamic { get; init; }
    [JsonPropertyName("domain")] public string? Domain { get; init; }
    [JsonPropertyName("connect_urls")] public IReadOnlyList<string>? ConnectUrls { get; init; }
    [JsonPropertyName("ws_connect_urls")] public IReadOnlyList<string>? WebSocketConnectUrls { get; init; }
    [JsonPropertyName("ldm"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool LameDuckMode { get; init; }
    [JsonPropertyName("compression")] public string? Compression { get; init; }
    [JsonPropertyName("connect_info"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool ConnectInfo { get; init; }
    [JsonPropertyName("remote_account")] public string? RemoteAccount { get; init; }
    [JsonPropertyName("acc_is_sys"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool IsSystemAccount { get; init; }
    [JsonPropertyName("api_lvl"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int ApiLevel { get; init; }
    [JsonPropertyName("import")] public SubjectLists? Import { get; init; }
    [JsonPropertyName("export")] public SubjectLists? Export { get; init; }
    [JsonPropertyName("lnoc"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool LeafNodeOriginCluster { get; init; }
    [JsonPropertyName("lnocu"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool LeafNodeOriginClusterUnsubscribe { get; init; }
    [JsonPropertyName("info_on_connect"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool InfoOnConnect { get; init; }
    [JsonPropertyName("route_pool_size"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int RoutePoolSize { get; init; }
    [JsonPropertyName("route_pool_idx"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int RoutePoolIndex { get; init; }
    [JsonPropertyName("route_account")] public string? RouteAccount { get; init; }
    [JsonPropertyName("route_acc_add_reqid")] public string? RouteAccountRequestId { get; init; }
    [JsonPropertyName("gossip_mode"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public byte GossipMode { get; init; }
    [JsonPropertyName("gateway")] public string? Gateway { get; init; }
    [JsonPropertyName("gateway_urls")] public IReadOnlyList<string>? GatewayUrls { get; init; }
    [JsonPropertyName("gateway_url")] public string? GatewayUrl { get; init; }
    [JsonPropertyName("gateway_cmd"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public byte GatewayCommand { get; init; }
    [JsonPropertyName("gateway_cmd_payload")] public byte[]? GatewayCommandPayload { get; init; }
    [JsonPropertyName("gateway_nrp"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool GatewayNewReplyPrefix { get; init; }
    [JsonPropertyName("gateway_iom"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool GatewayInterestOnly { get; init; }
    [JsonPropertyName("leafnode_urls")] public IReadOnlyList<string>? LeafNodeUrls { get; init; }
    [JsonPropertyName("xkey")] public string? XKey { get; init; }

    /// <summary>The server that says it is written in Go (ours names its runtime, <c>.NET</c>).</summary>
    [JsonIgnore] public bool IsOfGoServer => GoVersion.StartsWith("go", StringComparison.Ordinal);

    /// <summary><c>INFO {json} CRLF</c>; upstream puts a blank before the CRLF for clients.</summary>
    public byte[] ToProtocolLine(bool blankBeforeEnd = true)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(this, ProtocolJson.Default.ServerInfo);
        return [.. "INFO "u8, .. json, .. blankBeforeEnd ? " \r\n"u8 : "\r\n"u8];
    }
}

/// <summary>Allow and deny lists as INFO carries them.</summary>
public sealed record SubjectLists
{
    [JsonPropertyName("allow")] public IReadOnlyList<string>? Allow { get; init; }

    [JsonPropertyName("deny")] public IReadOnlyList<string>? Deny { get; init; }
}
