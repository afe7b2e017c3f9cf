using System.Net;
using System.Net.Sockets;
using NatsAspire.Hosting;
using NatsAspire.Server.Clustering.Gateways;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>Connections between clusters that last: pings, slow readers, attempts that are given up, one connection only.</summary>
public sealed class GatewayUpkeepTests
{
    private const string Greeting = "INFO {\"server_id\":\"NB\",\"server_name\":\"b\",\"proto\":3,\"headers\":true,\"max_payload\":1048576,\"gateway\":\"B\",\"gateway_nrp\":true,\"gateway_iom\":true}\r\n";

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayPings")]
    public async Task BothKindsOfConnectionsArePinged()
    {
        using var listener = Listen();
        await using var server = await TestServer.FromConfigAsync(Config("A", $"{listener.LocalEndpoint}", more: "ping_interval: \"50ms\""));
        using var dialled = await GatewayPeer.AcceptAsync(listener);
        await dialled.SendAsync(Greeting);
        using var inbound = await RawClient.ConnectAsync(server.GatewayEndPoint!);
        inbound.SkipsServerPings = false;
        await inbound.ReadInfoAsync();
        await inbound.SendAsync("CONNECT {\"name\":\"NB\",\"gateway\":\"B\"}\r\n" + Greeting);
        for (var i = 0; i < 5; i++)
        {
            while (await dialled.ReadLineAsync() is var line && line != "PING") line.ShouldNotBe("");
            await dialled.SendAsync("PONG\r\n");
            await inbound.ReadThroughAsync("PING\r\n");
            await inbound.SendAsync("PONG\r\n");
        }
    }

