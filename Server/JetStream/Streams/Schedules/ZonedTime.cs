namespace NatsAspire.Server.JetStream.Streams.Schedules;

/// <summary>A second and what clocks in a time zone show then.</summary>
internal readonly struct ZonedTime
{
    public const long NanosecondsPerSecond = 1_000_000_000;

    private static readonly long EpochSeconds = DateTime.UnixEpoch.Ticks / TimeSpan.TicksPerSecond;

    private readonly TimeZoneInfo _zone;

    private ZonedTime(long unixSeconds, TimeZoneInfo zone)
    {
        UnixSeconds = unixSeconds;
        _zone = zone;
        Local = At(unixSeconds + Offset(unixSeconds));
    }

    public long UnixSeconds { get; }

    public DateTime Local { get; }

    /// <summary>A time in a zone; false when it is too far from now to count five years on from it.</summary>
    public static bool TryCreate(long unixSeconds, TimeZoneInfo zone, out ZonedTime time)
    {
        var isNear = unixSeconds + EpochSeconds > TimeSpan.SecondsPerDay && unixSeconds + EpochSeconds < new DateTime(9990, 1, 1).Ticks / TimeSpan.TicksPerSecond;
        time = isNear ? new ZonedTime(unixSeconds, zone) : default;
        return isNear;
    }

    public ZonedTime Add(long seconds) => new(UnixSeconds + seconds, _zone);

    /// <summary>
    /// When clocks of the zone show that. Where they are put forward and never show it: as if they had not been yet, or
    /// had been already; where they show it twice: one of both. Which, is as upstream has it.
    /// </summary>
    public ZonedTime At(int year, int month, int day, int hour = 0, int minute = 0, int second = 0)
    {
        var shown = (new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc).Ticks / TimeSpan.TicksPerSecond) - EpochSeconds;
        var offset = Offset(shown);
        return new ZonedTime(shown - (offset == 0 ? 0 : Offset(shown - offset)), _zone);
    }

    private static DateTime At(long unixSeconds) => new((unixSeconds + EpochSeconds) * TimeSpan.TicksPerSecond, DateTimeKind.Utc);

    /// <summary>Seconds that clocks are ahead of UTC at a time.</summary>
    private long Offset(long unixSeconds) => _zone.GetUtcOffset(At(unixSeconds)).Ticks / TimeSpan.TicksPerSecond;
}
