using System.Text.Json;
using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.Primitives.S2;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>
/// Snapshots of the meta group (clusterwire.md §6.5): an S2 block of a JSON array of all streams with their consumers;
/// no bytes at all when there are none. Order says nothing.
/// </summary>
public static class MetaSnapshot
{
    /// <summary>Most bytes of JSON; some 800,000 assets.</summary>
    private const int MostDecoded = 1024 * 1024 * 1024;

    /// <summary>Writes a snapshot; equal assignments become equal bytes. May run on any thread.</summary>
    public static byte[] Encode(MetaAssignments assignments) => Encode(assignments.All);

    /// <summary>Writes a snapshot of streams in this order.</summary>
    public static byte[] Encode(IEnumerable<AssignedStream> streams)
    {
        SnapshotStream[] written = [.. streams.Select(SnapshotStream.Of)];
        return written.Length == 0 ? [] : S2Block.Encode(MetaJson.Write(written, MetaJson.Compact.SnapshotStreamArray));
    }

    /// <summary>Reads a snapshot. Damage anywhere refuses all of it: half a snapshot would remove the other half's streams.</summary>
    /// <param name="snapshot">All of its bytes.</param>
    /// <param name="streams">What was read, in its order; only to be used when there is no error.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? Decode(ReadOnlySpan<byte> snapshot, out IReadOnlyList<AssignedStream> streams)
    {
        streams = [];
        if (snapshot.IsEmpty) return null;
        try
        {
            var read = JsonSerializer.Deserialize(S2Block.Decode(snapshot, MostDecoded), MetaJson.Compact.SnapshotStreamArray);
            streams = [.. (read ?? []).Select(static stream => stream?.ToAssigned() ?? throw new JsonException("no assignment"))];
            return null;
        }
        catch (Exception e) when (e is JsonException or InvalidDataException or InvalidOperationException)
        {
            return e.Message;
        }
    }
}

/// <summary>A stream in a snapshot.</summary>
internal sealed record SnapshotStream
{
    [JsonPropertyName("client"), JsonPropertyOrder(1)] public AssignmentClient? Client { get; init; }
    [JsonPropertyName("created"), JsonPropertyOrder(2)] public ApiTime Created { get; init; }
    [JsonPropertyName("stream"), JsonPropertyOrder(3)] public RawJson ConfigurationJson { get; init; }
    [JsonPropertyName("group"), JsonPropertyOrder(4)] public RaftGroupAssignment? Group { get; init; }
    [JsonPropertyName("sync"), JsonPropertyOrder(5)] public string Sync { get; init; } = "";
    [JsonPropertyName("Consumers"), JsonPropertyOrder(6)] public IReadOnlyList<SnapshotConsumer>? Consumers { get; init; }
    [JsonExtensionData, JsonPropertyOrder(7)] public Dictionary<string, JsonElement>? Unknown { get; set; }

    public static SnapshotStream Of(AssignedStream stream) => new()
    {
        Client = stream.Assignment.Client?.ForSnapshot(),
        Created = stream.Assignment.Created,
        ConfigurationJson = stream.Assignment.ConfigurationJson,
        Group = stream.Assignment.Group,
        Sync = stream.Assignment.Sync,
        Consumers = [.. stream.Consumers.Values.Select(static consumer => SnapshotConsumer.Of(consumer.Assignment))],
        Unknown = stream.Assignment.Unknown,
    };

    public AssignedStream ToAssigned()
    {
        var assignment = new StreamAssignment
        {
            Client = Client,
            Created = Created,
            ConfigurationJson = ConfigurationJson,
            Group = Group!,
            Sync = Sync,
            Unknown = Unknown,
        }.Understood();
        return (Consumers ?? []).Aggregate(new AssignedStream(assignment), (stream, consumer) => stream.With(new AssignedConsumer(consumer?.ToAssignment(assignment.Name) ?? throw new JsonException("no assignment"))));
    }
}

/// <summary>A consumer in a snapshot.</summary>
internal sealed record SnapshotConsumer
{
    [JsonPropertyName("client"), JsonPropertyOrder(1)] public AssignmentClient? Client { get; init; }
    [JsonPropertyName("created"), JsonPropertyOrder(2)] public ApiTime Created { get; init; }
    [JsonPropertyName("name"), JsonPropertyOrder(3)] public string Name { get; init; } = "";
    [JsonPropertyName("stream"), JsonPropertyOrder(4)] public string Stream { get; init; } = "";
    [JsonPropertyName("consumer"), JsonPropertyOrder(5)] public RawJson ConfigurationJson { get; init; }
    [JsonPropertyName("group"), JsonPropertyOrder(6)] public RaftGroupAssignment? Group { get; init; }
    [JsonExtensionData, JsonPropertyOrder(7)] public Dictionary<string, JsonElement>? Unknown { get; set; }

    public static SnapshotConsumer Of(ConsumerAssignment consumer) => new()
    {
        Client = consumer.Client?.ForSnapshot(),
        Created = consumer.Created,
        Name = consumer.Name,
        Stream = consumer.Stream,
        ConfigurationJson = consumer.ConfigurationJson,
        Group = consumer.Group,
        Unknown = consumer.Unknown,
    };

    /// <param name="parent">Of the stream it stands in: some snapshots leave it out.</param>
    public ConsumerAssignment ToAssignment(string parent) => new ConsumerAssignment
    {
        Client = Client,
        Created = Created,
        Name = Name,
        Stream = string.IsNullOrEmpty(Stream) ? parent : Stream,
        ConfigurationJson = ConfigurationJson,
        Group = Group!,
        Unknown = Unknown,
    }.Understood();
}
