using System.Text;

namespace NatsAspire.Server.Configuration.Grammar;

/// <summary>Numbers, sizes, dates, and what only looks like one: addresses and words that start with a digit.</summary>
internal sealed partial class ConfigLexer
{
    private static ReadOnlySpan<byte> DatePattern => "00-00T00:00:00Z"u8;

    /// <summary>The first digit was read.</summary>
    private State ReadNumber()
    {
        while (true)
        {
            var rune = Read();
            if (Rune.IsDigit(rune)) continue;
            if (rune.Value == '-')
            {
                return _position - _start == 5 ? ReadDate() : Fail("All ISO8601 dates must be in full Zulu form.");
            }
            if (rune.Value == '.') return ReadFraction();
            if (IsSizeSuffix(rune)) return ReadSize();
            // The closing bracket of an array does not end a number here: "[1]" is the string "1]" that goes on.
            if (!EndsNumber(rune)) return ReadPlainString();
            Unread();
            Emit(ConfigTokenKind.Integer);
            return AfterValue();
        }
    }

    /// <summary>The minus was read.</summary>
    private State ReadNegativeNumber()
    {
        var rune = Read();
        if (rune.Value == '.') return Fail("Floats must start with a digit, not '.'.");
        if (!Rune.IsDigit(rune)) return Fail("Expected a digit but got '", rune, "'.");
        while (true)
        {
            rune = Read();
            if (Rune.IsDigit(rune)) continue;
            if (rune.Value == '.') return ReadFraction();
            if (IsSizeSuffix(rune)) return ReadSize();
            Unread();
            Emit(ConfigTokenKind.Integer);
            return AfterValue();
        }
    }

    private State ReadSize()
    {
        var rune = Read();
        while (rune.Value is 'b' or 'B' or 'i' or 'I') rune = Read();
        Unread();
        if (!EndsNumber(rune) && !Rune.IsDigit(rune)) return ReadPlainString();
        Emit(ConfigTokenKind.Integer);
        return AfterValue();
    }

    private State ReadFraction()
    {
        var rune = Read();
        if (!Rune.IsDigit(rune)) return Fail("Floats must have a digit after the '.', but got '", rune, "' instead.");
        while (Rune.IsDigit(rune)) rune = Read();
        if (rune.Value == '.') return ReadAddress();
        Unread();
        Emit(ConfigTokenKind.Float);
        return AfterValue();
    }

    private State ReadAddress()
    {
        var rune = Read();
        while (Rune.IsDigit(rune) || rune.Value is '.' or ':' or '-') rune = Read();
        Unread();
        Emit(ConfigTokenKind.String);
        return AfterValue();
    }

    /// <summary>Year and the first dash were read.</summary>
    private State ReadDate()
    {
        foreach (var expected in DatePattern)
        {
            var rune = Read();
            if (expected == '0' && !Rune.IsDigit(rune))
            {
                return Fail("Expected digit in ISO8601 datetime, but found '", rune, "' instead.");
            }
            if (expected != '0' && rune.Value != expected)
            {
                return Fail($"Expected '{(char)expected}' in ISO8601 datetime, but found '", rune, "' instead.");
            }
        }
        Emit(ConfigTokenKind.Date);
        return AfterValue();
    }

    private static bool EndsNumber(Rune rune) =>
        rune.Value is '}' or ';' or ',' || IsNewLine(rune) || IsBlank(rune) || rune == EndOfInput;

    private static bool IsSizeSuffix(Rune rune) =>
        rune.Value is 'k' or 'K' or 'm' or 'M' or 'g' or 'G' or 't' or 'T' or 'p' or 'P' or 'e' or 'E';
}
