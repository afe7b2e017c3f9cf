using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.JetStream.Replication;

/// <summary>A purge in a stream's log. Subject and reply are those of the API request it answers.</summary>
public sealed record PurgeStreamEntry
{
    [JsonPropertyName("client")] public ClientInfo? Client { get; init; }
    [JsonPropertyName("stream")] public required string Stream { get; init; }

    /// <summary>Last sequence when it was proposed: without a sequence of its own the purge ends there.</summary>
    [JsonPropertyName("last_seq")] public ulong LastSequence { get; init; }
    [JsonPropertyName("subject")] public string Subject { get; init; } = "";
    [JsonPropertyName("reply")] public string Reply { get; init; } = "";
    [JsonPropertyName("request")] public PurgeRequestEntry? Request { get; init; }
}

/// <summary>What is to be purged; null members: no bound.</summary>
public sealed record PurgeRequestEntry
{
    [JsonPropertyName("seq"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ulong Sequence { get; init; }
    [JsonPropertyName("filter")] public string? Filter { get; init; }
    [JsonPropertyName("keep"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ulong Keep { get; init; }
}

/// <summary>The removal of one message in a stream's log.</summary>
public sealed record DeleteMessageEntry
{
    [JsonPropertyName("client")] public ClientInfo? Client { get; init; }
    [JsonPropertyName("stream")] public required string Stream { get; init; }
    [JsonPropertyName("seq")] public required ulong Sequence { get; init; }

    /// <summary>The bytes need not be overwritten.</summary>
    [JsonPropertyName("no_erase"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool NoErase { get; init; }
    [JsonPropertyName("subject")] public string Subject { get; init; } = "";
    [JsonPropertyName("reply")] public string Reply { get; init; } = "";
}

/// <summary>Sequences that are left out.</summary>
public sealed record DeleteRangeEntry
{
    [JsonPropertyName("First")] public required ulong First { get; init; }
    [JsonPropertyName("Num")] public required ulong Count { get; init; }
}

/// <summary>Entries that are JSON behind the operation's byte, with a newline at the end (clusterwire.md §7.3).</summary>
public static class JsonEntry
{
    /// <summary>Writes an entry.</summary>
    public static byte[] Encode<T>(EntryOperation operation, T entry, JsonTypeInfo<T> type) =>
        [(byte)operation, .. JsonSerializer.SerializeToUtf8Bytes(entry, type), (byte)'\n'];

    /// <summary>Reads an entry of that operation.</summary>
    /// <returns>Null when it is another one or damaged.</returns>
    public static T? Decode<T>(EntryOperation operation, ReadOnlySpan<byte> source, JsonTypeInfo<T> type)
        where T : class
    {
        if (source.IsEmpty || source[0] != (byte)operation) return null;
        try
        {
            return JsonSerializer.Deserialize(source[1..], type);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Source-generated JSON of entries.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(PurgeStreamEntry))]
[JsonSerializable(typeof(DeleteMessageEntry))]
[JsonSerializable(typeof(DeleteRangeEntry))]
[JsonSerializable(typeof(StreamSyncRequest))]
public sealed partial class EntryJson : JsonSerializerContext;
