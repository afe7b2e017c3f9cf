using System.Collections;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace NatsAspire.Server.JetStream.Api;

/// <summary>
/// Names and values that go with a stream or consumer: the user's, and the server's that begin with <c>_nats.</c>.
/// Immutable, by name, compared by value. The default is empty.
/// </summary>
[JsonConverter(typeof(AssetMetadataConverter))]
public readonly struct AssetMetadata : IReadOnlyDictionary<string, string>, IEquatable<AssetMetadata>
{
    /// <summary>The API level that a server must have to run the asset.</summary>
    public const string RequiredLevelKey = "_nats.req.level";

    /// <summary>The API level of the answering server; in answers only.</summary>
    public const string ServerLevelKey = "_nats.level";

    /// <summary>The version of the answering server; in answers only.</summary>
    public const string ServerVersionKey = "_nats.ver";

    private static readonly ImmutableSortedDictionary<string, string> Empty = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
    private readonly ImmutableSortedDictionary<string, string>? _entries;

    private AssetMetadata(ImmutableSortedDictionary<string, string> entries) => _entries = entries;

    private ImmutableSortedDictionary<string, string> Entries => _entries ?? Empty;

    public int Count => Entries.Count;

    public string this[string key] => Entries[key];

    public IEnumerable<string> Keys => Entries.Keys;

    public IEnumerable<string> Values => Entries.Values;

    /// <summary>The level from <see cref="RequiredLevelKey"/>; null when the key is missing or empty.</summary>
    public string? RequiredLevel => TryGetValue(RequiredLevelKey, out var level) && level.Length > 0 ? level : null;

    /// <summary>Whether a server of <see cref="ApiLevel.Current"/> may run the asset.</summary>
    public bool IsSupported => RequiredLevel is not { } level || (ApiLevel.TryParse(level, out var number) && number <= ApiLevel.Current);

    public static AssetMetadata Create(IEnumerable<KeyValuePair<string, string>> entries) => new(Empty.SetItems(entries));

    public AssetMetadata With(string key, string value) => new(Entries.SetItem(key, value));

    public AssetMetadata Without(string key) => new(Entries.Remove(key));

    /// <summary>Without what belongs into answers only.</summary>
    public AssetMetadata AsStored() => Without(ServerVersionKey).Without(ServerLevelKey);

    /// <summary>With what belongs into answers.</summary>
    /// <param name="serverVersion">Of the answering server.</param>
    public AssetMetadata AsAnswered(string serverVersion) => With(ServerVersionKey, serverVersion).With(ServerLevelKey, ApiLevel.CurrentText);

    public bool ContainsKey(string key) => Entries.ContainsKey(key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value) => Entries.TryGetValue(key, out value);

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => Entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(AssetMetadata other) => Count == other.Count && Entries.SequenceEqual(other.Entries);

    public override bool Equals(object? obj) => obj is AssetMetadata other && Equals(other);

    public override int GetHashCode() => Entries.Aggregate(0, (hash, entry) => HashCode.Combine(hash, entry.Key, entry.Value));

    public static bool operator ==(AssetMetadata left, AssetMetadata right) => left.Equals(right);

    public static bool operator !=(AssetMetadata left, AssetMetadata right) => !left.Equals(right);
}

/// <summary>Writes metadata as an object.</summary>
internal sealed class AssetMetadataConverter : JsonConverter<AssetMetadata>
{
    public override AssetMetadata Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("Requests are read by their own reader.");

    public override void Write(Utf8JsonWriter writer, AssetMetadata value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach (var (key, text) in value) writer.WriteString(key, text);
        writer.WriteEndObject();
    }
}
