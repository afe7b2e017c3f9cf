using System.Text.Json;
using System.Text.Json.Serialization;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>The CONNECT object of a leaf node; keys and order are upstream's.</summary>
internal sealed record LeafConnect
{
    [JsonPropertyName("version")] public string? Version { get; init; }
    [JsonPropertyName("nkey")] public string? NKey { get; init; }
    [JsonPropertyName("jwt")] public string? Jwt { get; init; }
    [JsonPropertyName("sig")] public string? Signature { get; init; }
    [JsonPropertyName("user")] public string? User { get; init; }
    [JsonPropertyName("pass")] public string? Password { get; init; }
    [JsonPropertyName("auth_token")] public string? Token { get; init; }
    [JsonPropertyName("server_id")] public string? ServerId { get; init; }
    [JsonPropertyName("domain")] public string? Domain { get; init; }
    [JsonPropertyName("name")] public string? Name { get; init; }
    [JsonPropertyName("is_hub"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool IsHub { get; init; }
    [JsonPropertyName("cluster")] public string? Cluster { get; init; }
    [JsonPropertyName("headers"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool Headers { get; init; }
    [JsonPropertyName("jetstream"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool JetStream { get; init; }
    [JsonPropertyName("deny_pub")] public IReadOnlyList<string>? DenyPublish { get; init; }
    [JsonPropertyName("isolate"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool Isolate { get; init; }
    [JsonPropertyName("compress_mode")] public string? Compression { get; init; }
    [JsonPropertyName("gateway")] public string? Gateway { get; init; }
    [JsonPropertyName("remote_account")] public string? RemoteAccount { get; init; }
    [JsonPropertyName("protocol"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public int Protocol { get; init; }

    /// <summary>Clients say it, leaf nodes do not.</summary>
    [JsonPropertyName("lang")] public string? Language { get; init; }

    /// <summary><c>CONNECT {json} CRLF</c></summary>
    public byte[] ToProtocolLine() => [.. "CONNECT "u8, .. JsonSerializer.SerializeToUtf8Bytes(this, LeafJson.AsGo.LeafConnect), .. "\r\n"u8];
}

[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LeafConnect))]
internal sealed partial class LeafJson : JsonSerializerContext
{
    /// <summary>Escapes what Go's encoder escapes, as it does.</summary>
    public static LeafJson AsGo { get; } = new(new JsonSerializerOptions
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = GoJsonEncoder.Instance,
    });
}
