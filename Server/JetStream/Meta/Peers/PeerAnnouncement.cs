using System.Text.Json;
using System.Text.Json.Serialization;

namespace NatsAspire.Server.JetStream.Meta.Peers;

/// <summary>
/// What servers say of themselves on the system account, as far as JetStream wants to know: <c>$SYS.SERVER.ID.STATSZ</c>, and
/// the <c>server</c> of all other events.
/// </summary>
public sealed record PeerAnnouncement
{
    [JsonPropertyName("server")] public AnnouncedServer? Server { get; init; }

    [JsonPropertyName("statsz")] public AnnouncedStatistics? Statistics { get; init; }

    /// <summary>Reads an event of a server.</summary>
    /// <returns>Null when it is no such thing.</returns>
    public static PeerAnnouncement? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            var announcement = JsonSerializer.Deserialize(json, PeerJson.Default.PeerAnnouncement);
            return announcement?.Server is { Name.Length: > 0 } ? announcement : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads the farewell of a server (<c>$SYS.SERVER.ID.SHUTDOWN</c>), which is the server without anything around it.</summary>
    /// <returns>Null when it is no such thing.</returns>
    public static AnnouncedServer? ReadFarewell(ReadOnlySpan<byte> json)
    {
        try
        {
            var server = JsonSerializer.Deserialize(json, PeerJson.Default.AnnouncedServer);
            return server is { Name.Length: > 0 } ? server : Read(json)?.Server;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Who speaks.</summary>
public sealed record AnnouncedServer
{
    private const ulong JetStreamFlag = 1;
    private const ulong BinarySnapshotFlag = 2;
    private const ulong AccountTrafficFlag = 4;

    [JsonPropertyName("name")] public string Name { get; init; } = "";
    [JsonPropertyName("id")] public string Id { get; init; } = "";
    [JsonPropertyName("cluster")] public string? Cluster { get; init; }
    [JsonPropertyName("domain")] public string? Domain { get; init; }
    [JsonPropertyName("ver")] public string? Version { get; init; }
    [JsonPropertyName("tags")] public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>What servers before the flags said.</summary>
    [JsonPropertyName("jetstream")] public bool JetStream { get; init; }
    [JsonPropertyName("flags")] public ulong Flags { get; init; }

    /// <summary>Goes up with each event of a server.</summary>
    [JsonPropertyName("seq")] public ulong Sequence { get; init; }

    [JsonIgnore] public bool HasJetStream => JetStream || (Flags & JetStreamFlag) != 0;

    [JsonIgnore] public bool ReadsBinarySnapshots => (Flags & BinarySnapshotFlag) != 0;

    [JsonIgnore] public bool HasAccountTraffic => (Flags & AccountTrafficFlag) != 0;

    [JsonIgnore] public bool StaysUntilRelieved => (Flags & Protocol.ServerIdentityInfo.StaysUntilRelieved) != 0;
}

/// <summary>A server's figures.</summary>
public sealed record AnnouncedStatistics
{
    [JsonPropertyName("jetstream")] public AnnouncedJetStream? JetStream { get; init; }
}

/// <summary>JetStream's figures on a server.</summary>
public sealed record AnnouncedJetStream
{
    [JsonPropertyName("config")] public AnnouncedLimits? Limits { get; init; }

    [JsonPropertyName("stats")] public AnnouncedUsage? Usage { get; init; }

    [JsonPropertyName("meta")] public AnnouncedMeta? Meta { get; init; }
}

/// <summary>The meta group, as a server sees it.</summary>
public sealed record AnnouncedMeta
{
    /// <summary>The leader's name; nothing: it knows of none.</summary>
    [JsonPropertyName("leader")] public string? Leader { get; init; }
}

/// <summary>Bytes.</summary>
public sealed record AnnouncedLimits
{
    [JsonPropertyName("max_memory")] public long MaxMemory { get; init; }
    [JsonPropertyName("max_storage")] public long MaxStorage { get; init; }
}

/// <summary>Bytes, and groups.</summary>
public sealed record AnnouncedUsage
{
    [JsonPropertyName("memory")] public ulong Memory { get; init; }
    [JsonPropertyName("storage")] public ulong Storage { get; init; }
    [JsonPropertyName("reserved_memory")] public ulong ReservedMemory { get; init; }
    [JsonPropertyName("reserved_storage")] public ulong ReservedStorage { get; init; }
    [JsonPropertyName("ha_assets")] public int HaAssets { get; init; }
}

/// <summary>Source-generated JSON of announcements.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(PeerAnnouncement))]
[JsonSerializable(typeof(AnnouncedServer))]
internal sealed partial class PeerJson : JsonSerializerContext;
