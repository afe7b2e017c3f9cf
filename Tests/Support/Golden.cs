using System.Text.Json;

namespace NatsAspire.Tests.Support;

/// <summary>Files recorded with or made by a real server.</summary>
public static class Golden
{
    public static string PathOf(params string[] parts) => Path.Combine([AppContext.BaseDirectory, "Golden", .. parts]);

    public static JsonElement Json(params string[] parts) => Parse(PathOf(parts));

    public static JsonElement ParseText(string json) => JsonDocument.Parse(json).RootElement;

    /// <summary>The JSON of any file.</summary>
    public static JsonElement Parse(string path) => JsonDocument.Parse(File.ReadAllText(path)).RootElement;
}
