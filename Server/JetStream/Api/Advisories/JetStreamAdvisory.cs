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

    /// <summary>Unique; empty until it goes out.</summary>
    [JsonPropertyName("id"), JsonPropertyOrder(-2)] public string Id { get; init; } = "";

    [JsonPropertyName("timestamp"), JsonPropertyOrder(-1)] public ApiTime Time { get; init; }

    /// <summary>The server's domain.</summary>
    [JsonPropertyName("domain"), JsonPropertyOrder(100)] public string? Domain { get; init; }

    /// <summary>As it goes out.</summary>
    /// <param name="id">Unique.</param>
    /// <param name="time">Now.</param>
    /// <param name="domain">The server's domain; null: none.</param>
    public JetStreamAdvisory Stamped(string id, ApiTime time, string? domain) => this with { Id = id, Time = time, Domain = domain };
}
