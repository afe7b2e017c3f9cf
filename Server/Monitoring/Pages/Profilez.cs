using System.Text.Json.Serialization;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>Which profile is asked for.</summary>
public sealed record ProfilezOptions
{
    /// <summary>A Go profile's name.</summary>
    [JsonPropertyName("name")] public string? Name { get; init; }
    [JsonPropertyName("debug")] public int Debug { get; init; }

    /// <summary>How long to sample, in nanoseconds.</summary>
    [JsonPropertyName("duration")] public long Duration { get; init; }
}

/// <summary>
/// The answer to <c>PROFILEZ</c>. Profiles are those of Go's runtime, in its format; this runtime has none of them and
/// says so in upstream's words.
/// </summary>
public sealed record Profilez([property: JsonPropertyName("error")] string Error)
{
    /// <summary>Why the profile asked for is not there.</summary>
    public static Profilez Answer(ProfilezOptions options) =>
        new(string.IsNullOrEmpty(options.Name) ? "Profile name not specified" : $"Profile \"{options.Name}\" not found");
}
