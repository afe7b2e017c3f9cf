using System.Globalization;

namespace NatsAspire.Server.Configuration;

/// <summary>Durations as Go writes them: <c>1h30m</c>, <c>1.5s</c>, <c>-2ms</c>.</summary>
public static class GoDuration
{
    private static readonly (string Unit, double Ticks)[] Units =
    [
        ("ns", 0.01), ("us", 10), ("µs", 10), ("μs", 10), ("ms", TimeSpan.TicksPerMillisecond),
        ("s", TimeSpan.TicksPerSecond), ("m", TimeSpan.TicksPerMinute), ("h", TimeSpan.TicksPerHour),
    ];

    /// <summary>Reads a duration.</summary>
    /// <param name="text">Number and unit, repeated; a sign in front.</param>
    /// <param name="duration">The duration.</param>
    /// <param name="error">Go's words for what is wrong.</param>
    public static bool TryParse(string text, out TimeSpan duration, out string? error)
    {
        duration = default;
        error = null;
        var rest = text.AsSpan();
        var negative = rest.StartsWith("-");
        if (negative || rest.StartsWith("+")) rest = rest[1..];
        if (rest is "0") return true;
        if (rest.IsEmpty) error = $"time: invalid duration \"{text}\"";
        double ticks = 0;
        while (error is null && !rest.IsEmpty)
        {
            var length = rest.IndexOfAnyExcept("0123456789.");
            if (length < 0) error = $"time: missing unit in duration \"{text}\"";
            else if (!double.TryParse(rest[..length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                error = $"time: invalid duration \"{text}\"";
            }
            else
            {
                rest = rest[length..];
                var unitLength = rest.IndexOfAny("0123456789.") is var next and >= 0 ? next : rest.Length;
                var unit = rest[..unitLength].ToString();
                var known = Array.FindIndex(Units, candidate => candidate.Unit == unit);
                if (known < 0) error = $"time: unknown unit \"{unit}\" in duration \"{text}\"";
                else ticks += number * Units[known].Ticks;
                rest = rest[unitLength..];
            }
        }
        if (error is null && ticks > long.MaxValue / 2) error = $"time: invalid duration \"{text}\"";
        if (error is not null) return false;
        duration = TimeSpan.FromTicks((long)(negative ? -ticks : ticks));
        return true;
    }

    /// <summary>A duration as Go prints it.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero) return "0s";
        if (duration < TimeSpan.Zero) return "-" + Format(-duration);
        var seconds = (duration.Ticks % TimeSpan.TicksPerMinute) / (double)TimeSpan.TicksPerSecond;
        var tail = seconds.ToString("0.#######", CultureInfo.InvariantCulture) + "s";
        if (duration < TimeSpan.FromSeconds(1)) return duration.TotalMilliseconds.ToString("0.####", CultureInfo.InvariantCulture) + "ms";
        if (duration < TimeSpan.FromMinutes(1)) return tail;
        return duration < TimeSpan.FromHours(1)
            ? $"{duration.Minutes}m{tail}"
            : $"{(long)duration.TotalHours}h{duration.Minutes}m{tail}";
    }
}
