using System.Buffers.Text;
using System.Text;

namespace NatsAspire.Server.JetStream.Streams.Schedules;

/// <summary>
/// A cron pattern of six fields (ADR-51): second, minute, hour, day of month, month, day of week (Sunday is 0).
/// <code>
/// field = range *( "," range )
/// range = ( "*" / "?" / value [ "-" value ] ) [ "/" step ]
/// </code>
/// Months and days of the week also by their first three letters, in any case.
/// </summary>
public readonly struct CronPattern
{
    /// <summary>Set in a field that was a star, so that the two kinds of days know whether they restrict anything.</summary>
    private const ulong Star = 1UL << 63;

    private static readonly byte[][] Months =
        [.. new[] { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec" }.Select(Encoding.ASCII.GetBytes)];

    private static readonly byte[][] WeekDays = [.. new[] { "sun", "mon", "tue", "wed", "thu", "fri", "sat" }.Select(Encoding.ASCII.GetBytes)];

    private readonly ulong _seconds;
    private readonly ulong _minutes;
    private readonly ulong _hours;
    private readonly ulong _monthDays;
    private readonly ulong _months;
    private readonly ulong _weekDays;

    private CronPattern(ulong seconds, ulong minutes, ulong hours, ulong monthDays, ulong months, ulong weekDays) =>
        (_seconds, _minutes, _hours, _monthDays, _months, _weekDays) = (seconds, minutes, hours, monthDays, months, weekDays);

    /// <summary>Reads a pattern, or one of the names <c>@yearly</c>, <c>@annually</c>, <c>@monthly</c>, <c>@weekly</c>, <c>@daily</c>, <c>@midnight</c>, <c>@hourly</c>.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out CronPattern pattern)
    {
        pattern = default;
        text = Spelled(text);
        if (!TryTake(ref text, 0, 59, [], out var seconds) || !TryTake(ref text, 0, 59, [], out var minutes) || !TryTake(ref text, 0, 23, [], out var hours)
            || !TryTake(ref text, 1, 31, [], out var monthDays) || !TryTake(ref text, 1, 12, Months, out var months) || !TryTake(ref text, 0, 6, WeekDays, out var weekDays)
            || !text.Trim(" \t\r\n\v\f"u8).IsEmpty)
        {
            return false;
        }
        pattern = new CronPattern(seconds, minutes, hours, monthDays, months, weekDays);
        return true;
    }

    /// <summary>The first full second after a time that fits, within five years.</summary>
    /// <param name="after">Nanoseconds since 1970.</param>
    /// <param name="zone">Whose clocks are meant.</param>
    /// <param name="next">Nanoseconds since 1970.</param>
    /// <returns>False when there is none.</returns>
    public bool TryNext(long after, TimeZoneInfo zone, out long next)
    {
        next = 0;
        if (!ZonedTime.TryCreate(Math.DivRem(after, ZonedTime.NanosecondsPerSecond).Quotient + (after < 0 ? 0 : 1), zone, out var time)) return false;
        var lastYear = time.Local.Year + 5;
        // Each unit goes on until it fits, larger ones first; one that begins again from its start has changed a larger one.
        var isCut = false;
        while (time.Local.Year <= lastYear)
        {
            if (!FindMonth(ref time, ref isCut) || !FindDay(ref time, ref isCut) || !FindHour(ref time, ref isCut)
                || !FindMinute(ref time, ref isCut) || !FindSecond(ref time, ref isCut))
            {
                continue;
            }
            next = time.UnixSeconds * ZonedTime.NanosecondsPerSecond;
            return true;
        }
        return false;
    }

    private bool FindMonth(ref ZonedTime time, ref bool isCut)
    {
        while (!Has(_months, time.Local.Month))
        {
            if (Cut(ref isCut)) time = time.At(time.Local.Year, time.Local.Month, 1);
            var (year, month) = time.Local.Month == 12 ? (time.Local.Year + 1, 1) : (time.Local.Year, time.Local.Month + 1);
            time = time.At(year, month, 1, time.Local.Hour, time.Local.Minute, time.Local.Second);
            if (month == 1) return false;
        }
        return true;
    }

    private bool FindDay(ref ZonedTime time, ref bool isCut)
    {
        while (!IsDay(time.Local))
        {
            if (Cut(ref isCut)) time = time.At(time.Local.Year, time.Local.Month, time.Local.Day);
            var day = time.Local.Date.AddDays(1);
            time = time.At(day.Year, day.Month, day.Day, time.Local.Hour, time.Local.Minute, time.Local.Second);
            if (time.Local.Day == 1) return false;
        }
        return true;
    }

    private bool FindHour(ref ZonedTime time, ref bool isCut)
    {
        while (!Has(_hours, time.Local.Hour))
        {
            if (Cut(ref isCut)) time = time.At(time.Local.Year, time.Local.Month, time.Local.Day, time.Local.Hour);
            time = time.Add(3600);
            if (time.Local.Hour == 0) return false;
        }
        return true;
    }

    private bool FindMinute(ref ZonedTime time, ref bool isCut)
    {
        while (!Has(_minutes, time.Local.Minute))
        {
            if (Cut(ref isCut)) time = time.Add(-time.Local.Second);
            time = time.Add(60);
            if (time.Local.Minute == 0) return false;
        }
        return true;
    }

    private bool FindSecond(ref ZonedTime time, ref bool isCut)
    {
        while (!Has(_seconds, time.Local.Second))
        {
            isCut = true;
            time = time.Add(1);
            if (time.Local.Second == 0) return false;
        }
        return true;
    }

    /// <summary>Whether smaller units are to be set to their start, which is done once.</summary>
    private static bool Cut(ref bool isCut)
    {
        if (isCut) return false;
        isCut = true;
        return true;
    }

    /// <summary>When both kinds of days restrict, one of them is enough.</summary>
    private bool IsDay(DateTime day)
    {
        var byMonth = Has(_monthDays, day.Day);
        var byWeek = Has(_weekDays, (int)day.DayOfWeek);
        return ((_monthDays | _weekDays) & Star) != 0 ? byMonth && byWeek : byMonth || byWeek;
    }

    private static bool Has(ulong field, int value) => (field & (1UL << value)) != 0;

    private static ReadOnlySpan<byte> Spelled(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[0] != '@') return text;
        if (text.SequenceEqual("@yearly"u8) || text.SequenceEqual("@annually"u8)) return "0 0 0 1 1 *"u8;
        if (text.SequenceEqual("@monthly"u8)) return "0 0 0 1 * *"u8;
        if (text.SequenceEqual("@weekly"u8)) return "0 0 0 * * 0"u8;
        if (text.SequenceEqual("@daily"u8) || text.SequenceEqual("@midnight"u8)) return "0 0 0 * * *"u8;
        return text.SequenceEqual("@hourly"u8) ? "0 0 * * * *"u8 : text;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> text, int first, int last, ReadOnlySpan<byte[]> names, out ulong bits)
    {
        bits = 0;
        text = text.TrimStart(" \t\r\n\v\f"u8);
        var length = text.IndexOfAny(" \t\r\n\v\f"u8);
        var field = length < 0 ? text : text[..length];
        text = text[field.Length..];
        if (field.IsEmpty) return false;
        foreach (var range in field.Split((byte)','))
        {
            if (field[range].IsEmpty) continue;
            if (!TryRange(field[range], first, last, names, out var some)) return false;
            bits |= some;
        }
        return true;
    }

    private static bool TryRange(ReadOnlySpan<byte> range, int first, int last, ReadOnlySpan<byte[]> names, out ulong bits)
    {
        bits = 0;
        var slash = range.IndexOf((byte)'/');
        var values = slash < 0 ? range : range[..slash];
        var dash = values.IndexOf((byte)'-');
        var low = dash < 0 ? values : values[..dash];
        var isStar = low.SequenceEqual("*"u8) || low.SequenceEqual("?"u8);
        var (start, end) = (first, last);
        if (!isStar)
        {
            if (!TryValue(low, names, first, out start)) return false;
            end = start;
            if (dash >= 0 && !TryValue(values[(dash + 1)..], names, first, out end)) return false;
        }
        var step = 1;
        if (slash >= 0)
        {
            if (!TryNumber(range[(slash + 1)..], out step) || step == 0) return false;
            // A value with a step means from there on.
            if (dash < 0) end = last;
        }
        if (start < first || end > last || start > end) return false;
        for (long value = start; value <= end; value += step) bits |= 1UL << (int)value;
        if (isStar && step == 1) bits |= Star;
        return true;
    }

    private static bool TryValue(ReadOnlySpan<byte> text, ReadOnlySpan<byte[]> names, int first, out int value)
    {
        for (value = 0; value < names.Length; value++)
        {
            if (!Ascii.EqualsIgnoreCase(text, names[value])) continue;
            value += first;
            return true;
        }
        return TryNumber(text, out value);
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, out int value) =>
        Utf8Parser.TryParse(text, out value, out var used) && used == text.Length && value >= 0;
}
