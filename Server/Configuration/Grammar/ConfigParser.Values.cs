using System.Globalization;
using System.Text;

namespace NatsAspire.Server.Configuration.Grammar;

/// <summary>Scalars and variables.</summary>
internal sealed partial class ConfigParser
{
    private const string BcryptPrefix = "2a$";
    private const string VariableKey = "pk";

    private static object? ReadScalar(ConfigToken token) => token.Kind switch
    {
        ConfigTokenKind.String => token.Text,
        ConfigTokenKind.Boolean => token.Text.ToLowerInvariant() is "true" or "yes" or "on",
        ConfigTokenKind.Integer => ReadInteger(token.Text),
        ConfigTokenKind.Float => ReadFloat(token.Text),
        _ => ReadDate(token.Text),
    };

    /// <summary>An integer with its size suffix; null for a suffix that is none, which drops the value.</summary>
    private static object? ReadInteger(string text)
    {
        var digits = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value != '-' && !Rune.IsDigit(rune)) break;
            digits += rune.Utf16SequenceLength;
        }
        if (!long.TryParse(text.AsSpan(0, digits), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            var isTooLarge = text.AsSpan(0, digits).IndexOfAnyExcept("-0123456789") < 0;
            throw new ConfigException(isTooLarge ? $"integer '{text}' is out of the range" : $"expected integer, but got '{text}'");
        }
        return UnitOf(text[digits..].Trim().ToLowerInvariant()) is { } unit ? unchecked(number * unit) : null;
    }

    private static long? UnitOf(string suffix) => suffix switch
    {
        "" => 1,
        "k" => 1000,
        "kb" or "ki" or "kib" => 1L << 10,
        "m" => 1000_000,
        "mb" or "mi" or "mib" => 1L << 20,
        "g" => 1000_000_000,
        "gb" or "gi" or "gib" => 1L << 30,
        "t" => 1000_000_000_000,
        "tb" or "ti" or "tib" => 1L << 40,
        "p" => 1000_000_000_000_000,
        "pb" or "pi" or "pib" => 1L << 50,
        "e" => 1000_000_000_000_000_000,
        "eb" or "ei" or "eib" => 1L << 60,
        _ => null,
    };

    private static double ReadFloat(string text)
    {
        const NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
        if (!double.TryParse(text, style, CultureInfo.InvariantCulture, out var number))
        {
            throw new ConfigException($"expected float, but got '{text}'");
        }
        return double.IsFinite(number) ? number : throw new ConfigException($"float '{text}' is out of the range");
    }

    private static DateTimeOffset ReadDate(string text)
    {
        const DateTimeStyles style = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        return DateTimeOffset.TryParseExact(text, "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, style, out var date)
            ? date
            : throw new ConfigException($"expected Zulu formatted DateTime, but got '{text}'");
    }

    private ConfigValue Resolve(ConfigToken token)
    {
        ConfigValue? found;
        try
        {
            found = LookUp(token);
        }
        catch (ConfigException failure)
        {
            throw new ConfigException($"variable reference for '{token.Text}' on line {token.Line} could not be parsed: {failure.Message}");
        }
        if (found is null) throw new ConfigException($"variable reference for '{token.Text}' on line {token.Line} can not be found");
        return found.At(PlaceOf(token), _file);
    }

    /// <summary>A key of this map or of one around it, else a variable of the environment.</summary>
    private ConfigValue? LookUp(ConfigToken token)
    {
        // Hashes start with a dollar sign and need no quotes.
        if (token.Text.StartsWith(BcryptPrefix, StringComparison.Ordinal)) return ConfigValue.Scalar("$" + token.Text, token, _file);
        for (var index = _scopes.Count - 1; index >= 0; index--)
        {
            if (_scopes[index].Entries is { } entries && entries.TryGetValue(token.Text, out var value)) return value.MarkUsed();
        }
        if (!_budget.OpenVariables.Add(token.Text)) throw new ConfigException($"variable reference cycle for '{token.Text}'");
        try
        {
            if (Environment.GetEnvironmentVariable(token.Text) is not { } text) return null;
            var parser = new ConfigParser(ConfigText.Encode($"{VariableKey}={text}"), "", _budget);
            return parser.Parse().GetValueOrDefault(VariableKey);
        }
        finally
        {
            _budget.OpenVariables.Remove(token.Text);
        }
    }
}
