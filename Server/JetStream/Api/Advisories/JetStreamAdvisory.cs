using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;

namespace NatsAspire.Server.JetStream.Api.Advisories;

/// <summary>Something that happened, published below <c>$JS.EVENT.ADVISORY</c>. Names and order are upstream's.</summary>
public abstract record JetStreamAdvisory
{
    /// <summary>An advisory, or another family of events, of a kind, which ends its type.</summary>
    private protected JetStreamAdvisory(string kind, string family = "advisory") => Type = $"io.nats.jetstream.{family}.v1.{kind}";

    /// <summary>By which schemas know it.</summary>
    [JsonPropertyName("type"), JsonPropertyOrder(-3)] public string Type { get; }

    /// <summary>Unique.</summary>
    [JsonPropertyName("id"), JsonPropertyOrder(-2)] public required string Id { get; init; }

    [JsonPropertyName("timestamp"), JsonPropertyOrder(-1)] public required ApiTime Time { get; init; }

    /// <summary>The server's domain.</summary>
    [JsonPropertyName("domain"), JsonPropertyOrder(100)] public string? Domain { get; init; }
}
