using System.Globalization;
using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Consumers.Configuration;

/// <summary>API levels in the metadata, and what follows from the configuration alone.</summary>
public sealed partial record ConsumerConfiguration
{
    /// <summary>Whether it is kept until it is deleted.</summary>
    [JsonIgnore] public bool IsDurable => Durable is not null;

    /// <summary>Whether messages are sent to a subject, not asked for.</summary>
    [JsonIgnore] public bool IsPush => DeliverSubject is not null;

    /// <summary>All filters; empty: all messages.</summary>
    [JsonIgnore] public IEnumerable<string> Filters => FilterSubject is { } filter ? FilterSubjects.Append(filter) : FilterSubjects;

    /// <summary>The level that a server must have to run the consumer; features that came with levels say so.</summary>
    private int RequiredLevel
    {
        get
        {
            if (AckPolicy == AckPolicy.FlowControl) return 4;
            var isPaused = PauseUntil is { IsZero: false };
            return isPaused || PriorityPolicy != PriorityPolicy.None || PinnedTtl != 0 || !PriorityGroups.IsEmpty ? 1 : 0;
        }
    }

    /// <summary>Replicas it has, of 0 the stream's number; ephemeral ones of a stream with limits have one.</summary>
    public long ReplicasOf(StreamConfiguration stream)
    {
        if (Replicas != 0 && Replicas <= stream.Replicas) return Replicas;
        return !IsDurable && stream.Retention == RetentionPolicy.Limits && Replicas == 0 ? 1 : stream.Replicas;
    }

    /// <summary>As it is stored: the required level in the metadata, nothing of the server that was asked.</summary>
    public ConsumerConfiguration WithRequiredLevel() => this with
    {
        Metadata = Metadata.AsStored().With(AssetMetadata.RequiredLevelKey, RequiredLevel.ToString(CultureInfo.InvariantCulture)),
    };

    /// <summary>With the required level of another one (none, if that has none), to be compared with it.</summary>
    public ConsumerConfiguration WithLevelOf(ConsumerConfiguration other)
    {
        var metadata = Metadata.AsStored().Without(AssetMetadata.RequiredLevelKey);
        return this with
        {
            Metadata = other.Metadata.TryGetValue(AssetMetadata.RequiredLevelKey, out var level) ? metadata.With(AssetMetadata.RequiredLevelKey, level) : metadata,
        };
    }

    /// <summary>As it is answered: the answering server's version and level in the metadata.</summary>
    /// <param name="serverVersion">Of this server.</param>
    public ConsumerConfiguration AsAnswered(string serverVersion) => this with { Metadata = Metadata.AsAnswered(serverVersion) };
}
