using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Primitives;

/// <summary>The same line once in an interval.</summary>
public sealed class RepeatedTextsTests
{
    [Fact]
    public void ATextComesOnceInAnInterval()
    {
        var time = new SteppedTime();
        var texts = new RepeatedTexts(time);
        (texts.Admits("a"), texts.Admits("a"), texts.Admits("b")).ShouldBe((true, false, true));
        time.Now += TimeSpan.FromMilliseconds(999);
        texts.Admits("a").ShouldBeFalse();
        time.Now += TimeSpan.FromMilliseconds(1);
        (texts.Admits("a"), texts.Admits("a")).ShouldBe((true, false));
    }

    [Fact]
    public void ManyDifferentTextsTakeNoMoreMemory()
    {
        var time = new SteppedTime();
        var texts = new RepeatedTexts(time);
        for (var i = 0; i < 10_000; i++)
        {
            texts.Admits($"{i}").ShouldBeTrue();
            texts.Count.ShouldBeLessThanOrEqualTo(RepeatedTexts.Capacity);
        }
    }

    [Fact]
    public async Task ManyClientsBeyondTheLimitAreOneLine()
    {
        using var log = new CapturedLog();
        await using var server = await NatsServer.StartAsync(TestServer.Parse("max_connections: 1"), log);
        using var first = await RawClient.OpenAsync(server.ClientEndPoint!);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 0; i < 20; i++)
        {
            using var other = await RawClient.ConnectAsync(server.ClientEndPoint!);
            (await other.ReadToCloseAsync()).ShouldContain("-ERR 'maximum connections exceeded'");
        }
        log.Lines.Count(line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("maximum connections exceeded", StringComparison.Ordinal))
            .ShouldBeInRange(1, 1 + (int)clock.Elapsed.TotalSeconds);
    }
}
