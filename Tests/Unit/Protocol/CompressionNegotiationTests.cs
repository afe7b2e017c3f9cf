using NatsAspire.Server.Protocol;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Protocol;

public sealed class CompressionNegotiationTests
{
    [Theory]
    [InlineData("accept", null, "not supported")]
    [InlineData("s2_best", "", "not supported")]
    [InlineData("s2_fast", "not supported", "not supported")]
    [InlineData("s2_fast", "off", "off")]
    [InlineData("accept", "off", "off")]
    [InlineData("accept", "accept", "off")]
    [InlineData("accept", "s2_fast", "s2_fast")]
    [InlineData("accept", "s2_better", "s2_better")]
    [InlineData("accept", "s2_best", "s2_best")]
    [InlineData("accept", "s2_uncompressed", "s2_uncompressed")]
    [InlineData("accept", "s2_auto", "s2_fast")]
    [InlineData("s2_auto", "accept", "s2_auto")]
    [InlineData("s2_auto", "s2_best", "s2_auto")]
    [InlineData("s2_better", "s2_auto", "s2_better")]
    [InlineData("s2_better", "s2_fast", "s2_better")]
    [InlineData("s2_better", "zstd", null)]
    [InlineData("accept", "S2_FAST", null)]
    public void EachSideChoosesByBothModes(string own, string? remote, string? expected) =>
        CompressionNegotiation.Agree(own, remote).ShouldBe(expected);

    [Theory]
    [InlineData(true, "accept")]
    [InlineData(true, "s2_auto")]
    [InlineData(true, "s2_uncompressed")]
    [InlineData(true, "s2_fast")]
    [InlineData(false, "off")]
    [InlineData(false, "not supported")]
    public void OffAndUnknownDoNotNegotiate(bool expected, string mode) => CompressionNegotiation.IsActive(mode).ShouldBe(expected);

    [Theory]
    [InlineData("10 50 100", "0:u 10:u 11:f 50:f 51:b 100:b 101:B 5000:B")]
    [InlineData("0 100 0 300", "1:f 100:f 101:B 300:B 400:B")]
    [InlineData("0 0 20 30", "1:b 20:b 25:B 31:B")]
    [InlineData("50 150", "1:u 100:f 150:f 250:f")]
    [InlineData("50", "1:u 51:u")]
    [InlineData("0 0 0 20", "1:B 30:B")]
    [Upstream("routes_test.go", "TestRouteCompressionAuto")]
    public void TheLevelFollowsTheRoundTrip(string thresholds, string expected)
    {
        TimeSpan[] limits = [.. thresholds.Split(' ').Select(text => TimeSpan.FromMilliseconds(int.Parse(text, System.Globalization.CultureInfo.InvariantCulture)))];
        foreach (var one in expected.Split(' '))
        {
            var parts = one.Split(':');
            var level = parts[1] switch { "u" => "s2_uncompressed", "f" => "s2_fast", "b" => "s2_better", _ => "s2_best" };
            var roundTrip = TimeSpan.FromMilliseconds(int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture));
            CompressionNegotiation.LevelFor(roundTrip, limits).ShouldBe(level, $"{roundTrip} of {thresholds}");
        }
    }
}
