using System.Globalization;
using System.Numerics;
using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Cli;

/// <summary>
/// Flags the way nats-server takes them: one or two dashes, the value after an equals sign or as the next
/// argument, switches only with an equals sign. The first argument that is no flag ends them; the last
/// setting of a flag counts.
/// </summary>
internal sealed class FlagSet(IReadOnlyDictionary<string, FlagKind> kinds)
{
    private readonly Dictionary<string, object> _values = [];

    /// <summary>Arguments after the flags.</summary>
    public IReadOnlyList<string> Rest { get; private set; } = [];

    /// <summary>Reads arguments.</summary>
    /// <returns>What is wrong, or null.</returns>
    public string? Parse(IReadOnlyList<string> arguments)
    {
        var index = 0;
        while (index < arguments.Count && arguments[index] is ['-', _, ..])
        {
            var argument = arguments[index++];
            if (argument == "--") break;
            if (ParseFlag(argument, arguments, ref index) is { } error) return error;
        }
        Rest = [.. arguments.Skip(index)];
        return null;
    }

    /// <summary>Value of the flag that was set last of some that mean the same; null: none was.</summary>
    public T? Get<T>(params ReadOnlySpan<string> names)
        where T : struct
    {
        var found = Find(names);
        return found is null ? null : (T)found;
    }

    /// <summary>Text of the flag that was set last of some that mean the same; null: none was.</summary>
    public string? GetText(params ReadOnlySpan<string> names) => (string?)Find(names);

    private object? Find(ReadOnlySpan<string> names)
    {
        object? found = null;
        var order = -1;
        foreach (var name in names)
        {
            if (!_values.TryGetValue(name, out var value)) continue;
            var (position, setting) = ((int, object))value;
            if (position > order) (order, found) = (position, setting);
        }
        return found;
    }

    private string? ParseFlag(string argument, IReadOnlyList<string> arguments, ref int index)
    {
        var body = argument.AsSpan(argument.StartsWith("--", StringComparison.Ordinal) ? 2 : 1);
        if (body.IsEmpty || body[0] is '-' or '=') return $"bad flag syntax: {argument}";
        var equals = body.IndexOf('=');
        var name = (equals < 0 ? body : body[..equals]).ToString();
        var value = equals < 0 ? null : body[(equals + 1)..].ToString();
        if (!kinds.TryGetValue(name, out var kind)) return $"flag provided but not defined: -{name}";
        if (kind == FlagKind.Switch) return SetSwitch(name, value, index);
        if (value is null)
        {
            if (index >= arguments.Count) return $"flag needs an argument: -{name}";
            value = arguments[index++];
        }
        if (kind == FlagKind.Text)
        {
            Set(name, value, index);
            return null;
        }
        if (ParseNumber(value, out var number) is { } error) return $"invalid value {QuotedText.Quote(value)} for flag -{name}: {error}";
        Set(name, number, index);
        return null;
    }

    private string? SetSwitch(string name, string? value, int index)
    {
        switch (value)
        {
            case null or "1" or "t" or "T" or "true" or "TRUE" or "True":
                Set(name, true, index);
                return null;
            case "0" or "f" or "F" or "false" or "FALSE" or "False":
                Set(name, false, index);
                return null;
            default:
                return $"invalid boolean value {QuotedText.Quote(value)} for -{name}: parse error";
        }
    }

    private void Set(string name, object value, int index) => _values[name] = (index, value);

    /// <summary>A number, decimal or with the prefix of another base.</summary>
    private static string? ParseNumber(string text, out long number)
    {
        number = 0;
        var digits = text.AsSpan();
        var isNegative = digits is ['-', ..];
        if (digits is ['-' or '+', ..]) digits = digits[1..];
        var numberBase = 10;
        if (digits is ['0', _, ..])
        {
            numberBase = char.ToLowerInvariant(digits[1]) switch { 'x' => 16, 'b' => 2, _ => 8 };
            digits = digits[(char.ToLowerInvariant(digits[1]) is 'x' or 'b' or 'o' ? 2 : 1)..];
        }
        if (digits.IsEmpty) return "parse error";
        var sum = BigInteger.Zero;
        foreach (var digit in digits)
        {
            var isDigit = int.TryParse([digit], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value);
            if (!isDigit || value >= numberBase) return "parse error";
            sum = (sum * numberBase) + value;
        }
        if (isNegative) sum = -sum;
        if (sum < long.MinValue || sum > long.MaxValue) return "value out of range";
        number = (long)sum;
        return null;
    }
}
