using System.Net;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Interop;

/// <summary>One cluster of Debian's nats-server (Go, 2.9) and ours, in either order of start.</summary>
public sealed class MixedClusterTests
{
    [Theory]
    [InlineData(true, "accept")]
    [InlineData(false, "accept")]
    [InlineData(true, "s2_best")]
    [InlineData(false, "s2_auto")]
    [InlineData(false, "off")]
    [Upstream("routes_test.go", "TestRoutePoolWithOlderServerConnectAndReconnect")]
    [Upstream("routes_test.go", "TestRoutePoolAndPerAccountWithOlderServer")]
    public async Task InterestAndMessagesCrossBothWays(bool oursFirst, string compression)
    {
        var path = Peers.GoServer();
        var ports = new NatsAspire.Hosting.FreePorts().Take(4);
        var (ourRoute, theirRoute, theirClient) = (ports[0], ports[1], ports[2]);
        string[] arguments =
        [
            "-a", "127.0.0.1", "-p", $"{theirClient}", "-n", "go", "--cluster", $"nats://127.0.0.1:{theirRoute}", "--cluster_name", "C",
            .. oursFirst ? new[] { "--routes", $"nats://127.0.0.1:{ourRoute}" } : [],
        ];
        var options = TestServer.Member("ours", "C", oursFirst ? [] : [theirRoute]);
        options = options with { Cluster = options.Cluster with { Port = ourRoute, Compression = compression } };
        NatsServer? ours = oursFirst ? await NatsServer.StartAsync(options) : null;
        await using var go = RunningProcess.Start(path, arguments);
        await go.WaitForOutputAsync("Server is ready");
        ours ??= await NatsServer.StartAsync(options);
        await using var _ = ours;
        await Wait.Until("the route", () => ours.RouteConnectionCount == 1, () => go.Output);
        // 2.9 knows of no compression, whatever is configured here.
        ours.Routes!.Snapshot().Single().Compression.ShouldBe("not supported");
        using var here = await RawClient.OpenAsync(ours.ClientEndPoint!);
        using var there = await RawClient.OpenAsync(new IPEndPoint(IPAddress.Loopback, theirClient));
        await ExchangeAsync(here, there);
        await ExchangeAsync(there, here);
        await QueueAsync(here, there);
        await NoRespondersAsync(here);
        await NoRespondersAsync(there);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RoutesInTlsCrossBothWays(bool oursDials)
    {
        var path = Peers.GoServer();
        using var certificates = new TestCertificates();
        var ports = new NatsAspire.Hosting.FreePorts().Take(3);
        string Config(int routePort, int dialled) =>
            $"cluster {{ name: C, listen: \"127.0.0.1:{routePort}\", {certificates.Block()}\n routes: [ {(dialled == 0 ? "" : $"\"nats-route://localhost:{dialled}\"")} ] }}";
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, $"listen: \"127.0.0.1:{ports[2]}\"\n" + Config(ports[1], oursDials ? 0 : ports[0]), TestContext.Current.CancellationToken);
        await using var ours = await TestServer.FromConfigAsync(Config(ports[0], oursDials ? ports[1] : 0));
        await using var go = RunningProcess.Start(path, "-c", file);
        await go.WaitForOutputAsync("Server is ready");
        await Wait.Until("the route", () => ours.RouteConnectionCount == 1, () => go.Output);
        using var here = await RawClient.OpenAsync(ours.ClientEndPoint!);
        using var there = await RawClient.OpenAsync(new IPEndPoint(IPAddress.Loopback, ports[2]));
        await ExchangeAsync(here, there);
        await ExchangeAsync(there, here);
        File.Delete(file);
    }

    private static async Task ExchangeAsync(RawClient from, RawClient to)
    {
        await to.SendAsync("SUB x.* 1\r\nSUB ready 2\r\n");
        await to.FlushAsync();
        await ReachAsync(from, to, "ready", 2);
        await from.SendAsync("PUB x.plain 5\r\nhello\r\nPUB x.reply re.ply 2\r\nhi\r\nHPUB x.head 20 22\r\nNATS/1.0\r\nA: b\r\n\r\n\r\nok\r\nHPUB x.both re.ply 12 12\r\nNATS/1.0\r\n\r\n\r\nPUB x.empty 0\r\n\r\n");
        await to.ExpectAsync(
            "MSG x.plain 1 5\r\nhello\r\nMSG x.reply 1 re.ply 2\r\nhi\r\nHMSG x.head 1 20 22\r\nNATS/1.0\r\nA: b\r\n\r\n\r\nok\r\n" +
            "HMSG x.both 1 re.ply 12 12\r\nNATS/1.0\r\n\r\n\r\nMSG x.empty 1 0\r\n\r\n");
        await to.SendAsync("UNSUB 1\r\nUNSUB 2\r\n");
        await to.FlushAsync();
    }

    /// <summary>Publishes until interest has crossed: the first message that arrives says so.</summary>
    private static async Task ReachAsync(RawClient from, RawClient to, string subject, int sid)
    {
        var message = $"MSG {subject} {sid} 0\r\n\r\n";
        await Wait.Until($"interest in {subject} crosses", async () =>
        {
            await from.SendAsync($"PUB {subject} 0\r\n\r\n");
            await from.FlushAsync();
            return await to.ReadMoreAsync(TimeSpan.FromMilliseconds(100)) || to.Pending.Length > 0;
        });
        await to.SendAsync("PING\r\n");
        (await to.ReadThroughAsync("PONG\r\n")).Replace(message, "").ShouldBe("PONG\r\n");
    }

    /// <summary>Members on both servers get each message once between them.</summary>
    private static async Task QueueAsync(RawClient here, RawClient there)
    {
        await here.SendAsync("SUB q g 5\r\n");
        await here.FlushAsync();
        await there.SendAsync("SUB q g 5\r\nSUB ready 6\r\n");
        await there.FlushAsync();
        await ReachAsync(here, there, "ready", 6);
        const int count = 400;
        await here.SendAsync(string.Concat(Enumerable.Repeat("PUB q 1\r\nx\r\n", count)) + "PING\r\n");
        var local = (await here.ReadThroughAsync("PONG\r\n")).Split("MSG q 5").Length - 1;
        local.ShouldBeInRange(count / 4, count * 3 / 4);
        for (var remote = local; remote < count; remote++) await there.ReadThroughAsync("x\r\n");
        await there.FlushAsync();
        foreach (var client in new[] { here, there })
        {
            await client.SendAsync("UNSUB 5\r\n");
            await client.FlushAsync();
        }
    }

    private static async Task NoRespondersAsync(RawClient client)
    {
        await client.SendAsync("SUB inbox 8\r\nPUB nobody inbox 0\r\n\r\n");
        (await client.ReadThroughAsync("\r\n\r\n")).ShouldStartWith("HMSG inbox 8 ");
        await client.SendAsync("UNSUB 8\r\nPING\r\n");
        await client.ReadThroughAsync("PONG\r\n");
    }
}
