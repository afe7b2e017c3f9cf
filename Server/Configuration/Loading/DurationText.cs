using System.Globalization;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Durations as configurations write them: <c>1h30m</c>, <c>1.5s</c>, <c>-2ms</c>.</summary>
public static class DurationText
{
    private const decimal TicksPerNanosecond = 0.01m;

    /// <summary>As many as upstream's duration holds: 2^63 - 1 ns.</summary>
    private const decimal MostTicks = long.MaxValue * TicksPerNanosecond;

    private static readonly (string Name, decimal Ticks)[] Units =
    [
        ("ns", TicksPerNanosecond),
        ("us", TimeSpan.TicksPerMicrosecond),
        ("µs", TimeSpan.TicksPerMicrosecond),
        ("μs", TimeSpan.TicksPerMicrosecond),
        ("ms", TimeSpan.TicksPerMillisecond),
        ("s", TimeSpan.TicksPerSecond),
        ("m", TimeSpan.TicksPerMinute),
        ("h", TimeSpan.TicksPerHour),
    ];

    /// <summary>Reads a duration.</summary>
    /// <param name="text">One or more numbers with a unit each, after an optional sign.</param>
    /// <param name="duration">The value, cut to 100 ns.</param>
    /// <returns>Upstream's error text, or null.</returns>
    public static string? Parse(string text, out TimeSpan duration)
    {
        duration = default;
        var invalid = $"time: invalid duration {QuotedText.Quote(text)}";
        var rest = text.AsSpan();
        var isNegative = rest is ['-', ..];
        if (rest is ['+' or '-', ..]) rest = rest[1..];
        if (rest is "0") return null;
        if (rest.IsEmpty) return invalid;
        var ticks = 0m;
        while (!rest.IsEmpty)
        {
            if (!TryTakeNumber(ref rest, out var number)) return invalid;
            var unitLength = rest.IndexOfAny(".0123456789");
            var unit = (unitLength < 0 ? rest : rest[..unitLength]).ToString();
            if (unit.Length == 0) return $"time: missing unit in duration {QuotedText.Quote(text)}";
            var known = Array.FindIndex(Units, candidate => candidate.Name == unit);
            if (known < 0) return $"time: unknown unit {QuotedText.Quote(unit)} in duration {QuotedText.Quote(text)}";
            // Before the product, which a decimal may not hold.
            if (number > MostTicks / Units[known].Ticks) return invalid;
            ticks += number * Units[known].Ticks;
            if (ticks > MostTicks) return invalid;
            rest = rest[unit.Length..];
        }
        duration = new TimeSpan((long)(isNegative ? -ticks : ticks));
        return null;
    }

    /// <summary>The way logs and errors show a duration: <c>1m30s</c>, <c>50ms</c>, <c>0s</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero) return "0s";
        var sign = duration < TimeSpan.Zero ? "-" : "";
        var ticks = Math.Abs((decimal)duration.Ticks);
        if (ticks < TimeSpan.TicksPerMicrosecond) return $"{sign}{Plain(ticks / TicksPerNanosecond)}ns";
        if (ticks < TimeSpan.TicksPerMillisecond) return $"{sign}{Plain(ticks / TimeSpan.TicksPerMicrosecond)}µs";
        if (ticks < TimeSpan.TicksPerSecond) return $"{sign}{Plain(ticks / TimeSpan.TicksPerMillisecond)}ms";
        var seconds = $"{Plain(ticks % TimeSpan.TicksPerMinute / TimeSpan.TicksPerSecond)}s";
        var minutes = (long)(ticks / TimeSpan.TicksPerMinute);
        if (minutes == 0) return sign + seconds;
        return minutes < 60 ? $"{sign}{minutes}m{seconds}" : $"{sign}{minutes / 60}h{minutes % 60}m{seconds}";
    }

    private static string Plain(decimal number) => number.ToString("0.#########", CultureInfo.InvariantCulture);

    private static bool TryTakeNumber(ref ReadOnlySpan<char> rest, out decimal number)
    {
        var length = rest.IndexOfAnyExcept(".0123456789");
        var digits = length < 0 ? rest : rest[..length];
        rest = rest[digits.Length..];
        var firstDot = digits.IndexOf('.');
        number = 0;
        return digits.IndexOfAnyInRange('0', '9') >= 0
            && (firstDot < 0 || digits[(firstDot + 1)..].IndexOf('.') < 0)
            && digits.Length <= 28
            && decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number);
    }
}
