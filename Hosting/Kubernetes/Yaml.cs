using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace NatsAspire.Hosting;

/// <summary>Writes JSON trees as YAML that people read: blocks, literal texts, quotes only where they are needed.</summary>
internal static partial class Yaml
{
    public static string Write(JsonNode node)
    {
        var text = new StringBuilder();
        Append(text, node, 0);
        return text.ToString();
    }

    private static void Append(StringBuilder text, JsonNode? node, int depth)
    {
        if (node is JsonObject { Count: > 0 } map)
        {
            foreach (var (key, value) in map)
            {
                text.Append(' ', depth * 2).Append(Scalar(key)).Append(':');
                AppendValue(text, value, depth);
            }
        }
        else if (node is JsonArray { Count: > 0 } list)
        {
            foreach (var item in list) AppendItem(text, item, depth);
        }
    }

    private static void AppendItem(StringBuilder text, JsonNode? item, int depth)
    {
        if (item is not (JsonObject { Count: > 0 } or JsonArray { Count: > 0 }))
        {
            text.Append(' ', depth * 2).Append('-');
            AppendValue(text, item, depth);
            return;
        }
        // The dash stands where the block's first line has its two outermost spaces.
        var block = new StringBuilder();
        Append(block, item, depth + 1);
        block[depth * 2] = '-';
        text.Append(block);
    }

    private static void AppendValue(StringBuilder text, JsonNode? value, int depth)
    {
        switch (value)
        {
            case JsonObject { Count: > 0 }:
                text.Append('\n');
                Append(text, value, depth + 1);
                break;
            case JsonArray { Count: > 0 }:
                text.Append('\n');
                Append(text, value, depth + 1);
                break;
            case JsonValue scalar when scalar.TryGetValue(out string? words) && words.Contains('\n') && words.EndsWith('\n'):
                text.Append(" |\n");
                foreach (var line in words.TrimEnd('\n').Split('\n')) text.Append(line.Length == 0 ? "" : new string(' ', (depth + 1) * 2)).Append(line).Append('\n');
                break;
            case JsonValue scalar when scalar.TryGetValue(out string? words):
                text.Append(' ').Append(Scalar(words)).Append('\n');
                break;
            default:
                text.Append(' ').Append(value?.ToJsonString() ?? "null").Append('\n');
                break;
        }
    }

    /// <summary>Plain where no reader could take it for something else.</summary>
    private static string Scalar(string text) => Plain().IsMatch(text) && !Words().IsMatch(text) ? text : JsonValue.Create(text).ToJsonString();

    [GeneratedRegex(@"^[A-Za-z/$.][A-Za-z0-9_./$()-]*(:[A-Za-z0-9_./$()-]+)*$")]
    private static partial Regex Plain();

    [GeneratedRegex("^(true|false|null|yes|no|on|off|y|n|~|\\.nan|\\.inf)$", RegexOptions.IgnoreCase)]
    private static partial Regex Words();
}