    [Theory]
    [InlineData("", true)]
    [InlineData(", write_timeout: default", true)]
    [InlineData(", write_timeout: retry", true)]
    [InlineData(", write_timeout: close", false)]
    [Upstream("gateway_test.go", "TestGatewaySlowConsumer")]
    [Upstream("gateway_test.go", "TestGatewayConfigureWriteDeadline")]
    [Upstream("gateway_test.go", "TestGatewayConfigureWriteTimeoutPolicy")]
    public async Task AClusterThatReadsSlowlyIsKeptOrClosedAsConfigured(string policy, bool isKept)
    {
        using var listener = Listen();
        using var log = new CapturedLog(Microsoft.Extensions.Logging.LogLevel.Information);
        // The deadline of clients would never pass.
        await using var server = await NatsServer.StartAsync(
            TestServer.Parse(Config("A", $"{listener.LocalEndpoint}", $", write_deadline: \"{SlowReader.Deadline}\"{policy}", "write_deadline: 60s")), log);
        using var slow = await RawAcceptAsync(listener);
        await slow.SendAsync(System.Text.Encoding.ASCII.GetBytes(Greeting + "RS+ $G flood\r\n"), TestContext.Current.CancellationToken);
        await Wait.Until("interest", () => server.Accounts.Global.Subscriptions.HasInterest("flood"u8));
        await using var publisher = await server.ConnectAsync();
        await SlowReader.IsFoundSlowAsync(slow, publisher, log);
        server.Gateways!.SlowConsumers.ShouldBe(1);
        server.Varz().SlowConsumerCounts!.Gateways.ShouldBe(1);
        if (!isKept) await Wait.Until("it is closed", () => log.Contains("Gateway connection closed: Slow Consumer (Write Deadline)"), () => string.Join('\n', log.Lines.TakeLast(4)));
        else server.OutboundGatewayCount.ShouldBe(1);
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayImplicitReconnectHonorConnectRetries")]
    public async Task AClusterThatWasLearnedIsGivenUpAfterSoManyAttempts()
    {
        using var log = new CapturedLog(Microsoft.Extensions.Logging.LogLevel.Information);
        await using var server = await NatsServer.StartAsync(TestServer.Parse(Config("A", "", ", connect_retries: 1", "reconnect_error_reports: 1")), log);
        await using var other = await TestServer.FromConfigAsync(Config("C", $"127.0.0.1:{server.GatewayEndPoint!.Port}", to: "A"));
        using var listener = Listen();
        // It goes in the order that counts: nobody listens any more, nothing comes from it, and then its connection ends.
        using (var inbound = await ComeAsync(server, "B", $"{listener.LocalEndpoint}"))
        using (var dialled = await GatewayPeer.AcceptAsync(listener))
        {
            await dialled.SendAsync(Greeting);
            await Wait.Until("both are there", () => server is { OutboundGatewayCount: 2, InboundGatewayCount: 2 });
            listener.Stop();
            inbound.Dispose();
            await Wait.Until("nothing comes from it", () => server.InboundGatewayCount == 1);
        }
        await Wait.Until("it is given up", () => server.Gateways!.Remotes().All(remote => remote.Name != "B"), () => string.Join('\n', log.Lines.TakeLast(5)));
        log.Lines.Count(line => line.Contains("Error connecting to implicit gateway \"B\"", StringComparison.Ordinal)).ShouldBe(2, "one attempt, and one more");
        (server.OutboundGatewayCount, server.InboundGatewayCount).ShouldBe((1, 1));
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayReconnectExponentialBackoff")]
    public void WithBackoffEachPauseIsTwiceTheOneBefore()
    {
        var pauses = new List<double>();
        for (var pause = GatewayDialer.Pause; pauses.Count < 7; pause = GatewayDialer.Next(pause)) pauses.Add(pause.TotalSeconds);
        pauses.ShouldBe([1, 2, 4, 8, 16, 30, 30]);
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayOrderedOutbounds")]
    public async Task TheNearestClusterIsTheFirst()
    {
        using var far = Listen();
        using var near = Listen();
        await using var server = await TestServer.FromConfigAsync(Config("A", $"{far.LocalEndpoint}", more: "ping_interval: \"30ms\"").Replace(
            "gateways: [ ", $"gateways: [ {{ name: C, urls: [\"nats://{near.LocalEndpoint}\"] }}, ", StringComparison.Ordinal));
        using var b = await GatewayPeer.AcceptAsync(far);
        using var c = await GatewayPeer.AcceptAsync(near);
        var answering = Task.WhenAll(AnswerAsync(b, 40), AnswerAsync(c, 0));
        await b.SendAsync(Greeting);
        await c.SendAsync(Greeting.Replace("NB", "NC", StringComparison.Ordinal).Replace("\"b\"", "\"c\"", StringComparison.Ordinal).Replace("\"gateway\":\"B\"", "\"gateway\":\"C\"", StringComparison.Ordinal));
        await Wait.Until("C is the nearer", () => server.Gateways!.NearestClusters.SequenceEqual(["C", "B"]), () => string.Join(' ', server.Gateways!.NearestClusters));
        near.Stop();
        c.Dispose();
        await Wait.Until("C is gone", () => server.Gateways!.NearestClusters.SequenceEqual(["B"]), () => string.Join(' ', server.Gateways!.NearestClusters));
        far.Stop();
        b.Dispose();
        await Wait.Until("B is gone", () => server.Gateways!.NearestClusters.Count == 0);
        await answering;

        static async Task AnswerAsync(GatewayPeer peer, int milliseconds)
        {
            try
            {
                while (await peer.ReadLineAsync() is var line && line.Length > 0)
                {
                    if (line != "PING") continue;
                    if (milliseconds > 0) await Task.Delay(milliseconds);
                    await peer.SendAsync("PONG\r\n");
                }
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                // The test has ended this cluster.
            }
        }
    }

    /// <summary>Their servers are on different threads of the one that both reach.</summary>
    [Fact]
    public async Task OfTwoClustersThatComeAtOnceOneIsToldOfTheOther()
    {
        using var listener = Listen();
        await using var server = await TestServer.FromConfigAsync(Config("A", ""));
        for (var round = 0; round < 50; round++)
        {
            var names = new[] { $"X{round}", $"Y{round}" };
            var clusters = await Task.WhenAll(names.Select(name => ComeAsync(server, name, $"{listener.LocalEndpoint}")));
            var told = await Task.WhenAll(clusters.Select(cluster => cluster.ReadThroughAsync("PONG\r\n")));
            var isTold = told[0].Contains($"\"gateway\":\"{names[1]}\"", StringComparison.Ordinal) || told[1].Contains($"\"gateway\":\"{names[0]}\"", StringComparison.Ordinal);
            foreach (var cluster in clusters) cluster.Dispose();
            isTold.ShouldBeTrue($"round {round}: {told[0]}\n{told[1]}");
        }
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewaySingleOutbound")]
    public async Task AttemptsThatFailedLeaveOneConnection()
    {
        using var certificates = new TestCertificates();
        var listener = Listen();
        var end = (IPEndPoint)listener.LocalEndpoint;
        await using var a = await TestServer.FromConfigAsync(Config("A", $"{end}", $"\n{certificates.Block().Replace("timeout: 5", "timeout: 0.1", StringComparison.Ordinal)}"));
        for (var attempt = 0; attempt < 2; attempt++)
        {
            using var silent = await RawAcceptAsync(listener);
            // It never answers the handshake.
            while (await silent.ReceiveAsync(new byte[4096], TestContext.Current.CancellationToken) > 0)
            {
            }
        }
        listener.Dispose();
        await using var b = await TestServer.FromConfigAsync(Config("B", "", $"\n{certificates.Block()}").Replace("127.0.0.1:-1", $"{end}", StringComparison.Ordinal));
        await Wait.Until("they are connected", () => (a.OutboundGatewayCount, b.InboundGatewayCount) == (1, 1));
        a.Gateways!.Snapshot().Outbound.Count.ShouldBe(1);
        a.Gateways.Remotes().Count.ShouldBe(1);
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayURLsNotRemovedOnDuplicateRoute")]
    public async Task RoutesThatWereOneTooManyTakeNoAddressWithThem()
    {
        var ports = new FreePorts().Take(2);
        var mesh = $"routes: [ \"nats://127.0.0.1:{ports[0]}\", \"nats://127.0.0.1:{ports[1]}\" ]";
        await using var first = await TestServer.FromConfigAsync(Config("B", "", more: $"cluster {{ name: B, listen: \"127.0.0.1:{ports[0]}\", {mesh} }}").Replace("server_name: B", "server_name: B1"));
        await using var second = await TestServer.FromConfigAsync(Config("B", "", more: $"cluster {{ name: B, listen: \"127.0.0.1:{ports[1]}\", {mesh} }}").Replace("server_name: B", "server_name: B2"));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        await using var a = await TestServer.FromConfigAsync(Config("A", $"127.0.0.1:{first.GatewayEndPoint!.Port}"));
        await Wait.Until("all meet", () => (first.OutboundGatewayCount, second.OutboundGatewayCount, a.OutboundGatewayCount, a.InboundGatewayCount) == (1, 1, 1, 2));
        string[] both = [$"127.0.0.1:{first.GatewayEndPoint!.Port}", $"127.0.0.1:{second.GatewayEndPoint!.Port}"];
        await Wait.Until("A knows both", () => a.Gateways!.Remotes().Single().Addresses.Order().SequenceEqual(both.Order()), () => string.Join(", ", a.Gateways!.Remotes().Single().Addresses));
        foreach (var server in new[] { first, second })
        {
            using var stranger = await RawClient.ConnectAsync(server.GatewayEndPoint!);
            var info = await stranger.ReadInfoAsync();
            info.GetProperty("gateway_urls").EnumerateArray().Select(url => url.GetString()).ShouldBe(both, ignoreOrder: true);
        }
    }

    /// <summary>A server of another cluster dials, and says where its cluster is.</summary>
    private static async Task<RawClient> ComeAsync(NatsServer server, string cluster, string address)
    {
        var client = await RawClient.ConnectAsync(server.GatewayEndPoint!);
        await client.ReadInfoAsync();
        var info = $"\"server_id\":\"N{cluster}\",\"server_name\":\"{cluster}\",\"proto\":3,\"gateway\":\"{cluster}\",\"gateway_urls\":[\"{address}\"]";
        await client.SendAsync($"CONNECT {{\"name\":\"N{cluster}\",\"gateway\":\"{cluster}\"}}\r\nINFO {{{info},\"gateway_nrp\":true,\"gateway_iom\":true}}\r\nPING\r\n");
        return client;
    }

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private static async Task<Socket> RawAcceptAsync(TcpListener listener)
    {
        listener.Server.ReceiveBufferSize = 64 * 1024;
        return await Wait.For("the connection", listener.AcceptSocketAsync(TestContext.Current.CancellationToken).AsTask());
    }

    private static string Config(string name, string other, string gateway = "", string more = "", string to = "B") =>
        $$"""
        server_name: {{name}}
        {{more}}
        gateway {
          name: {{name}}, listen: "127.0.0.1:-1"
          gateways: [ {{(other.Length == 0 ? "" : $"{{ name: {to}, urls: [\"nats://{other}\"] }}")}} ]{{gateway}}
        }
        """;
}
