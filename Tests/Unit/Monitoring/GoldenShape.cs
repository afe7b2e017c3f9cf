using System.Text.Json;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary>
/// Compares a page with a recorded one: the same keys in the same order, the same kinds of values, and the same
/// values where they do not depend on the moment or the machine.
/// </summary>
/// <param name="volatileKeys">Keys whose values may differ; their kinds may not.</param>
/// <param name="ignoredKeys">Keys that only one side may have, or with whatever inside.</param>
internal sealed class GoldenShape(IEnumerable<string> volatileKeys, IEnumerable<string> ignoredKeys)
{
    private static readonly string[] Always =
    [
        "server_id", "now", "start", "last_activity", "stop", "rtt", "uptime", "idle", "port", "pending_bytes", "cid", "msgs",
        "in_msgs", "out_msgs", "in_bytes", "out_bytes", "update_time",
    ];

    private readonly HashSet<string> _volatile = [.. Always, .. volatileKeys];
    private readonly HashSet<string> _ignored = [.. ignoredKeys];

    public IEnumerable<string> Differences(JsonElement expected, JsonElement actual, string path = "$")
    {
        if (Kind(expected) != Kind(actual)) return [$"{path}: {actual.ValueKind} in place of {expected.ValueKind}"];
        return expected.ValueKind switch
        {
            JsonValueKind.Object => ObjectDifferences(expected, actual, path),
            JsonValueKind.Array => ArrayDifferences(expected, actual, path),
            _ => expected.GetRawText() == actual.GetRawText() || expected.ToString() == actual.ToString() ? [] : [$"{path}: {actual} in place of {expected}"],
        };
    }

    private IEnumerable<string> ObjectDifferences(JsonElement expected, JsonElement actual, string path)
    {
        var wanted = Keys(expected);
        var got = Keys(actual);
        if (!wanted.SequenceEqual(got)) return [$"{path}: keys {string.Join(",", got)} in place of {string.Join(",", wanted)}"];
        return wanted.SelectMany(key => Compare(expected.GetProperty(key), actual.GetProperty(key), key, $"{path}.{key}"));
    }

    private IEnumerable<string> Compare(JsonElement expected, JsonElement actual, string key, string path)
    {
        if (!_volatile.Contains(key)) return Differences(expected, actual, path);
        return Kind(expected) == Kind(actual) ? [] : [$"{path}: {actual.ValueKind} in place of {expected.ValueKind}"];
    }

    private IEnumerable<string> ArrayDifferences(JsonElement expected, JsonElement actual, string path)
    {
        var (wanted, got) = (expected.GetArrayLength(), actual.GetArrayLength());
        if (wanted != got) return [$"{path}: {got} elements in place of {wanted}"];
        return Enumerable.Range(0, wanted).SelectMany(i => Differences(expected[i], actual[i], $"{path}[{i}]"));
    }

    private string[] Keys(JsonElement value) => [.. value.EnumerateObject().Select(property => property.Name).Where(name => !_ignored.Contains(name))];

    private static JsonValueKind Kind(JsonElement value) => value.ValueKind == JsonValueKind.False ? JsonValueKind.True : value.ValueKind;
}
