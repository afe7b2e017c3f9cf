using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace NatsAspire.Hosting;

/// <summary>Topologies in JSON, as topology.schema.json says; comments and trailing commas are let through.</summary>
public static class TopologyFile
{
    /// <summary>Most bytes a file may have.</summary>
    public const int MaxBytes = 1 << 20;

    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>Reads a file; relative paths in it count from its folder.</summary>
    /// <exception cref="TopologyException">It is not there, no JSON, or holds something that is not known; the message names the place.</exception>
    public static TopologySpec Read(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (file is { Exists: true, Length: > MaxBytes }) throw new TopologyException($"{path} has {file.Length} bytes; a topology has at most {MaxBytes}.");
            var spec = Parse(File.ReadAllText(path), Path.GetFileName(path));
            var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            return spec with { Clusters = [.. spec.Clusters.Select(Resolve)], LeafNodes = [.. spec.LeafNodes.Select(Resolve)] };

            ClusterSpec Resolve(ClusterSpec cluster) => cluster.Tls is not { } tls ? cluster : cluster with
            {
                Tls = tls with { CertFile = Absolute(tls.CertFile), KeyFile = Absolute(tls.KeyFile), CaFile = Absolute(tls.CaFile) },
            };

            string? Absolute(string? name) => name is null ? null : Path.Combine(folder, name);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new TopologyException($"There is no topology \"{path}\": name a file, or one of {string.Join(", ", BuiltInTopologies.Names)}.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TopologyException($"{path} cannot be read: {error.Message}");
        }
    }

    /// <summary>Reads a text.</summary>
    /// <param name="json">The topology.</param>
    /// <param name="source">What messages call it.</param>
    /// <exception cref="TopologyException">It is no JSON, or holds something that is not known.</exception>
    public static TopologySpec Parse(string json, string source = "topology")
    {
        try
        {
            using var document = JsonDocument.Parse(json, Lenient);
            var problems = new List<string>();
            Walk(document.RootElement, TopologyJson.Default.TopologySpec, "", problems);
            if (problems.Count > 0) throw new TopologyException($"{source} cannot be read:\n{string.Join('\n', problems.Select(problem => "  " + problem))}");
            return document.RootElement.Deserialize(TopologyJson.Default.TopologySpec)!;
        }
        catch (JsonException error)
        {
            var line = error.LineNumber is { } number ? $", line {number + 1}, column {error.BytePositionInLine + 1}" : "";
            throw new TopologyException($"{source}{line}{(error.Path is { } path ? $", {path}" : "")} is not as JSON has it: {error.Message}");
        }
    }

    /// <summary>The text of a topology, as <see cref="Parse"/> reads it.</summary>
    public static string Write(TopologySpec spec) => JsonSerializer.Serialize(spec, TopologyJson.Default.TopologySpec);

    /// <summary>Keys and kinds against what the records have, so that a message can name the place and what is known there.</summary>
    private static void Walk(JsonElement value, JsonTypeInfo type, string at, List<string> problems)
    {
        var place = at.Length == 0 ? "the topology" : at;
        switch (type.Kind)
        {
            case JsonTypeInfoKind.Object when value.ValueKind != JsonValueKind.Object:
                problems.Add($"{place}: is {Kind(value)}, not an object. Write {{ … }} with {Known(type)}.");
                break;
            case JsonTypeInfoKind.Object:
                foreach (var property in value.EnumerateObject()) WalkProperty(property, type, at, problems);
                break;
            case JsonTypeInfoKind.Enumerable when value.ValueKind != JsonValueKind.Array:
                problems.Add($"{place}: is {Kind(value)}, not a list. Write [ … ].");
                break;
            case JsonTypeInfoKind.Enumerable:
                var element = TopologyJson.Default.GetTypeInfo(type.ElementType!)!;
                var index = 0;
                foreach (var item in value.EnumerateArray()) Walk(item, element, $"{at}[{index++}]", problems);
                break;
            default:
                WalkScalar(value, type.Type, place, problems);
                break;
        }
    }

    private static void WalkProperty(JsonProperty property, JsonTypeInfo type, string at, List<string> problems)
    {
        var place = at.Length == 0 ? property.Name : $"{at}.{property.Name}";
        if (type.Properties.FirstOrDefault(one => one.Name == property.Name) is not { } known)
        {
            var near = type.Properties.Select(one => one.Name).MinBy(name => Distance(name, property.Name))!;
            var guess = Distance(near, property.Name) <= 3 ? $" Do you mean \"{near}\"?" : "";
            problems.Add($"{place}: unknown key.{guess} Known here: {Known(type)}.");
        }
        else if (property.Value.ValueKind != JsonValueKind.Null || !known.IsSetNullable)
        {
            Walk(property.Value, TopologyJson.Default.GetTypeInfo(known.PropertyType)!, place, problems);
        }
    }

    private static void WalkScalar(JsonElement value, Type type, string place, List<string> problems)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        var problem = type == typeof(string) ? value.ValueKind == JsonValueKind.String ? null : "a text in quotes"
            : type == typeof(bool) ? value.ValueKind is JsonValueKind.True or JsonValueKind.False ? null : "true or false"
            : type == typeof(int) ? value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out _) ? null : "a whole number"
            : type == typeof(long) ? value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _) ? null : "a whole number"
            : value.ValueKind == JsonValueKind.String && TimeSpan.TryParse(value.GetString(), System.Globalization.CultureInfo.InvariantCulture, out _) ? null
            : "a time as \"24:00:00\" or \"7.00:00:00\"";
        if (problem is not null) problems.Add($"{place}: is {Kind(value)}; write {problem}.");
    }

    private static string Known(JsonTypeInfo type) => string.Join(", ", type.Properties.Select(one => one.Name));

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        _ => value.GetRawText() is { Length: <= 40 } text ? text : "a long text",
    };

    /// <summary>Letters to change, add or leave out until one is the other.</summary>
    private static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var changed = diagonal + (char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(changed, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[^1];
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true)]
[JsonSerializable(typeof(TopologySpec))]
[JsonSerializable(typeof(int?))]
[JsonSerializable(typeof(long?))]
[JsonSerializable(typeof(bool?))]
[JsonSerializable(typeof(TimeSpan?))]
internal sealed partial class TopologyJson : JsonSerializerContext;
