using System.Text.Json.Serialization;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>The CONNECT object a server sends when it dials a route; keys and order are upstream's.</summary>
internal sealed record RouteConnect(
    [property: JsonPropertyName("echo")] bool Echo,
    [property: JsonPropertyName("verbose")] bool Verbose,
    [property: JsonPropertyName("pedantic")] bool Pedantic,
    [property: JsonPropertyName("user")] string? User,
    [property: JsonPropertyName("pass")] string? Password,
    [property: JsonPropertyName("tls_required")] bool TlsRequired,
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("headers")] bool Headers,
    [property: JsonPropertyName("cluster")] string Cluster,
    [property: JsonPropertyName("cluster_dynamic"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool ClusterDynamic,
    [property: JsonPropertyName("lnoc")] bool LeafNodeOriginCluster);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RouteConnect))]
internal sealed partial class RouteJson : JsonSerializerContext;
