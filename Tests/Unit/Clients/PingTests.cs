using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

public sealed class PingTests
{
    [Fact]
    [Upstream("ping_test.go", "TestPing")]
    public async Task WhoAnswersIsAskedAgainAndAgain()
    {
        await using var server = await StartAsync(TimeSpan.FromMilliseconds(100), 2);
        using var client = await OpenAsync(server);
        for (var i = 0; i < 4; i++)
        {
            await client.ExpectAsync("PING\r\n");
            await client.SendAsync("PONG\r\n");
        }
        server.ClientCount.ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("ping_test.go", "TestPingInterval")]
    [Upstream("ping_test.go", "TestUnpromptedPong")]
    public async Task WhoDoesNotAnswerIsStale(bool answersBefore)
    {
        await using var server = await StartAsync(TimeSpan.FromMilliseconds(100), 3);
        using var client = await OpenAsync(server);
        if (answersBefore) await client.SendAsync(string.Concat(Enumerable.Repeat("PONG\r\n", 100)));
        (await client.ReadToCloseAsync()).ShouldBe("PING\r\nPING\r\nPING\r\n-ERR 'Stale Connection'\r\n");
        await Wait.Until("the reason", () => server.Clients.Closed.ToList().Count == 1);
        server.Clients.Closed.ToList().Single().Reason.ShouldBe(CloseReason.StaleConnection);
        server.Clients.StaleConnections.ShouldBe(1);
    }

    [Fact]
    [Upstream("ping_test.go", "TestPingSentToTLSConnection")]
    public async Task InsideTlsItIsTheSame()
    {
        using var certificates = new TestCertificates();
        await using var server = await TestServer.FromConfigAsync("ping_interval: \"100ms\"\nping_max: 2\n" + certificates.Block());
        using var client = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadThroughAsync("\r\n");
        await client.StartTlsAsync();
        await client.SendAsync("CONNECT {\"verbose\":false}\r\n");
        (await client.ReadToEndAsync()).ShouldBe("PING\r\nPING\r\n-ERR 'Stale Connection'\r\n");
    }

    [Fact]
    [Upstream("ping_test.go", "TestPingSuppresion")]
    public async Task WhoIsActiveIsNotAsked()
    {
        await using var server = await StartAsync(TimeSpan.FromSeconds(1), 2);
        using var client = await OpenAsync(server);
        await client.ExpectAsync("PING\r\n");
        await client.SendAsync("PONG\r\n");
        var until = Environment.TickCount64 + 2500;
        await Wait.Until("some seconds of traffic", async () =>
        {
            await client.SendAsync("PUB foo 0\r\n\r\n");
            return Environment.TickCount64 > until;
        });
        await client.FlushAsync();
    }

    private static async Task<RawClient> OpenAsync(NatsServer server)
    {
        var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        client.SkipsServerPings = false;
        await client.ReadInfoAsync();
        await client.SendAsync("CONNECT {\"verbose\":false}\r\n");
        return client;
    }

    private static Task<NatsServer> StartAsync(TimeSpan interval, int max) =>
        TestServer.StartAsync(o => o with { Limits = o.Limits with { PingInterval = interval, MaxPingsOut = max } });
}
