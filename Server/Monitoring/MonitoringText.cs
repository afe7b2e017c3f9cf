using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Monitoring;

/// <summary>Times as upstream's pages write them.</summary>
public static class MonitoringText
{
    /// <summary>1y2d3h4m5s, without the parts that are zero at the front.</summary>
    public static string Uptime(TimeSpan uptime)
    {
        if (uptime < TimeSpan.Zero) uptime = TimeSpan.Zero;
        var years = uptime.Days / 365;
        var days = uptime.Days % 365;
        return years > 0 ? $"{years}y{days}d{uptime.Hours}h{uptime.Minutes}m{uptime.Seconds}s"
            : days > 0 ? $"{days}d{uptime.Hours}h{uptime.Minutes}m{uptime.Seconds}s"
            : uptime.Hours > 0 ? $"{uptime.Hours}h{uptime.Minutes}m{uptime.Seconds}s"
            : uptime.Minutes > 0 ? $"{uptime.Minutes}m{uptime.Seconds}s"
            : $"{uptime.Seconds}s";
    }

    /// <summary>287µs, 1.5ms: microseconds whole below a millisecond.</summary>
    public static string RoundTrip(TimeSpan time) => DurationText.Format(
        time > TimeSpan.FromMicroseconds(1) && time < TimeSpan.FromMilliseconds(1)
            ? new TimeSpan(time.Ticks - (time.Ticks % TimeSpan.TicksPerMicrosecond))
            : time);

    /// <summary>The part of a list a page shows; never outside of it, however large the numbers are.</summary>
    public static IReadOnlyList<T> Page<T>(IReadOnlyList<T> all, long offset, long limit)
    {
        var first = Math.Clamp(offset, 0, all.Count);
        var count = Math.Min(limit, all.Count - first);
        return count == all.Count ? all : [.. all.Skip((int)first).Take((int)count)];
    }
}
