using System.Globalization;
using System.Text;

namespace NatsAspire.Server.Configuration;

/// <summary>Values: strings of all kinds, numbers with suffixes, dates, variables, includes.</summary>
public sealed partial class ConfigParser
{
    private ConfigValue ParseValue()
    {
        while (Peek() is ' ' or '\t') Next();
        var (line, column) = (_line, Column);
        var c = Peek();
        switch (c)
        {
            case '[':
                return Nested(ParseArray, line, column);
            case '{':
                return Nested(ParseMap, line, column);
            case '\'':
                return At(ParseSingleQuoted(), line, column + 1);
            case '"':
                Next();
                return At(ParseEscaped('"'), line, column + 1);
            case '(':
                return At(ParseRawBlock(), line, column);
            case '.':
                throw Error("Floats must start with a digit");
            case '\n' or '\r':
                throw Error("Expected value but found new line");
        }
        if (char.IsAsciiDigit(c) || c == '-') return ParseNumberLike(line, column);
        return ParseBare(_at, line, column);
    }

    private ConfigValue Nested<T>(Func<T> parse, int line, int column) where T : class
    {
        Next();
        Enter();
        var value = parse();
        Leave();
        return At(value, line, column + 1);
    }

    private string ParseSingleQuoted()
    {
        Next();
        var start = _at;
        while (Peek() != '\'')
        {
            if (AtEnd) throw Error("Unexpected EOF.");
            Next();
        }
        var text = _text[start.._at];
        Next();
        return text;
    }

    private string ParseEscaped(char quote)
    {
        var text = new StringBuilder();
        while (Peek() != quote)
        {
            if (AtEnd) throw Error("Unexpected EOF.");
            if (Peek() == '\\') text.Append(ParseEscape());
            else
            {
                text.Append(Peek());
                Next();
            }
        }
        Next();
        return text.ToString();
    }

