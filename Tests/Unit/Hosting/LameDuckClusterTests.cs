using NatsAspire.Server.Connections;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Hosting;

/// <summary>What clients see of servers that leave.</summary>
public sealed class LameDuckClusterTests
{
    [Fact]
    [Upstream("server_test.go", "TestLameDuckMode")]
    public async Task ClientsAreLetGoOverTheDurationAndNobodyNewGetsIn()
    {
        await using var server = await TestServer.StartAsync(o => o with { LameDuckDuration = TimeSpan.FromSeconds(1), LameDuckGracePeriod = TimeSpan.FromMilliseconds(50) });
        var clients = new List<RawClient>();
        for (var i = 0; i < 10; i++) clients.Add(await RawClient.OpenAsync(server.ClientEndPoint!));
        var started = Environment.TickCount64;
        var leaving = server.EnterLameDuckAsync();
        var again = server.EnterLameDuckAsync();
        await again.WaitAsync(Wait.Default, TestContext.Current.CancellationToken);
        await Wait.Until("nobody gets in", async () => await IsClosedAsync(server));
        foreach (var client in clients) await client.ExpectClosedAsync();
        await leaving.WaitAsync(Wait.Default, TestContext.Current.CancellationToken);
        (Environment.TickCount64 - started).ShouldBeGreaterThan(500, "not all at once");
        // Those who tried to get in meanwhile have gone by themselves.
        var closed = server.Clients.Closed.ToList().Where(client => client.Last.Id <= 10).ToList();
        closed.ShouldAllBe(client => client.Reason == CloseReason.ServerShutdown);
        closed.Count.ShouldBe(10);
        foreach (var client in clients) client.Dispose();
    }

    [Fact]
    [Upstream("server_test.go", "TestLameDuckMode")]
    public async Task AStopDoesNotWaitForTheDuration()
    {
        var server = await TestServer.StartAsync(o => o with { LameDuckDuration = TimeSpan.FromSeconds(120), LameDuckGracePeriod = TimeSpan.FromSeconds(60) });
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        var leaving = server.EnterLameDuckAsync();
        await server.DisposeAsync().AsTask().WaitAsync(Wait.Default, TestContext.Current.CancellationToken);
        await leaving.WaitAsync(Wait.Default, TestContext.Current.CancellationToken);
        await client.ExpectClosedAsync();
    }

    [Fact]
    [Upstream("server_test.go", "TestLameDuckModeInfo")]
    public async Task EachServerThatComesOrLeavesIsTold()
    {
        await using var first = await NatsServer.StartAsync(Member("s1") with { LameDuckGracePeriod = TimeSpan.FromSeconds(60), LameDuckDuration = TimeSpan.FromSeconds(120) });
        await using var tcp = await first.ConnectAsync();
        using var web = await WebSocketRawClient.OpenAsync(first.WebSocketEndPoint!);
        await web.HelloAsync();
        await using var second = await NatsServer.StartAsync(Member("s2", first));
        await using var third = await NatsServer.StartAsync(Member("s3", first));
        await ExpectAsync(tcp, first, second, third);
        await ReadUrlsAsync(web, first, second, third);
        var leaving = first.EnterLameDuckAsync();
        await ExpectAsync(tcp, second, third);
        await ReadUrlsAsync(web, second, third);
        tcp.Info.GetProperty("ldm").GetBoolean().ShouldBeTrue();
        await using var other = await second.ConnectAsync();
        await third.DisposeAsync();
        await ExpectAsync(tcp, second);
        await first.DisposeAsync();
        await leaving;
    }

    private static async Task<bool> IsClosedAsync(NatsServer server)
    {
        try
        {
            using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
            return false;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return true;
        }
    }

    private static NatsAspire.Server.Configuration.ServerOptions Member(string name, params NatsServer[] seeds) => TestServer.Member(name, "C", [.. seeds.Select(seed => seed.ClusterEndPoint!.Port)]) with
    {
        WebSocket = TestServer.Parse("websocket { listen: \"127.0.0.1:-1\", no_tls: true }").WebSocket,
    };

    private static Task ExpectAsync(TestClient client, params NatsServer[] servers)
    {
        var expected = servers.Select(server => server.ClientEndPoint!.ToString()).Order().ToList();
        return Wait.Until(
            "the addresses " + string.Join(", ", expected),
            () => client.Info.TryGetProperty("connect_urls", out var urls) && urls.EnumerateArray().Select(url => url.GetString()).Order().SequenceEqual(expected),
            () => client.Info.ToString());
    }

    private static async Task ReadUrlsAsync(WebSocketRawClient web, params NatsServer[] servers)
    {
        var expected = servers.Select(server => server.WebSocketEndPoint!.ToString()).Order().ToList();
        while (true)
        {
            var line = await web.ReadThroughAsync("\r\n");
            if (!line.StartsWith("INFO ", StringComparison.Ordinal)) continue;
            var info = System.Text.Json.JsonDocument.Parse(line["INFO ".Length..]).RootElement;
            if (info.TryGetProperty("connect_urls", out var urls) && urls.EnumerateArray().Select(url => url.GetString()).Order().SequenceEqual(expected)) return;
        }
    }
}
