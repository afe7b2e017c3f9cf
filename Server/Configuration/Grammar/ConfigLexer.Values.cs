using System.Text;

namespace NatsAspire.Server.Configuration.Grammar;

/// <summary>Strings in all their forms, variables and booleans.</summary>
internal sealed partial class ConfigLexer
{
    private State ReadValue()
    {
        var rune = Read();
        while (IsBlank(rune))
        {
            Skip();
            rune = Read();
        }
        switch (rune.Value)
        {
            case '[':
                Skip();
                Emit(ConfigTokenKind.ArrayStart);
                return State.ArrayValue;
            case '{':
                Skip();
                Emit(ConfigTokenKind.MapStart);
                return State.MapKey;
            case '\'':
                return ReadSingleQuoted();
            case '"':
                Skip();
                return ReadDoubleQuoted();
            case '(':
                Skip();
                return ReadBlockString();
            case '-':
                return ReadNegativeNumber();
            case '.':
                return Fail("Floats must start with a digit");
            case '\n' or '\r':
                return Fail("Expected value but found new line");
        }
        if (Rune.IsDigit(rune)) return ReadNumber();
        Unread();
        return ReadPlainString();
    }

    private State ReadSingleQuoted()
    {
        Skip();
        for (var rune = Read(); rune.Value != '\''; rune = Read())
        {
            if (rune == EndOfInput) return FinishUnlessStarted();
        }
        return EmitBeforeQuote(ConfigTokenKind.String);
    }

    private State ReadDoubleQuoted()
    {
        while (true)
        {
            var rune = Read();
            if (rune.Value == '"') return EmitBeforeQuote(ConfigTokenKind.String);
            if (rune == EndOfInput) return FinishUnlessStarted();
            if (rune.Value == '\\' && ReadEscape() is { } failed) return failed;
        }
    }

    private State ReadPlainString()
    {
        while (true)
        {
            var rune = Read();
            if (rune.Value == '\'') return EmitBeforeQuote(ConfigTokenKind.String);
            if (rune.Value is ';' or ',' or ']' or '}' || IsNewLine(rune) || IsBlank(rune) || rune == EndOfInput)
            {
                Unread();
                EmitPlain();
                return AfterValue();
            }
            if (rune.Value == '\\' && ReadEscape() is { } failed) return failed;
        }
    }

    private void EmitPlain()
    {
        var text = input.AsSpan(_start, _position - _start);
        if (_hasEscapes)
        {
            Emit(ConfigTokenKind.String);
        }
        else if (IsBoolean(text))
        {
            Emit(ConfigTokenKind.Boolean);
        }
        else if (_start < input.Length && input[_start] == '$')
        {
            _start++;
            Emit(ConfigTokenKind.Variable);
        }
        else
        {
            Emit(ConfigTokenKind.String);
        }
    }

    private static bool IsBoolean(ReadOnlySpan<byte> text) =>
        Ascii.EqualsIgnoreCase(text, "true"u8) || Ascii.EqualsIgnoreCase(text, "false"u8) ||
        Ascii.EqualsIgnoreCase(text, "on"u8) || Ascii.EqualsIgnoreCase(text, "off"u8) ||
        Ascii.EqualsIgnoreCase(text, "yes"u8) || Ascii.EqualsIgnoreCase(text, "no"u8);

    /// <summary>A string in parentheses, ended by a closing one alone on its line.</summary>
    private State ReadBlockString()
    {
        while (true)
        {
            var rune = Read();
            if (rune == EndOfInput) return Fail("Unexpected EOF processing block.");
            if (rune.Value != ')' || input[_position - 2] != '\n') continue;
            var isAloneOnLine = _position >= input.Length || input[_position] == '\n' || input[_position] == 0;
            if (!isAloneOnLine) continue;
            if (_position < input.Length)
            {
                return EmitBeforeQuote(ConfigTokenKind.String);
            }
            // At the very end of the input the parenthesis is part of the string, as it is upstream.
            Emit(ConfigTokenKind.String);
            return AfterValue();
        }
    }

    /// <summary>Resolves an escape whose backslash was just read; null when the string goes on.</summary>
    private State? ReadEscape()
    {
        _unescaped.AddRange(input.AsSpan(_start, _position - 1 - _start));
        _hasEscapes = true;
        _start = _position;
        var rune = Read();
        byte? resolved = rune.Value switch
        {
            't' => (byte)'\t',
            'n' => (byte)'\n',
            'r' => (byte)'\r',
            '"' => (byte)'"',
            '\\' => (byte)'\\',
            _ => null,
        };
        if (resolved is { } value) return AppendEscaped(value);
        if (rune.Value == 'x') return ReadHexEscape();
        const string after = @"'. Only the following escape characters are allowed: \xXX, \t, \n, \r, \"", \\.";
        return Fail("Invalid escape character '", rune, after);
    }

    private State? ReadHexEscape()
    {
        if (IsNewLine(Read()) || IsNewLine(Read()))
        {
            return Fail(@"Expected two hexadecimal digits after '\x', but hit end of line");
        }
        var digits = ConfigText.Decode(input.AsSpan(_position - 2, 2));
        return byte.TryParse(digits, System.Globalization.NumberStyles.AllowHexSpecifier, null, out var value)
            ? AppendEscaped(value)
            : Fail($@"Expected two hexadecimal digits after '\x', but got '{digits}'");
    }

    private State? AppendEscaped(byte value)
    {
        _unescaped.Add(value);
        _start = _position;
        return null;
    }
}