    private char ParseEscape()
    {
        Next();
        var c = Peek();
        var plain = c switch { 't' => '\t', 'n' => '\n', 'r' => '\r', '"' => '"', '\\' => '\\', _ => End };
        if (plain != End)
        {
            Next();
            return plain;
        }
        if (c != 'x')
        {
            throw Error($"Invalid escape character '{(c == '\n' ? "\\n" : c)}'. Only the following escape characters are allowed: \\xXX, \\t, \\n, \\r, \\\", \\\\.");
        }
        Next();
        var digits = $"{Peek()}{Peek(1)}";
        if (digits.AsSpan().IndexOfAny('\n', '\r') >= 0) throw Error("Expected two hexadecimal digits after '\\x', but hit end of line");
        if (!byte.TryParse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var value))
        {
            throw Error($"Expected two hexadecimal digits after '\\x', but got '{digits}'");
        }
        Next();
        Next();
        return (char)value;
    }

    /// <summary>Raw text from behind "(" to a line that is only ")".</summary>
    private string ParseRawBlock()
    {
        Next();
        var start = _at;
        while (true)
        {
            if (AtEnd) throw Error("Unexpected EOF processing block.");
            if (Peek() == ')' && _text[_at - 1] == '\n' && (Peek(1) is '\n' or '\r' || _at + 1 == _text.Length))
            {
                var text = _text[start.._at];
                Next();
                return text;
            }
            Next();
        }
    }

    private ConfigValue ParseBare(int start, int line, int column)
    {
        var text = new StringBuilder(_text[start.._at]);
        var escaped = false;
        while (!AtEnd && Peek() is not ('\n' or '\r' or ';' or ',' or ']' or '}' or ' ' or '\t' or '\''))
        {
            if (Peek() == '\\')
            {
                escaped = true;
                text.Append(ParseEscape());
                continue;
            }
            text.Append(Peek());
            Next();
        }
        if (Peek() == '\'') Next();
        var word = text.ToString();
        if (escaped) return At(word, line, column);
        if (ReadBoolean(word) is { } boolean) return At(boolean, line, column);
        return word.StartsWith('$') ? Resolve(word[1..], line, column) : At(word, line, column);
    }

    private static bool? ReadBoolean(string word) => word.ToLowerInvariant() switch
    {
        "true" or "yes" or "on" => true,
        "false" or "no" or "off" => false,
        _ => null,
    };

    private ConfigValue ParseNumberLike(int line, int column)
    {
        var start = _at;
        if (Peek() == '-') Next();
        if (!char.IsAsciiDigit(Peek()))
        {
            throw Error(Peek() == '.' ? "Floats must start with a digit, not '.'." : $"Expected a digit but got '{Peek()}'.");
        }
        while (char.IsAsciiDigit(Peek())) Next();
        if (Peek() == '.') return ParseFloatOrAddress(start, line, column);
        if (Peek() == '-' && _text[start] != '-') return ParseDate(start, line, column);
        if (IsSizeSuffix(Peek()))
        {
            Next();
            while (Peek() is 'b' or 'B' or 'i' or 'I') Next();
        }
        if (!EndsNumber(Peek())) return ParseBare(start, line, column);
        return At(ReadInteger(_text[start.._at]), line, column);
    }

    private bool EndsNumber(char c) => AtEnd || c is '\n' or '\r' or '}' or ';' or ',' or ' ' or '\t' or ']';

    private static bool IsSizeSuffix(char c) => char.ToLowerInvariant(c) is 'k' or 'm' or 'g' or 't' or 'p' or 'e';

    private static object ReadInteger(string text)
    {
        var digits = text.AsSpan().IndexOfAnyExcept("-0123456789") is var end and >= 0 ? end : text.Length;
        if (!long.TryParse(text.AsSpan(0, digits), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            throw new ConfigException($"integer '{text}' is out of the range");
        }
        var suffix = text[digits..].ToLowerInvariant();
        if (suffix.Length == 0) return number;
        var power = "kmgtpe".IndexOf(suffix[0]) + 1;
        long unit = suffix.Length == 1 ? 1000 : 1024;
        if (suffix[1..] is not ("" or "b" or "i" or "ib")) return text;
        for (var i = 0; i < power; i++) number = unchecked(number * unit);
        return number;
    }

    private ConfigValue ParseFloatOrAddress(int start, int line, int column)
    {
        Next();
        if (!char.IsAsciiDigit(Peek())) throw Error($"Floats must have a digit after the '.', but got '{Peek()}' instead.");
        while (char.IsAsciiDigit(Peek())) Next();
        if (Peek() == '.')
        {
            while (char.IsAsciiDigit(Peek()) || Peek() is '.' or ':' or '-') Next();
            return At(_text[start.._at], line, column);
        }
        return At(double.Parse(_text.AsSpan(start, _at - start), CultureInfo.InvariantCulture), line, column);
    }

    private ConfigValue ParseDate(int start, int line, int column)
    {
        if (_at - start != 4) throw Error("All ISO8601 dates must be in full Zulu form.");
        Next();
        foreach (var expected in "00-00T00:00:00Z")
        {
            if (expected == '0' && !char.IsAsciiDigit(Peek())) throw Error($"Expected digit in ISO8601 datetime, but found '{Peek()}' instead.");
            if (expected != '0' && Peek() != expected) throw Error($"Expected '{expected}' in ISO8601 datetime, but found '{Peek()}' instead.");
            Next();
        }
        var text = _text[start.._at];
        return DateTimeOffset.TryParseExact(text, "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            ? At(date, line, column)
            : throw new ConfigException($"expected Zulu formatted DateTime, but got '{text}'");
    }

    private ConfigValue Resolve(string name, int line, int column)
    {
        // A bcrypt hash begins with $2a$ and needs no quotes.
        if (name.StartsWith("2a$", StringComparison.Ordinal)) return At("$" + name, line, column);
        for (var scope = _scopes.Count - 1; scope >= 0; scope--)
        {
            if (_scopes[scope].Find(name) is not { } known) continue;
            known.IsUsedVariable = true;
            return At(known.Value, line, column);
        }
        return ResolveFromEnvironment(name, line, column)
            ?? throw new ConfigException($"variable reference for '{name}' on line {line} can not be found");
    }

    private ConfigValue? ResolveFromEnvironment(string name, int line, int column)
    {
        if (!_openReferences.Add(name))
        {
            throw new ConfigException($"variable reference for '{name}' on line {line} could not be parsed: variable reference cycle for '{name}'");
        }
        try
        {
            if (_environment(name) is not { } text) return null;
            var parsed = new ConfigParser($"pk={text}", "", _includeDepth, _environment, _openReferences).ParseTop();
            return parsed.Find("pk") is { } value ? At(value.Value, line, column) : null;
        }
        finally
        {
            _openReferences.Remove(name);
        }
    }

    private void Include(ConfigMap map)
    {
        while (Peek() is ' ' or '\t') Next();
        var path = ParseIncludePath();
        if (_includeDepth >= MaxIncludeDepth) throw new ConfigException($"error parsing include file '{path}', files include each other more than {MaxIncludeDepth} deep");
        try
        {
            var included = ParseFile(Path.Combine(_directory, path), _includeDepth + 1, _environment);
            foreach (var (key, value) in included.Entries) map.Set(key, value);
        }
        catch (ConfigException error)
        {
            throw new ConfigException($"error parsing include file '{path}', {error.Message}");
        }
    }

    private string ParseIncludePath()
    {
        var c = Peek();
        if (c is '"' or '\'')
        {
            Next();
            var start = _at;
            while (Peek() != c)
            {
                if (AtEnd) throw Error(c == '"' ? "Unexpected EOF in double quoted include" : "Unexpected EOF in quoted include");
                Next();
            }
            var quoted = _text[start.._at];
            Next();
            return quoted;
        }
        var found = c switch
        {
            '[' => "start of an array",
            '{' => "start of a map",
            '(' => "start of a block",
            '\\' => "escape sequence",
            '\n' or '\r' => "new line",
            _ when char.IsAsciiDigit(c) || c == '-' => "start of a number",
            _ => null,
        };
        if (found is not null) throw Error($"Expected include value but found {found}");
        var begin = _at;
        while (!AtEnd && Peek() is not ('\n' or '\r' or ';' or '}' or ' ' or '\t' or '\'')) Next();
        return _text[begin.._at];
    }
}
