using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Tests.Unit.Configuration;

/// <summary>Durations of configurations, with Go's limits and errors.</summary>
public sealed class DurationTextTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("+1.5s", 15_000_000)]
    [InlineData("-2ms", -20_000)]
    [InlineData("1h30m", 54_000_000_000)]
    [InlineData(".5m", 300_000_000)]
    [InlineData("1us2µs3μs", 60)]
    [InlineData("250ns", 2)]
    [InlineData("2562047h47m16.854775807s", 92_233_720_368_547_758)]
    public void IsRead(string text, long ticks)
    {
        DurationText.Parse(text, out var duration).ShouldBeNull();
        duration.Ticks.ShouldBe(ticks);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("1.2.3s")]
    [InlineData(".s")]
    [InlineData("2562047h47m16.854775808s")]
    [InlineData("2562048h")]
    [InlineData("9999999999999999999999999999h")]
    [InlineData("29999999999999999999999m")]
    [InlineData("9999999999999999999999999999ns1h")]
    [InlineData("99999999999999999999999999999999999999999s")]
    public void IsRefused(string text) => DurationText.Parse(text, out _).ShouldBe($"time: invalid duration \"{text}\"");

    [Theory]
    [InlineData("5", "time: missing unit in duration \"5\"")]
    [InlineData("5d", "time: unknown unit \"d\" in duration \"5d\"")]
    public void UnitsAreNamed(string text, string error) => DurationText.Parse(text, out _).ShouldBe(error);
}
