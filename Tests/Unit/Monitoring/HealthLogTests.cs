using NatsAspire.Server.Monitoring;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary>What the log says of requests for a server's health.</summary>
public sealed class HealthLogTests
{
    [Fact]
    public void TheSameReasonIsToldAgainAfterTenSecondsOnly()
    {
        using var log = new CapturedLog();
        var clock = new SteppedTime();
        var health = new HealthLog(log, clock);
        for (var second = 0; second < 25; second++)
        {
            clock.Now = TimeSpan.FromSeconds(second);
            health.Tell("\"no leader\"");
        }
        log.Lines.Count.ShouldBe(3);
        log.Contains("Warning Healthcheck failed: \"no leader\"").ShouldBeTrue();
    }

    [Fact]
    public void AnotherReasonIsToldAtOnce()
    {
        using var log = new CapturedLog();
        var health = new HealthLog(log, new SteppedTime());
        foreach (var reason in new[] { "a", "a", "b", "a" }) health.Tell(reason);
        log.Lines.Count.ShouldBe(3);
    }
}
