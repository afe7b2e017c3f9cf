using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace NatsAspire.Server.Configuration;

/// <summary>The digest <c>-t</c> prints: SHA-256 of the values as upstream writes them in JSON, keys sorted.</summary>
public static class ConfigDigest
{
    public static string Compute(ConfigMap map)
    {
        var json = new StringBuilder();
        Write(json, map);
        json.Append('\n');
        return "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(json.ToString())));
    }

    private static void Write(StringBuilder json, object value)
    {
        switch (value)
        {
            case ConfigMap map:
                WriteMap(json, map);
                break;
            case List<ConfigValue> items:
                json.Append('[');
                for (var i = 0; i < items.Count; i++)
                {
                    if (i > 0) json.Append(',');
                    Write(json, items[i].Value);
                }
                json.Append(']');
                break;
            case string text:
                WriteString(json, text);
                break;
            case bool flag:
                json.Append(flag ? "true" : "false");
                break;
            case DateTimeOffset date:
                json.Append('"').Append(date.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)).Append('"');
                break;
            default:
                json.Append(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    private static void WriteMap(StringBuilder json, ConfigMap map)
    {
        json.Append('{');
        var first = true;
        foreach (var (key, entry) in map.Entries.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (!first) json.Append(',');
            first = false;
            WriteString(json, key);
            json.Append(':');
            Write(json, entry.Value);
        }
        json.Append('}');
    }

    private static void WriteString(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => json.Append("\\\""),
                '\\' => json.Append("\\\\"),
                '\n' => json.Append("\\n"),
                '\r' => json.Append("\\r"),
                '\t' => json.Append("\\t"),
                '\b' => json.Append("\\b"),
                '\f' => json.Append("\\f"),
                < ' ' or '<' or '>' or '&' or '\u2028' or '\u2029' => json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => json.Append(c),
            };
        }
        json.Append('"');
    }
}
