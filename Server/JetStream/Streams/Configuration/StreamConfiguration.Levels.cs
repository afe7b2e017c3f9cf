using System.Globalization;
using NatsAspire.Server.JetStream.Api;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>API levels in the metadata.</summary>
public sealed partial record StreamConfiguration
{
    /// <summary>The level that a server must have to run the stream; features that came with levels say so.</summary>
    private int RequiredLevel
    {
        get
        {
            if (AllowBatchPublish) return 4;
            if (AllowMessageCounter || AllowAtomicPublish || AllowMessageSchedules || PersistMode == PersistMode.Async) return 2;
            return AllowMessageTtl || SubjectDeleteMarkerTtl > 0 ? 1 : 0;
        }
    }

    /// <summary>As it is stored: the required level in the metadata, nothing of the server that was asked.</summary>
    public StreamConfiguration WithRequiredLevel() => this with
    {
        Metadata = Metadata.AsStored().With(AssetMetadata.RequiredLevelKey, RequiredLevel.ToString(CultureInfo.InvariantCulture)),
    };

    /// <summary>With the required level of another one (none, if that has none), to be compared with it.</summary>
    public StreamConfiguration WithLevelOf(StreamConfiguration other)
    {
        var metadata = Metadata.AsStored().Without(AssetMetadata.RequiredLevelKey);
        return this with
        {
            Metadata = other.Metadata.TryGetValue(AssetMetadata.RequiredLevelKey, out var level) ? metadata.With(AssetMetadata.RequiredLevelKey, level) : metadata,
        };
    }

    /// <summary>As it is answered: the answering server's version and level in the metadata.</summary>
    /// <param name="serverVersion">Of this server.</param>
    public StreamConfiguration AsAnswered(string serverVersion) => this with { Metadata = Metadata.AsAnswered(serverVersion) };
}
