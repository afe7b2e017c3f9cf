using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.JetStream.Streams.Schedules;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Publishing;

public sealed class MessageScheduleTests
{
    [Theory]
    [InlineData("@at 2030-01-01T00:00:00.5Z", "2026-01-01T00:00:00Z", "2030-01-01T00:00:00.5Z")]
    [InlineData("@at 2030-01-01T02:00:00+02:00", "2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z")]
    [InlineData("@at 2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2020-01-01T00:00:00Z")]
    [InlineData("@every 5s", "2026-01-01T00:00:00.4Z", "2026-01-01T00:00:05Z")]
    [InlineData("@every 1500ms", "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:02.5Z")]
    [InlineData("* * * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z")]
    [InlineData("* * * * * *", "2026-01-01T00:00:00.999999Z", "2026-01-01T00:00:01Z")]
    [InlineData("@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")]
    [InlineData("@annually", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")]
    [InlineData("@monthly", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")]
    [InlineData("@weekly", "2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z")]
    [InlineData("@daily", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")]
    [InlineData("@midnight", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")]
    [InlineData("@hourly", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z")]
    [InlineData("0 0 5 * * *", "2026-01-01T05:00:00Z", "2026-01-02T05:00:00Z")]
    [InlineData("*/15 * * * * ?", "2026-01-01T00:00:01Z", "2026-01-01T00:00:15Z")]
    [InlineData("30 5/20 1-3 * * *", "2026-01-01T03:45:31Z", "2026-01-02T01:05:30Z")]
    [InlineData("0 0 0 29 feb *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z")]
    [InlineData("0 0 12 * JAN,mar MON-fri", "2026-01-30T12:00:00Z", "2026-03-02T12:00:00Z")]
    [InlineData("0 0 0 13 * fri", "2026-02-01T00:00:00Z", "2026-02-06T00:00:00Z")]
    [InlineData("59 59 23 31 12 *", "2026-12-31T23:59:59Z", "2027-12-31T23:59:59Z")]
    [InlineData("  0   0 0 1 1 *  ", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z")]
    [Upstream("jetstream_test.go", "TestJetStreamScheduledMessageParse")]
    public void NextIsFound(string pattern, string after, string next) => Next(pattern, null, after, after).ShouldBe(Unix(next));

    /// <summary>Clocks go forward on 29 March 2026 at 2:00 and back on 25 October at 3:00.</summary>
    [Theory]
    [InlineData("0 0 5 * * *", "2026-01-01T00:00:00Z", "2026-01-01T04:00:00Z")]
    [InlineData("0 0 5 * * *", "2026-07-01T00:00:00Z", "2026-07-01T03:00:00Z")]
    [InlineData("0 0 5 * * *", "2026-03-28T23:30:00Z", "2026-03-29T03:00:00Z")]
    [InlineData("0 30 2 * * *", "2026-03-28T23:30:00Z", "2026-03-30T00:30:00Z")]
    [InlineData("0 30 2 * * *", "2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z")]
    [InlineData("0 30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")]
    [InlineData("0 0 0 1 * *", "2026-10-15T00:00:00Z", "2026-10-31T23:00:00Z")]
    public void ZonesAreObserved(string pattern, string after, string next) => Next(pattern, "Europe/Paris", after, after).ShouldBe(Unix(next));

    [Fact]
    public void MissedTimesAreMadeUpForOnce()
    {
        Next("@every 5s", null, "2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z").ShouldBe(Unix("2026-01-01T00:00:05Z"));
        Next("* * * * * *", null, "2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z").ShouldBe(Unix("2026-01-01T00:00:01Z"));
    }

    [Theory]
    [InlineData("@sometimes")]
    [InlineData("@at yesterday")]
    [InlineData("@at 2026-02-30T00:00:00Z")]
    [InlineData("@every 999ms")]
    [InlineData("@every -5s")]
    [InlineData("@every 1x")]
    [InlineData("* * * * *")]
    [InlineData("* * * * * * *")]
    [InlineData("60 * * * * *")]
    [InlineData("* * 24 * * *")]
    [InlineData("* * * 0 * *")]
    [InlineData("* * * * 13 *")]
    [InlineData("* * * * * 7")]
    [InlineData("5-1 * * * * *")]
    [InlineData("1-2-3 * * * * *")]
    [InlineData("*/0 * * * * *")]
    [InlineData("*/1/2 * * * * *")]
    [InlineData("-1 * * * * *")]
    [InlineData("99999999999 * * * * *")]
    [InlineData("a * * * * *")]
    [InlineData(", * * * * *")]
    [InlineData("0 0 0 30 2 *")]
    public void WrongPatternsAreRefused(string pattern) =>
        MessageSchedule.TryNext(Encoding.UTF8.GetBytes(pattern), null, Unix("2026-01-01T00:00:00Z"), Unix("2026-01-01T00:00:00Z"), out _).ShouldBeFalse();

    [Theory]
    [InlineData("Europe/Paris", "0 0 5 * * *", 0)]
    [InlineData("UTC", "0 0 5 * * *", 0)]
    [InlineData("Mars/Base", "0 0 5 * * *", 10223)]
    [InlineData("", "0 0 5 * * *", 10223)]
    [InlineData("../../etc/passwd", "0 0 5 * * *", 10223)]
    [InlineData("/usr/share/zoneinfo/UTC", "0 0 5 * * *", 10223)]
    [InlineData("Europe/Paris", "@every 5s", 10189)]
    [InlineData("Europe/Paris", "@at 2030-01-01T00:00:00Z", 10189)]
    public void ZonesAreForCronOnly(string zone, string pattern, int error)
    {
        var headers = new PublishHeaders(Encoding.UTF8.GetBytes($"NATS/1.0\r\nNats-Schedule: {pattern}\r\nNats-Schedule-Time-Zone: {zone}\r\n\r\n"));
        ((int?)MessageSchedule.Next(headers, 0, Unix("2026-01-01T00:00:00Z"), out _)?.ErrorCode ?? 0).ShouldBe(error);
    }

    [Fact]
    public void TimesFarAwayDoNoHarm()
    {
        foreach (var time in new[] { long.MinValue, -1, 0, long.MaxValue })
        {
            foreach (var pattern in new[] { "* * * * * *", "@every 2562047h", "@yearly" }) MessageSchedule.TryNext(Encoding.UTF8.GetBytes(pattern), null, time, time, out _);
        }
    }

    private static long Next(string pattern, string? zone, string after, string now)
    {
        var found = MessageSchedule.TryNext(Encoding.UTF8.GetBytes(pattern), zone is null ? null : TimeZoneInfo.FindSystemTimeZoneById(zone), Unix(after), Unix(now), out var next);
        found.ShouldBeTrue();
        next.Repeats.ShouldBe(!pattern.StartsWith("@at", StringComparison.Ordinal));
        return next.Time;
    }

    private static long Unix(string time) =>
        (DateTimeOffset.Parse(time, CultureInfo.InvariantCulture).UtcTicks - DateTimeOffset.UnixEpoch.Ticks) * TimeSpan.NanosecondsPerTick;
}
