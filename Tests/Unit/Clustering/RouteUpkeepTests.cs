using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>One route: where it listens, what it lets through, how it is kept alive and given up.</summary>
public sealed class RouteUpkeepTests
{
    [Fact]
    [Upstream("routes_test.go", "TestRouteConfig")]
    public void TheClusterBlockIsRead()
    {
        var cluster = ConfigLoader.LoadText(
            """
            cluster {
              host: 127.0.0.1
              port: 4244
              name: "abc"
              authorization { user: route_user, password: top_secret, timeout: 1 }
              routes = [
                nats-route://foo:bar@127.0.0.1:4245
                nats-route://foo:bar@127.0.0.1:4246
              ]
              no_advertise: true
              connect_retries: 2
              connect_backoff: true
            }
            """, CommandLine.Checks).Options.Cluster;
        (cluster.Host, cluster.Port, cluster.Name).ShouldBe(("127.0.0.1", 4244, "abc"));
        (cluster.Username, cluster.Password, cluster.AuthTimeout).ShouldBe(("route_user", "top_secret", TimeSpan.FromSeconds(1)));
        (cluster.NoAdvertise, cluster.ConnectRetries, cluster.ConnectBackoff).ShouldBe((true, 2, true));
        cluster.Routes.Select(route => route.OriginalString).ShouldBe(["nats-route://foo:bar@127.0.0.1:4245", "nats-route://foo:bar@127.0.0.1:4246"]);
    }

