using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.JetStream.Api.Json;

/// <summary>
/// Reads <c>2006-01-02T15:04:05.999999999Z07:00</c>. Errors quote the part that was expected, as upstream's do.
/// </summary>
internal ref struct Rfc3339(string text)
{
    private const string Layout = "2006-01-02T15:04:05Z07:00";
    private int _at;

    public int Year { get; private set; }

    public int Month { get; private set; }

    public int Day { get; private set; }

    public int Hour { get; private set; }

    public int Minute { get; private set; }

    public int Second { get; private set; }

    public int Nanoseconds { get; private set; }

    public int OffsetMinutes { get; private set; }

    /// <returns>Null, or upstream's error text.</returns>
    public string? Read()
    {
        if (!Number(4, out var year)) return CannotParse("2006");
        if (Separator('-') is { } noDash) return noDash;
        if (!Number(2, out var month)) return CannotParse("01");
        if (month is < 1 or > 12) return OutOfRange("month");
        if (Separator('-') is { } noSecondDash) return noSecondDash;
        if (!Number(2, out var day)) return CannotParse("02");
        if (Separator('T') is { } noT) return noT;
        (Year, Month, Day) = (year, month, day);
        if ((Clock() ?? Offset()) is { } error) return error;
        if (_at < text.Length) return Prefix + $": extra text: {Quoted(text[_at..])}";
        var leapYear = Year == 0 || DateTime.IsLeapYear(Year);
        var days = Month == 2 ? (leapYear ? 29 : 28) : DateTime.DaysInMonth(2001, Month);
        return Day < 1 || Day > days ? OutOfRange("day") : null;
    }

    private string Prefix => $"parsing time {Quoted(text)}";

    private static string Quoted(string value) => QuotedText.Quote(value);

    private string? Clock()
    {
        if (!Number(2, out var hour)) return CannotParse("15");
        if (hour > 23) return OutOfRange("hour");
        if (Separator(':') is { } noColon) return noColon;
        if (!Number(2, out var minute)) return CannotParse("04");
        if (minute > 59) return OutOfRange("minute");
        if (Separator(':') is { } noSecondColon) return noSecondColon;
        if (!Number(2, out var second)) return CannotParse("05");
        if (second > 59) return OutOfRange("second");
        (Hour, Minute, Second) = (hour, minute, second);
        if (_at + 1 < text.Length && text[_at] == '.' && char.IsAsciiDigit(text[_at + 1])) Fraction();
        return null;
    }

    /// <summary>Digits behind the ninth are dropped.</summary>
    private void Fraction()
    {
        _at++;
        var scale = 100_000_000;
        while (_at < text.Length && char.IsAsciiDigit(text[_at]))
        {
            Nanoseconds += (text[_at++] - '0') * scale;
            scale /= 10;
        }
    }

    private string? Offset()
    {
        if (_at < text.Length && text[_at] == 'Z')
        {
            _at++;
            return null;
        }
        var start = _at;
        if (_at == text.Length || text[_at] is not ('+' or '-')) return CannotParse("Z07:00");
        var sign = text[_at++] == '-' ? -1 : 1;
        if (!Number(2, out var hours) || _at == text.Length || text[_at++] != ':' || !Number(2, out var minutes))
        {
            _at = start;
            return CannotParse("Z07:00");
        }
        if (hours > 23) return OutOfRange("time zone offset hour");
        if (minutes > 59) return OutOfRange("time zone offset minute");
        OffsetMinutes = sign * ((hours * 60) + minutes);
        return null;
    }

    private bool Number(int digits, out int value)
    {
        value = 0;
        if (text.Length - _at < digits) return false;
        for (var i = 0; i < digits; i++)
        {
            if (!char.IsAsciiDigit(text[_at + i])) return false;
            value = (value * 10) + (text[_at + i] - '0');
        }
        _at += digits;
        return true;
    }

    private string? Separator(char wanted)
    {
        if (_at == text.Length || text[_at] != wanted) return CannotParse(wanted.ToString());
        _at++;
        return null;
    }

    private string CannotParse(string part) => $"{Prefix} as \"{Layout}\": cannot parse {Quoted(text[_at..])} as \"{part}\"";

    private string OutOfRange(string part) => $"{Prefix}: {part} out of range";
}
