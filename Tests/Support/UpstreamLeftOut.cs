using System.Text.Json;
using System.Text.RegularExpressions;

namespace NatsAspire.Tests.Support;

/// <summary>
/// Tests of nats-server that no test of ours is to show, each with its reason: <c>Golden/upstream-left-out.json</c>.
/// An entry names tests of one file, whole or with <c>*</c>. A whole name must not be claimed as well; a pattern means
/// those of its matches that nobody claims, so that a room which grows needs no edit for each test it gains.
/// </summary>
/// <param name="File">Path of the upstream file.</param>
/// <param name="Tests">Names or patterns of its tests.</param>
/// <param name="Reason">Why, in a few words.</param>
public sealed record UpstreamLeftOut(string File, string[] Tests, string Reason)
{
    private static readonly JsonSerializerOptions Format = new() { PropertyNameCaseInsensitive = true };

    /// <summary>All entries, in the file's order; of several that fit a test the first holds.</summary>
    public static IReadOnlyList<UpstreamLeftOut> All { get; } =
        JsonSerializer.Deserialize<UpstreamLeftOut[]>(System.IO.File.ReadAllText(Golden.PathOf("upstream-left-out.json")), Format)!;

    /// <summary>Why a test that nobody claims is left out. Null: nobody said.</summary>
    public static string? ReasonOf(string path, string test) =>
        All.FirstOrDefault(entry => entry.File == path && entry.Tests.Any(pattern => Fits(pattern, test)))?.Reason;

    /// <summary>Whether a name or pattern means this test.</summary>
    public static bool Fits(string pattern, string test) =>
        pattern.Contains('*', StringComparison.Ordinal)
            ? Regex.IsMatch(test, $"^{Regex.Escape(pattern).Replace(@"\*", ".*", StringComparison.Ordinal)}$")
            : pattern == test;
}
