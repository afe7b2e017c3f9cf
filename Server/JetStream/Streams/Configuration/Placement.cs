using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>Which servers an asset may be put on.</summary>
public sealed record Placement
{
    [JsonPropertyName("cluster"), JsonPropertyOrder(1)] public string? Cluster { get; init; }

    /// <summary>All of them a server must have.</summary>
    [JsonPropertyName("tags"), JsonPropertyOrder(2), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<string> Tags { get; init; }

    /// <summary>The server that is to lead; for steps down of leaders only.</summary>
    [JsonPropertyName("preferred"), JsonPropertyOrder(3)] public string? Preferred { get; init; }

    internal static Placement Read(ref ApiReader reader, Placement placement)
    {
        if (!reader.Enter("Placement")) return placement;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "cluster": placement = placement with { Cluster = reader.Text(placement.Cluster) }; break;
                case "tags": placement = placement with { Tags = reader.Strings(placement.Tags) }; break;
                case "preferred": placement = placement with { Preferred = reader.Text(placement.Preferred) }; break;
                default: reader.Unknown(); break;
            }
        }
        return placement;
    }
}

/// <summary>Defaults and limits of the stream's consumers.</summary>
public sealed record StreamConsumerLimits
{
    /// <summary>Nanoseconds; 0: none.</summary>
    [JsonPropertyName("inactive_threshold"), JsonPropertyOrder(1), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long InactiveThreshold { get; init; }

    /// <summary>Messages; 0: none.</summary>
    [JsonPropertyName("max_ack_pending"), JsonPropertyOrder(2), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxAckPending { get; init; }

    internal static StreamConsumerLimits Read(ref ApiReader reader, StreamConsumerLimits limits)
    {
        if (!reader.Enter("StreamConsumerLimits")) return limits;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "inactive_threshold": limits = limits with { InactiveThreshold = reader.Nanoseconds(limits.InactiveThreshold) }; break;
                case "max_ack_pending": limits = limits with { MaxAckPending = reader.Long(limits.MaxAckPending, "int") }; break;
                default: reader.Unknown(); break;
            }
        }
        return limits;
    }
}
