using System.Text.Json;

namespace NatsAspire.Tests.Support;

/// <summary>Files recorded with or made by a real server.</summary>
public static class Golden
{
    public static string PathOf(params string[] parts) => Path.Combine([AppContext.BaseDirectory, "Golden", .. parts]);

    public static JsonElement Json(params string[] parts) => JsonDocument.Parse(File.ReadAllText(PathOf(parts))).RootElement;
}
