using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>A subject and what it becomes.</summary>
public sealed record SubjectTransformConfiguration
{
    /// <summary>Empty: all.</summary>
    [JsonPropertyName("src"), JsonPropertyOrder(1)] public string Source { get; init; } = "";

    /// <summary>Empty: it stays as it is.</summary>
    [JsonPropertyName("dest"), JsonPropertyOrder(2)] public string Destination { get; init; } = "";

    internal static SubjectTransformConfiguration Read(ref ApiReader reader, SubjectTransformConfiguration transform)
    {
        if (!reader.Enter("SubjectTransformConfig")) return transform;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "src": transform = transform with { Source = reader.String(transform.Source) }; break;
                case "dest": transform = transform with { Destination = reader.String(transform.Destination) }; break;
                default: reader.Unknown(); break;
            }
        }
        return transform;
    }

    internal static ValueList<SubjectTransformConfiguration> ReadList(ref ApiReader reader, ValueList<SubjectTransformConfiguration> value) =>
        reader.List(value, "[]server.SubjectTransformConfig", new SubjectTransformConfiguration(), Read);
}

/// <summary>Publishes stored messages again.</summary>
public sealed record RepublishConfiguration
{
    /// <summary>What is published again; null: all.</summary>
    [JsonPropertyName("src"), JsonPropertyOrder(1)] public string? Source { get; init; }

    /// <summary>Where to.</summary>
    [JsonPropertyName("dest"), JsonPropertyOrder(2)] public string Destination { get; init; } = "";

    /// <summary>The size takes the payload's place.</summary>
    [JsonPropertyName("headers_only"), JsonPropertyOrder(3), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool HeadersOnly { get; init; }

    internal static RepublishConfiguration Read(ref ApiReader reader, RepublishConfiguration republish)
    {
        if (!reader.Enter("RePublish")) return republish;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "src": republish = republish with { Source = reader.Text(republish.Source) }; break;
                case "dest": republish = republish with { Destination = reader.String(republish.Destination) }; break;
                case "headers_only": republish = republish with { HeadersOnly = reader.Bool(republish.HeadersOnly) }; break;
                default: reader.Unknown(); break;
            }
        }
        return republish;
    }
}
