using System.Text.Json.Serialization;

namespace NatsAspire.Server.Protocol;

/// <summary>
/// The CONNECT object of clients and routes. Each field is null when the object lacks it, so that a second
/// CONNECT changes only what it names.
/// </summary>
public sealed record ConnectOptions
{
    [JsonPropertyName("echo")] public bool? Echo { get; init; }
    [JsonPropertyName("verbose")] public bool? Verbose { get; init; }
    [JsonPropertyName("pedantic")] public bool? Pedantic { get; init; }
    [JsonPropertyName("tls_required")] public bool? TlsRequired { get; init; }
    [JsonPropertyName("nkey")] public string? NKey { get; init; }
    [JsonPropertyName("jwt")] public string? Jwt { get; init; }
    [JsonPropertyName("sig")] public string? Signature { get; init; }
    [JsonPropertyName("proxy_sig")] public string? ProxySignature { get; init; }
    [JsonPropertyName("auth_token")] public string? Token { get; init; }
    [JsonPropertyName("user")] public string? User { get; init; }
    [JsonPropertyName("pass")] public string? Password { get; init; }
    [JsonPropertyName("name")] public string? Name { get; init; }
    [JsonPropertyName("lang")] public string? Language { get; init; }
    [JsonPropertyName("version")] public string? Version { get; init; }
    [JsonPropertyName("protocol")] public int? Protocol { get; init; }
    [JsonPropertyName("account")] public string? Account { get; init; }
    [JsonPropertyName("new_account")] public bool? NewAccount { get; init; }
    [JsonPropertyName("headers")] public bool? Headers { get; init; }
    [JsonPropertyName("no_responders")] public bool? NoResponders { get; init; }
    [JsonPropertyName("cluster")] public string? Cluster { get; init; }
    [JsonPropertyName("cluster_dynamic")] public bool? ClusterDynamic { get; init; }
    [JsonPropertyName("lnoc")] public bool? LeafNodeOriginCluster { get; init; }
    [JsonPropertyName("lnocu")] public bool? LeafNodeOriginClusterUnsubscribe { get; init; }
    [JsonPropertyName("gateway")] public string? Gateway { get; init; }

    /// <summary>These options with those of a later CONNECT laid over them.</summary>
    public ConnectOptions With(ConnectOptions later) => new()
    {
        Echo = later.Echo ?? Echo,
        Verbose = later.Verbose ?? Verbose,
        Pedantic = later.Pedantic ?? Pedantic,
        TlsRequired = later.TlsRequired ?? TlsRequired,
        NKey = later.NKey ?? NKey,
        Jwt = later.Jwt ?? Jwt,
        Signature = later.Signature ?? Signature,
        ProxySignature = later.ProxySignature ?? ProxySignature,
        Token = later.Token ?? Token,
        User = later.User ?? User,
        Password = later.Password ?? Password,
        Name = later.Name ?? Name,
        Language = later.Language ?? Language,
        Version = later.Version ?? Version,
        Protocol = later.Protocol ?? Protocol,
        Account = later.Account ?? Account,
        NewAccount = later.NewAccount ?? NewAccount,
        Headers = later.Headers ?? Headers,
        NoResponders = later.NoResponders ?? NoResponders,
    };
}

/// <summary>Source-generated JSON of the two protocol objects. Keys match in any case, as upstream's decoder does.</summary>
[JsonSourceGenerationOptions(
    PropertyNameCaseInsensitive = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ServerInfo))]
[JsonSerializable(typeof(ConnectOptions))]
[JsonSerializable(typeof(ClientInfo))]
public sealed partial class ProtocolJson : JsonSerializerContext;
