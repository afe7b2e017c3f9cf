using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Publishing;

namespace NatsAspire.Server.JetStream.Streams.Schedules;

/// <summary>When a scheduled message is due.</summary>
/// <param name="Time">Nanoseconds since 1970.</param>
/// <param name="Repeats">Whether it is due again later.</param>
public readonly record struct ScheduledTime(long Time, bool Repeats);

/// <summary>
/// Schedules of messages (ADR-51): <c>@at</c> with a time, <c>@every</c> with a duration of at least a second, or a
/// <see cref="CronPattern"/>. Pure: the clock is the caller's.
/// </summary>
public static class MessageSchedule
{
    /// <summary>Bytes of a time zone's name; longer ones name none.</summary>
    private const int MaxZoneLength = 255;

    /// <summary>When a message's schedule is due next.</summary>
    /// <param name="headers">Its headers.</param>
    /// <param name="after">When it was stored or came last; nanoseconds since 1970.</param>
    /// <param name="now">Nanoseconds since 1970. Times that have gone by meanwhile are made up for once.</param>
    /// <param name="next">Null: it has no schedule.</param>
    /// <returns>What is wrong, or null.</returns>
    public static ApiError? Next(in PublishHeaders headers, long after, long now, out ScheduledTime? next)
    {
        next = null;
        TimeZoneInfo? zone = null;
        if (headers.HasScheduleTimeZone && !TryFindZone(headers.ScheduleTimeZone, out zone)) return JetStreamErrors.JSMessageSchedulesTimeZoneInvalidErr;
        if (headers.Schedule.IsEmpty) return null;
        if (!TryNext(headers.Schedule, zone, after, now, out var time)) return JetStreamErrors.JSMessageSchedulesPatternInvalidErr;
        next = time;
        return null;
    }

    /// <summary>A time as a schedule's messages tell it: in the schedule's time zone.</summary>
    /// <param name="headers">The schedule's.</param>
    /// <param name="time">Nanoseconds since 1970.</param>
    public static string Describe(in PublishHeaders headers, long time)
    {
        if (!headers.HasScheduleTimeZone || !TryFindZone(headers.ScheduleTimeZone, out var zone)) return ApiTime.FromUnix(time).ToString();
        var utc = DateTime.UnixEpoch.AddTicks(time / TimeSpan.NanosecondsPerTick);
        var offset = zone!.GetUtcOffset(utc);
        if (offset == TimeSpan.Zero) return ApiTime.FromUnix(time).ToString();
        // Offsets of parts of minutes are of the nineteenth century.
        var minutes = TimeSpan.FromMinutes(Math.Truncate(offset.TotalMinutes));
        return new DateTimeOffset(utc).ToOffset(minutes).ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture);
    }

    /// <summary>When a pattern is due next.</summary>
    /// <param name="pattern">The header's value.</param>
    /// <param name="zone">For cron patterns only; null: UTC.</param>
    /// <param name="after">Nanoseconds since 1970.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="next">The time.</param>
    /// <returns>False when the pattern is wrong.</returns>
    public static bool TryNext(ReadOnlySpan<byte> pattern, TimeZoneInfo? zone, long after, long now, out ScheduledTime next)
    {
        next = default;
        if (pattern.StartsWith("@at "u8)) return zone is null && TryAt(pattern["@at ".Length..], out next);
        if (pattern.StartsWith("@every "u8)) return zone is null && TryEvery(pattern["@every ".Length..], after, now, out next);
        zone ??= TimeZoneInfo.Utc;
        if (!CronPattern.TryParse(pattern, out var cron) || !cron.TryNext(after, zone, out var time)) return false;
        if (time < now && !cron.TryNext(Rounded(now), zone, out time)) return false;
        next = new ScheduledTime(time, Repeats: true);
        return true;
    }

    private static bool TryAt(ReadOnlySpan<byte> text, out ScheduledTime next)
    {
        var error = ApiTime.Parse(Encoding.UTF8.GetString(text), out var time);
        next = new ScheduledTime(time.UnixNanoseconds, Repeats: false);
        return error is null;
    }

    private static bool TryEvery(ReadOnlySpan<byte> text, long after, long now, out ScheduledTime next)
    {
        next = default;
        if (!GoDuration.TryParse(text, out var interval) || interval < GoDuration.Second) return false;
        var time = (Int128)Rounded(after) + interval;
        if (time < now) time = (Int128)Rounded(now) + interval;
        if (time > long.MaxValue) return false;
        next = new ScheduledTime((long)time, Repeats: true);
        return true;
    }

    /// <summary>To the nearest second.</summary>
    private static long Rounded(long time)
    {
        var rest = time % GoDuration.Second;
        if (rest < 0) rest += GoDuration.Second;
        return rest * 2 < GoDuration.Second ? time - rest : time - rest + GoDuration.Second;
    }

    /// <summary>Zones of the system's database. A name is no path: it leads nowhere else.</summary>
    private static bool TryFindZone(ReadOnlySpan<byte> name, out TimeZoneInfo? zone)
    {
        zone = null;
        if (name.IsEmpty || name.Length > MaxZoneLength || name[0] == '/' || name.IndexOf(".."u8) >= 0 || name.IndexOfAny((byte)'\\', (byte)0) >= 0) return false;
        return TimeZoneInfo.TryFindSystemTimeZoneById(Encoding.UTF8.GetString(name), out zone);
    }
}