    [Fact]
    [Upstream("routes_test.go", "TestBlockedShutdownOnRouteAcceptLoopFailure")]
    public async Task AHostThatIsNoneFailsTheStartAndLeavesNothing()
    {
        var port = new NatsAspire.Hosting.FreePorts().Take(1)[0];
        var options = TestServer.Options with { Port = port };
        var started = NatsServer.StartAsync(options with { Cluster = new ClusterOptions { Name = "C", Host = "x.x.x.x", Port = 7222 } });
        await Should.ThrowAsync<Exception>(() => started.WaitAsync(Wait.Default, TestContext.Current.CancellationToken));
        await using var again = await NatsServer.StartAsync(options);
        again.ClientEndPoint!.Port.ShouldBe(port);
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteUseIPv6")]
    public async Task RoutesMayUseIPv6()
    {
        if (!Socket.OSSupportsIPv6) Assert.Skip("No IPv6 on this machine.");
        await using var server = await TestServer.FromConfigAsync("cluster { name: C, listen: \"[::]:-1\" }");
        using var peer = await RawClient.ConnectAsync(new IPEndPoint(IPAddress.IPv6Loopback, server.ClusterEndPoint!.Port));
        (await peer.ReadInfoAsync()).GetProperty("server_id").GetString().ShouldBe(server.Id);
        await using var other = await TestServer.FromConfigAsync($"cluster {{ name: C, listen: \"[::1]:-1\", routes: [ \"nats://[::1]:{server.ClusterEndPoint!.Port}\" ] }}");
        await Wait.Until("the mesh", () => server.PeerCount == 1 && other.PeerCount == 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("routes_test.go", "TestRoutePermsAppliedOnInboundAndOutboundRoute")]
    public async Task PermissionsHoldWhicheverSideDialled(bool accepts)
    {
        const string permissions = "permissions { import: { allow: \"imp.foo\", deny: \"imp.bar\" }, export: { allow: \"exp.foo\", deny: \"exp.bar\" } }";
        await using var accepting = await TestServer.FromConfigAsync(Config("A", accepts ? permissions : ""));
        await using var dialling = await TestServer.FromConfigAsync(Config("B", accepts ? "" : permissions, accepting));
        await Wait.Until("the mesh", () => accepting.PeerCount == 1 && dialling.PeerCount == 1);
        var (restricted, free) = accepts ? (accepting, dialling) : (dialling, accepting);
        await using var inside = await restricted.ConnectAsync();
        await using var outside = await free.ConnectAsync();
        foreach (var subject in new[] { "imp.bar", "exp.bar", "imp.foo", "exp.foo" })
        {
            await inside.SubscribeAsync(subject);
            await outside.SubscribeAsync(subject);
        }
        await Wait.Until("what is allowed", () => Told(free, "imp.foo") && Told(restricted, "exp.foo"));
        foreach (var subject in new[] { "imp.bar", "exp.bar", "exp.foo" }) Told(free, subject).ShouldBeFalse(subject);
        foreach (var subject in new[] { "imp.bar", "exp.bar", "imp.foo" }) Told(restricted, subject).ShouldBeFalse(subject);
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteRTT")]
    public async Task RoundTripsAreMeasuredAtOnceAndWithEachPing()
    {
        foreach (var interval in new[] { "15ms", "1m" })
        {
            // However long a busy machine takes to answer, the route is not given up.
            var settings = $"ping_interval: \"{interval}\", ping_max: 1000";
            await using var first = await TestServer.FromConfigAsync(Config("A", settings));
            await using var second = await TestServer.FromConfigAsync(Config("B", settings, first));
            await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
            foreach (var server in new[] { first, second })
            {
                var route = server.Routes!.Snapshot()[0];
                await Wait.Until("a round trip", () => route.RoundTrip > TimeSpan.Zero);
                var before = route.RoundTrip;
                if (interval == "15ms") await Wait.Until("another", () => route.RoundTrip != before);
            }
        }
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteNoLeakOnSlowConsumer")]
    [Upstream("routes_test.go", "TestRouteConfigureWriteDeadline")]
    public async Task APeerThatDoesNotReadIsGivenUpAndCountedAsARoute()
    {
        await using var server = await TestServer.FromConfigAsync(Config("A", "write_deadline: \"100ms\", write_timeout: close, pool_size: -1, compression: off"));
        using var peer = await RawClient.ConnectAsync(server.ClusterEndPoint!);
        await peer.ReadInfoAsync();
        await peer.SendAsync("CONNECT {\"name\":\"P\",\"cluster\":\"C\",\"headers\":true}\r\nINFO {\"server_id\":\"P\",\"server_name\":\"P\",\"cluster\":\"C\",\"headers\":true}\r\nRS+ $G flood\r\n");
        await Wait.Until("interest", () => Told(server, "flood"));
        await using var publisher = await server.ConnectAsync();
        var payload = new byte[512 * 1024];
        for (var i = 0; i < 60 && server.RouteConnectionCount > 0; i++) await publisher.PublishAsync("flood", payload);
        await Wait.Until("the route is gone", () => server.RouteConnectionCount == 0);
        (server.Routes!.SlowConsumers, server.Clients.SlowConsumers).ShouldBe((1, 0));
        await Wait.Until("no interest", () => !Told(server, "flood"));
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteNoAppSubLeakOnSlowConsumer")]
    public async Task InterestOfAClientCutOffIsWithdrawnEverywhere()
    {
        const string limits = "max_payload: 65536\nmax_pending: 1048576\n";
        await using var first = await TestServer.FromConfigAsync(limits + Config("A", ""));
        await using var second = await TestServer.FromConfigAsync(limits + Config("B", "", first));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        await using var publisher = await first.ConnectAsync();
        for (var round = 1; round <= 3; round++)
        {
            using var slow = await RawClient.OpenAsync(first.ClientEndPoint!);
            await slow.SendAsync("SUB foo 1\r\n");
            await slow.FlushAsync();
            await Wait.Until("interest", () => Told(second, "foo"));
            var payload = new byte[65536];
            while (first.Clients.SlowConsumers < round) await publisher.PublishAsync("foo", payload);
            await Wait.Until("no interest", () => !first.Accounts.Global.Subscriptions.HasInterest("foo"u8) && !Told(second, "foo"));
        }
    }

    [Fact]
    [Upstream("routes_test.go", "TestRoutePoolFirstPongBlocksChain")]
    public async Task APoolGrowsThoughThePeerAnsweredPingsBeforeItSaidWhoItIs()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var server = await TestServer.FromConfigAsync(
            $"server_name: A\nno_system_account: true\ncluster {{ name: C, listen: \"127.0.0.1:-1\", pool_size: 3, compression: off, ping_interval: \"50ms\", ping_max: 1000, routes: [ \"nats://{listener.LocalEndpoint}\" ] }}");
        using var first = await AcceptAsync(listener);
        using var reader = new StreamReader(first.GetStream());
        (await LineAsync(reader)).ShouldStartWith("CONNECT");
        (await LineAsync(reader)).ShouldBe("PING");
        await first.GetStream().WriteAsync("PONG\r\nINFO {\"server_id\":\"P\",\"server_name\":\"P\",\"cluster\":\"C\",\"headers\":true,\"proto\":1,\"route_pool_size\":3}\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        while (!(await LineAsync(reader)).StartsWith("INFO", StringComparison.Ordinal))
        {
            // Pings that crossed the INFO.
        }
        while (await LineAsync(reader) != "PING")
        {
            // Interest.
        }
        await first.GetStream().WriteAsync("PONG\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        using var second = await AcceptAsync(listener);
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteReconnectExponentialBackoff")]
    public async Task AttemptsBecomeRarer()
    {
        using var log = new CapturedLog();
        var port = new NatsAspire.Hosting.FreePorts().Take(1)[0];
        await using var server = await NatsServer.StartAsync(
            TestServer.Parse($"no_system_account: true\ncluster {{ name: C, listen: \"127.0.0.1:-1\", connect_backoff: true, routes: [ \"nats://127.0.0.1:{port}\" ] }}"), log);
        var moments = new List<double>();
        var clock = Stopwatch.StartNew();
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            await Wait.Until($"attempt {attempt}", () => log.Contains($"Error trying to connect to route (attempt {attempt})"));
            moments.Add(clock.Elapsed.TotalSeconds);
        }
        (moments[1] - moments[0]).ShouldBeGreaterThan(0.8);
        (moments[2] - moments[1]).ShouldBeGreaterThan(1.7);
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteMsgWithManyHeadersDoesNotCorruptJSON")]
    public async Task ManyHeadersAndLargeBodiesStayWhole()
    {
        const string accounts =
            """
            accounts {
              A { users: [ { user: a, password: p } ], exports: [ { service: "svc.>" } ] }
              B { users: [ { user: b, password: p } ], imports: [ { service: { account: A, subject: "svc.>" } } ] }
            }

            """;
        await using var first = await TestServer.FromConfigAsync(accounts + Config("S1", "compression: s2_fast"));
        await using var second = await TestServer.FromConfigAsync(accounts + Config("S2", "compression: s2_fast", first));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        await using var responder = await second.ConnectAsync(new TestClientOptions { User = "a", Password = "p" });
        var requests = await responder.SubscribeAsync("svc.>");
        await using var subscriber = await second.ConnectAsync(new TestClientOptions { User = "b", Password = "p" });
        var messages = await subscriber.SubscribeAsync("svc.>");
        await Wait.Until("interest", () => Told(first, "svc.x", "A") && Told(first, "svc.x", "B"));
        const int total = 600;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async producer =>
        {
            await using var publisher = await first.ConnectAsync(new TestClientOptions { User = "b", Password = "p" });
            for (var i = producer; i < total; i += 4) await publisher.PublishAsync($"svc.{i % 64}", Body(i), headers: HeadersOf(i));
            await publisher.FlushAsync();
        }));
        var seen = new HashSet<int>();
        while (seen.Count < total)
        {
            var message = await messages.NextAsync();
            var i = int.Parse(message.Headers!["Idx"]!, System.Globalization.CultureInfo.InvariantCulture);
            seen.Add(i).ShouldBeTrue();
            message.Text.ShouldBe(Body(i));
            message.Headers.Entries.ShouldBe(HeadersOf(i).Entries);
        }
        await Wait.Until("all requests", () => requests.Count == total, () => $"{requests.Count}");
    }

    private static string Body(int i) => $"{{\"idx\":{i},\"filler\":\"{new string('x', 32 + (i * 97 % 12288))}\"}}";

    private static TestHeaders HeadersOf(int i) => TestHeaders.Of(
        ("Idx", $"{i}"), ("Nats-Msg-Id", $"msg-{i:000000}"), ("Nats-Request-Info", "{\"acc\":\"B\",\"user\":\"b\",\"host\":\"prefilled\"}"), ("Trace-Id", "trace-aaaaaaaaaaaa"),
        ("X-Filler", string.Concat(Enumerable.Repeat("filler-", 16)) + i), ("X-Tail-Header", $"idx={i}-stable-tail-data"));

    private static string Config(string name, string cluster, params NatsServer[] to) =>
        $$"""
        server_name: {{name}}
        cluster { name: C, listen: "127.0.0.1:-1", {{cluster}}
          routes: [ {{string.Join(", ", to.Select(server => $"\"nats://127.0.0.1:{server.ClusterEndPoint!.Port}\""))}} ] }
        """;

    private static async Task<TcpClient> AcceptAsync(TcpListener listener) =>
        await Wait.For("a connection", listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask());

    private static async Task<string> LineAsync(StreamReader reader) =>
        await Wait.For("a line", reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask()) ?? throw new EndOfStreamException();

    /// <summary>Whether another server or a client told of interest, seen where it is matched.</summary>
    private static bool Told(NatsServer server, string subject, string account = "$G") =>
        server.Accounts.Find(account)!.Subscriptions.Match(Encoding.ASCII.GetBytes(subject)).Links.Length > 0;
}
