using System.Text.Json;
using System.Text.Json.Serialization;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>When messages go.</summary>
[JsonConverter(typeof(PolicyConverter<RetentionPolicy>))]
public enum RetentionPolicy
{
    /// <summary>When a limit says so.</summary>
    Limits,

    /// <summary>When every consumer that wants them has acknowledged them.</summary>
    Interest,

    /// <summary>When one consumer has acknowledged them.</summary>
    WorkQueue,
}

/// <summary>What gives way when a limit is reached.</summary>
[JsonConverter(typeof(PolicyConverter<DiscardPolicy>))]
public enum DiscardPolicy
{
    Old,
    New,
}

/// <summary>Where messages are kept.</summary>
[JsonConverter(typeof(PolicyConverter<StorageType>))]
public enum StorageType
{
    /// <summary>Not said in a request: file.</summary>
    Unset,
    File,
    Memory,
}

/// <summary>How messages are compressed on disk.</summary>
[JsonConverter(typeof(PolicyConverter<StoreCompression>))]
public enum StoreCompression
{
    None,
    S2,
}

/// <summary>Whether an acknowledgement waits for the disk.</summary>
[JsonConverter(typeof(PolicyConverter<PersistMode>))]
public enum PersistMode
{
    Default,

    /// <summary>Acknowledged before it is written: what is not written at a crash is lost.</summary>
    Async,
}

/// <summary>Names of policies in JSON.</summary>
internal static class PolicyNames
{
    public static bool TryRetention(string token, out RetentionPolicy value) => Find(token, out value, "\"limits\"", "\"interest\"", "\"workqueue\"");

    /// <summary>The one policy whose name may be written in any case.</summary>
    public static bool TryDiscard(string token, out DiscardPolicy value) => Find(token.ToLowerInvariant(), out value, "\"old\"", "\"new\"");

    public static bool TryStorage(string token, out StorageType value)
    {
        var found = Find(token, out value, "\"file\"", "\"memory\"");
        value = found ? value + 1 : StorageType.Unset;
        return found;
    }

    public static bool TryPersistMode(string token, out PersistMode value) =>
        Find(token.Length == 2 ? "\"default\"" : token, out value, "\"default\"", "\"async\"");

    private static bool Find<T>(string token, out T value, params ReadOnlySpan<string> names) where T : struct, Enum
    {
        var index = names.IndexOf(token);
        value = index < 0 ? default : Enum.GetValues<T>()[index];
        return index >= 0;
    }
}

/// <summary>Policies by their names, which are those of their members in small letters.</summary>
internal sealed class PolicyConverter<T> : JsonConverter<T> where T : struct, Enum
{
    private static readonly T[] Values = Enum.GetValues<T>();
    private static readonly JsonEncodedText[] Names = [.. Enum.GetNames<T>().Select(name => JsonEncodedText.Encode(name.ToLowerInvariant()))];

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var name = reader.GetString();
        // By name only: a parsed number would be a value that has none.
        var index = Array.FindIndex(Names, known => string.Equals(known.Value, name, StringComparison.OrdinalIgnoreCase));
        return index >= 0 ? Values[index] : throw new JsonException($"No {typeof(T).Name}.");
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(Names[Array.IndexOf(Values, value)]);
}
