using System.Globalization;

namespace NatsAspire.Server.Cli;

/// <summary>A command line that cannot be read; the message is Go's flag package's.</summary>
internal sealed class FlagException(string message) : Exception(message);

/// <summary>
/// Flags as Go reads them: <c>-name value</c>, <c>-name=value</c>, one dash or two; booleans take a value only
/// after an equals sign; the first other word ends them.
/// </summary>
internal sealed class FlagSet
{
    private static readonly Dictionary<string, bool> Booleans = new(StringComparer.Ordinal)
    {
        ["1"] = true, ["t"] = true, ["T"] = true, ["true"] = true, ["TRUE"] = true, ["True"] = true,
        ["0"] = false, ["f"] = false, ["F"] = false, ["false"] = false, ["FALSE"] = false, ["False"] = false,
    };

    private readonly Dictionary<string, Flag> _flags = new(StringComparer.Ordinal);
    private readonly Dictionary<string, object> _given = new(StringComparer.Ordinal);

    /// <summary>Words behind the flags.</summary>
    public IReadOnlyList<string> Rest { get; private set; } = [];

    public FlagSet Text(params string[] names) => Add(Kind.Text, names);

    public FlagSet Number(params string[] names) => Add(Kind.Number, names);

    public FlagSet Switch(params string[] names) => Add(Kind.Switch, names);

    /// <exception cref="FlagException">An unknown flag, or a value missing or of the wrong kind.</exception>
    public void Parse(IReadOnlyList<string> arguments)
    {
        var at = 0;
        while (at < arguments.Count && arguments[at] is ['-', _, ..] word)
        {
            at++;
            if (word == "--") break;
            at += ParseOne(word, at < arguments.Count ? arguments[at] : null) ? 1 : 0;
        }
        Rest = [.. arguments.Skip(at)];
    }

    public bool IsGiven(string name) => _given.ContainsKey(_flags[name].Canonical);

    public string? GetText(string name) => _given.GetValueOrDefault(_flags[name].Canonical) as string;

    public long? GetNumber(string name) => _given.GetValueOrDefault(_flags[name].Canonical) as long?;

    public bool? GetSwitch(string name) => _given.GetValueOrDefault(_flags[name].Canonical) as bool?;

    /// <summary>True when the next word was its value.</summary>
    private bool ParseOne(string word, string? next)
    {
        var name = word.TrimStart('-');
        if (word.StartsWith("---", StringComparison.Ordinal) || name.StartsWith('=')) throw new FlagException($"bad flag syntax: {word}");
        var equals = name.IndexOf('=');
        var value = equals < 0 ? null : name[(equals + 1)..];
        if (equals >= 0) name = name[..equals];
        if (!_flags.TryGetValue(name, out var flag)) throw new FlagException($"flag provided but not defined: -{name}");
        if (flag.Kind == Kind.Switch)
        {
            var on = true;
            if (value is not null && !Booleans.TryGetValue(value, out on))
            {
                throw new FlagException($"invalid boolean value \"{value}\" for -{name}: parse error");
            }
            _given[flag.Canonical] = on;
            return false;
        }
        var text = value ?? next ?? throw new FlagException($"flag needs an argument: -{name}");
        _given[flag.Canonical] = flag.Kind == Kind.Text ? text : ReadNumber(name, text);
        return value is null;
    }

    private static object ReadNumber(string name, string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FlagException($"invalid value \"{text}\" for flag -{name}: parse error");

    private FlagSet Add(Kind kind, string[] names)
    {
        foreach (var name in names) _flags.Add(name, new Flag(names[0], kind));
        return this;
    }

    private enum Kind
    {
        Text,
        Number,
        Switch,
    }

    private readonly record struct Flag(string Canonical, Kind Kind);
}
