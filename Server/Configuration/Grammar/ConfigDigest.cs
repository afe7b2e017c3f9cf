using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace NatsAspire.Server.Configuration.Grammar;

/// <summary>
/// Digest of a parsed configuration: SHA-256 of its JSON with sorted keys and a line feed, so that comments,
/// order and notation do not change it.
/// </summary>
internal static class ConfigDigest
{
    public static string Compute(IReadOnlyDictionary<string, ConfigValue> entries) =>
        $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ToJson(entries) + "\n")))}";

    /// <summary>The canonical JSON the digest is taken of.</summary>
    public static string ToJson(IReadOnlyDictionary<string, ConfigValue> entries)
    {
        var json = new StringBuilder();
        AppendMap(json, entries);
        return json.ToString();
    }

    private static void AppendMap(StringBuilder json, IReadOnlyDictionary<string, ConfigValue> entries)
    {
        json.Append('{');
        var separator = "";
        foreach (var (key, value) in entries.OrderBy(entry => ConfigText.Encode(entry.Key), Utf8Comparer.Instance))
        {
            json.Append(separator);
            AppendString(json, key);
            json.Append(':');
            Append(json, value);
            separator = ",";
        }
        json.Append('}');
    }

    private static void Append(StringBuilder json, ConfigValue value)
    {
        switch (value.Content)
        {
            case string text:
                AppendString(json, text);
                break;
            case bool flag:
                json.Append(flag ? "true" : "false");
                break;
            case double number:
                json.Append(FormatFloat(number));
                break;
            case DateTimeOffset date:
                json.Append(CultureInfo.InvariantCulture, $"\"{date:yyyy-MM-dd'T'HH:mm:ss'Z'}\"");
                break;
            case IReadOnlyDictionary<string, ConfigValue> entries:
                AppendMap(json, entries);
                break;
            case IReadOnlyList<ConfigValue> items:
                AppendArray(json, items);
                break;
            default:
                json.Append(CultureInfo.InvariantCulture, $"{value.Content}");
                break;
        }
    }

    private static void AppendArray(StringBuilder json, IReadOnlyList<ConfigValue> items)
    {
        json.Append('[');
        for (var index = 0; index < items.Count; index++)
        {
            if (index > 0) json.Append(',');
            Append(json, items[index]);
        }
        json.Append(']');
    }

    private static void AppendString(StringBuilder json, string text)
    {
        json.Append('"');
        for (var index = 0; index < text.Length; index++)
        {
            var character = text[index];
            if (char.IsHighSurrogate(character) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]))
            {
                json.Append(character).Append(text[++index]);
                continue;
            }
            json.Append(character switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\b' => "\\b",
                '\f' => "\\f",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                _ when char.IsSurrogate(character) => "\\ufffd",
                < ' ' or '<' or '>' or '&' or '\u2028' or '\u2029' => $"\\u{(int)character:x4}",
                _ => character.ToString(),
            });
        }
        json.Append('"');
    }

    /// <summary>Shortest digits that read back the same, plain between 1e-6 and 1e21.</summary>
    private static string FormatFloat(double number)
    {
        var shortest = number.ToString("R", CultureInfo.InvariantCulture);
        var exponentAt = shortest.IndexOf('E');
        if (exponentAt < 0) return shortest;
        var sign = shortest[0] == '-' ? "-" : "";
        var digits = shortest[sign.Length..exponentAt].Replace(".", "", StringComparison.Ordinal);
        var exponent = int.Parse(shortest.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (exponent is >= 21 or < -6)
        {
            var fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent)}";
        }
        return exponent < 0
            ? $"{sign}0.{new string('0', -exponent - 1)}{digits}"
            : sign + digits.PadRight(exponent + 1, '0');
    }

    private sealed class Utf8Comparer : IComparer<byte[]>
    {
        public static readonly Utf8Comparer Instance = new();

        public int Compare(byte[]? left, byte[]? right) => left.AsSpan().SequenceCompareTo(right);
    }
}
