using System.Text.Json.Serialization;

namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>The CONNECT object a server sends to another cluster; keys and order are upstream's.</summary>
internal sealed record GatewayConnect(
    [property: JsonPropertyName("echo")] bool Echo,
    [property: JsonPropertyName("verbose")] bool Verbose,
    [property: JsonPropertyName("pedantic")] bool Pedantic,
    [property: JsonPropertyName("user")] string? User,
    [property: JsonPropertyName("pass")] string? Password,
    [property: JsonPropertyName("tls_required")] bool TlsRequired,
    [property: JsonPropertyName("headers")] bool Headers,
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("cluster")] string Cluster,
    [property: JsonPropertyName("gateway")] string Gateway);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GatewayConnect))]
internal sealed partial class GatewayJson : JsonSerializerContext;
