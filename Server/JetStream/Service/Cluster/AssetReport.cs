using System.Text.Json;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Leader;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Migration;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>
/// What the leader of a stream or consumer said of it: the JSON of its info, of which only these fields are looked at. The
/// whole goes into lists as it came, with what later servers add.
/// </summary>
/// <param name="Json">As it came.</param>
/// <param name="Name">Of the stream or consumer.</param>
/// <param name="Facts">What a meta leader wants to know.</param>
internal sealed record AssetReport(byte[] Json, string Name, AssetFacts Facts)
{
    /// <summary>Bytes that a stream holds.</summary>
    public ulong Bytes { get; init; }

    /// <summary>Reads the info of a stream.</summary>
    /// <returns>Null: it is no such thing.</returns>
    public static AssetReport? OfStream(byte[] json) => Read(json, static root => root.GetProperty("config").GetProperty("name").GetString());

    /// <summary>Reads the info of a consumer.</summary>
    /// <returns>Null: it is no such thing.</returns>
    public static AssetReport? OfConsumer(byte[] json) => Read(json, static root => root.GetProperty("name").GetString());

    private static AssetReport? Read(byte[] json, Func<JsonElement, string?> nameOf)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (nameOf(root) is not { Length: > 0 } name) return null;
            var bytes = root.TryGetProperty("state", out var state) && state.TryGetProperty("bytes", out var held) ? held.GetUInt64() : 0;
            return new AssetReport(json, name, FactsOf(root)) { Bytes = bytes };
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static AssetFacts FactsOf(JsonElement root)
    {
        var facts = new AssetFacts { CurrentPeers = 1, ConsumerState = StateOf(root) };
        if (!root.TryGetProperty("cluster", out var cluster)) return facts;
        if (cluster.TryGetProperty("leader", out var leader) && leader.GetString() is { Length: > 0 } name) facts = facts with { Leader = NodeHash.Of(name) };
        if (!cluster.TryGetProperty("replicas", out var replicas) || replicas.ValueKind != JsonValueKind.Array) return facts;
        foreach (var replica in replicas.EnumerateArray())
        {
            var isCurrent = IsTrue(replica, "current") && !IsTrue(replica, "offline");
            var lag = replica.TryGetProperty("lag", out var entries) ? entries.GetUInt64() : 0;
            facts = facts with { CurrentPeers = facts.CurrentPeers + (isCurrent ? 1 : 0), Lag = facts.Lag + lag };
        }
        return facts;
    }

    private static RawJson? StateOf(JsonElement root)
    {
        if (!root.TryGetProperty("delivered", out var delivered) || !root.TryGetProperty("ack_floor", out var floor)) return null;
        return ConsumerStateJson.Write(new GoConsumerState
        {
            DeliveredConsumer = Number(delivered, "consumer_seq"),
            DeliveredStream = Number(delivered, "stream_seq"),
            AckFloorConsumer = Number(floor, "consumer_seq"),
            AckFloorStream = Number(floor, "stream_seq"),
        });
    }

    private static ulong Number(JsonElement pair, string name) => pair.TryGetProperty(name, out var number) ? number.GetUInt64() : 0;

    private static bool IsTrue(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;
}
