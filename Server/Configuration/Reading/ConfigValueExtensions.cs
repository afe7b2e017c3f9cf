using System.Globalization;

namespace NatsAspire.Server.Configuration;

/// <summary>Typed reading of values; a wrong type is an error at the value's place, in upstream's words.</summary>
internal static class ConfigValueExtensions
{
    public static string AsString(this ConfigValue value) => value.Value as string ?? throw Mismatch(value, "string");

    public static bool AsBoolean(this ConfigValue value) => value.Value is bool flag ? flag : throw Mismatch(value, "bool");

    public static long AsLong(this ConfigValue value) => value.Value is long number ? number : throw Mismatch(value, "int64");

    /// <summary>A whole number that fits 32 bits, as limits must.</summary>
    public static int AsInt(this ConfigValue value, string field)
    {
        var number = value.AsLong();
        return number is >= int.MinValue and <= int.MaxValue
            ? (int)number
            : throw new ConfigValueError(value, $"{field} value is too big");
    }

    public static ConfigMap AsMap(this ConfigValue value, string otherwise) =>
        value.Value as ConfigMap ?? throw new ConfigValueError(value, otherwise);

    public static List<ConfigValue> AsArray(this ConfigValue value) =>
        value.Value as List<ConfigValue> ?? throw Mismatch(value, "[]interface {}");

    /// <summary>One string, or an array of strings.</summary>
    public static IReadOnlyList<string> AsStrings(this ConfigValue value, string field) => value.Value switch
    {
        string one => [one],
        List<ConfigValue> many => [.. many.Select(item => item.Value as string
            ?? throw new ConfigValueError(item, $"error parsing {field}: unsupported type in array {GoType(item.Value)}"))],
        _ => throw new ConfigValueError(value, $"error parsing {field}: unsupported type {GoType(value.Value)}"),
    };

    /// <summary>A port, or host:port.</summary>
    public static HostAndPort AsListen(this ConfigValue value)
    {
        if (value.Value is long port) return new HostAndPort("", (int)port);
        if (value.Value is not string text) throw new ConfigValueError(value, $"expected port or host:port, got {GoType(value.Value)}");
        var colon = text.LastIndexOf(':');
        if (colon < 0 || (text.IndexOf(':') != colon && !text.StartsWith('[')))
        {
            throw new ConfigValueError(value, $"could not parse address string \"{text}\"");
        }
        var digits = text[(colon + 1)..];
        return int.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? new HostAndPort(text[..colon].Trim('[', ']'), number)
            : throw new ConfigValueError(value, $"could not parse port \"{digits}\"");
    }

    /// <summary>A duration text; a bare number is seconds, which is deprecated.</summary>
    public static TimeSpan AsDuration(this ConfigValue value, string field, ConfigReport report)
    {
        if (value.Value is string text)
        {
            return GoDuration.TryParse(text, out var duration, out var error)
                ? duration
                : throw new ConfigValueError(value, $"error parsing {field}: {error}");
        }
        report.Misuse(value, field, $"{field} should be converted to a duration");
        return TimeSpan.FromSeconds(value.AsLong());
    }

    public static string GoType(object value) => value switch
    {
        string => "string",
        long => "int64",
        double => "float64",
        bool => "bool",
        DateTimeOffset => "time.Time",
        ConfigMap => "map[string]interface {}",
        _ => "[]interface {}",
    };

    private static ConfigValueError Mismatch(ConfigValue value, string wanted) =>
        new(value, $"interface conversion: interface {{}} is {GoType(value.Value)}, not {wanted}");
}
