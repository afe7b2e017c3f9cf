using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>Corners of gateways: what does not cross, what is passed on, what is told of them.</summary>
public sealed class GatewayMoreTests
{
    [Fact]
    [Upstream("gateway_test.go", "TestGatewayIgnoreSelfReference")]
    public async Task TheOwnClusterAmongTheConfiguredOnesIsLeftOut()
    {
        var port = new NatsAspire.Hosting.FreePorts().Take(1)[0];
        await using var server = await TestServer.FromConfigAsync(
            $"server_name: A1\ngateway {{ name: A, listen: \"127.0.0.1:{port}\", gateways: [ {{ name: A, urls: [\"nats://127.0.0.1:{port}\"] }} ] }}");
        server.Gateways!.Remotes().ShouldBeEmpty();
        server.Varz().Gateway.Gateways!.Single().Urls.ShouldBe([$"127.0.0.1:{port}"]);
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayDoesntSendBackToItself")]
    [Upstream("gateway_test.go", "TestGatewayMsgSentOnlyOnce")]
    [Upstream("gateway_test.go", "TestGatewaySendsToNonLocalSubs")]
    [Upstream("gateway_test.go", "TestGatewayComplexSetup")]
    public async Task EverybodyGetsAMessageOnce()
    {
        await using var super = await SuperCluster.StartAsync(clusters: 3, servers: 2);
        var clients = new List<TestClient>();
        try
        {
            foreach (var server in super.Running) clients.Add(await super.ConnectAsync(server.Name));
            var wanted = new List<TestSubscription>();
            foreach (var client in clients) wanted.Add(await client.SubscribeAsync("all"));
            foreach (var publisher in clients)
            {
                foreach (var subscription in wanted) await SuperCluster.ReachAsync(publisher, subscription, "all");
            }
            foreach (var client in clients) await client.FlushAsync();
            await Wait.Until("all is quiet", async () =>
            {
                foreach (var client in clients) await client.FlushAsync();
                return wanted.Count(one => one.TryTake() is not null) == 0;
            });
            for (var i = 0; i < clients.Count; i++) await clients[i].PublishAsync("all", $"from {i}");
            foreach (var subscription in wanted)
            {
                var got = new List<string>();
                for (var i = 0; i < clients.Count; i++) got.Add((await subscription.NextAsync()).Text);
                got.Order().ShouldBe([.. Enumerable.Range(0, clients.Count).Select(i => $"from {i}")]);
            }
            foreach (var client in clients) await client.FlushAsync();
            wanted.ShouldAllBe(subscription => subscription.TryTake() == null);
        }
        finally
        {
            foreach (var client in clients) await client.DisposeAsync();
        }
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayPingPongReplyAcrossGateways")]
    [Upstream("gateway_test.go", "TestGatewayReplyMapTracking")]
    [Upstream("gateway_test.go", "TestGatewaySendReplyAcrossGatewaysServiceImport")]
    public async Task AnAnswerMayAskBack()
    {
        await using var super = await SuperCluster.StartAsync(servers: 2);
        await using var b = await super.ConnectAsync("B1");
        var pings = await b.SubscribeAsync("ping");
        await using (var first = await super.ConnectAsync("A1")) await SuperCluster.ReachAsync(first, pings, "ping");
        for (var i = 0; i < 6; i++)
        {
            await using var a = await super.ConnectAsync(i % 2 == 0 ? "A1" : "A2");
            await using var service = await super.ConnectAsync(i % 3 == 0 ? "B1" : "B2");
            var home = await a.SubscribeAsync($"a.{i}");
            await a.PublishAsync("ping", "1", $"a.{i}");
            var there = await b.SubscribeAsync($"b.{i}");
            var request = await pings.NextAsync();
            await b.PublishAsync(request.Reply!, "2", $"b.{i}");
            var answer = await home.NextAsync();
            (answer.Text, answer.Reply).ShouldBe(("2", $"b.{i}"));
            await a.PublishAsync(answer.Reply!, "3");
            (await there.NextAsync()).Text.ShouldBe("3");
        }
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayHeaderSupport")]
    [Upstream("gateway_test.go", "TestGatewayHeaderDeliverStrippedMsg")]
    [Upstream("gateway_test.go", "TestGatewayNoCrashOnInvalidSubject")]
    public async Task WhoTakesNoHeadersGetsNone()
    {
        await using var a = await TestServer.FromConfigAsync("server_name: A1\ngateway { name: A, listen: \"127.0.0.1:-1\" }");
        var options = TestServer.Parse($"server_name: B1\ngateway {{ name: B, listen: \"127.0.0.1:-1\", gateways: [ {{ name: A, urls: [\"nats://127.0.0.1:{a.GatewayEndPoint!.Port}\"] }} ] }}");
        await using var b = await NatsServer.StartAsync(options with { Limits = options.Limits with { NoHeaderSupport = true } });
        await using var publisher = await TestClient.ConnectAsync(a.ClientEndPoint!);
        await using var client = await TestClient.ConnectAsync(b.ClientEndPoint!, new TestClientOptions { Headers = false, NoResponders = false });
        var wanted = await client.SubscribeAsync("foo");
        await SuperCluster.ReachAsync(publisher, wanted, "foo");
        await publisher.PublishAsync("foo", "body", headers: TestHeaders.Of(("K", "v")));
        var message = await wanted.NextAsync();
        message.Headers.ShouldBeNull();
        message.Text.ShouldBe("body");
        // Subjects that cannot be reach nobody, and harm nobody.
        await publisher.PublishAsync(".foo");
        await publisher.PublishAsync("foo..bar");
        await publisher.PublishAsync("foo", "after");
        (await wanted.NextAsync()).Text.ShouldBe("after");
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayRoutedServerWithoutGatewayConfigured")]
    public async Task APeerWithoutGatewaysIsServedByTheOthers()
    {
        await using var far = await TestServer.FromConfigAsync("server_name: B1\ngateway { name: B, listen: \"127.0.0.1:-1\" }");
        await using var near = await TestServer.FromConfigAsync(
            $"server_name: A1\ncluster {{ name: A, listen: \"127.0.0.1:-1\" }}\ngateway {{ name: A, listen: \"127.0.0.1:-1\", gateways: [ {{ name: B, urls: [\"nats://127.0.0.1:{far.GatewayEndPoint!.Port}\"] }} ] }}");
        using var log = new CapturedLog();
        await using var plain = await NatsServer.StartAsync(
            TestServer.Parse($"server_name: A2\ncluster {{ name: A, listen: \"127.0.0.1:-1\", routes: [\"nats://127.0.0.1:{near.ClusterEndPoint!.Port}\"] }}"), log);
        await using var client = await TestClient.ConnectAsync(plain.ClientEndPoint!);
        await using var publisher = await TestClient.ConnectAsync(far.ClientEndPoint!);
        var wanted = await client.SubscribeAsync("foo");
        await SuperCluster.ReachAsync(publisher, wanted, "foo");
        log.Contains("but gateway is not configured").ShouldBeTrue();
        // Its requests' answers have to be led by interest alone.
        await publisher.PublishAsync("foo", "ask", "in.B");
        var back = await publisher.SubscribeAsync("in.B");
        var request = await wanted.NextAsync();
        request.Reply.ShouldBe("in.B");
        back.TryTake().ShouldBeNull();
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayAuthDiscovered")]
    public async Task AClusterThatWasDiscoveredIsGivenTheOwnPassword()
    {
        const string authorization = "authorization { user: gw, password: secret }";
        await using var a = await TestServer.FromConfigAsync($"server_name: A1\ngateway {{ name: A, listen: \"127.0.0.1:-1\", {authorization} }}");
        await using var b = await TestServer.FromConfigAsync(
            $"server_name: B1\ngateway {{ name: B, listen: \"127.0.0.1:-1\", {authorization}, gateways: [ {{ name: A, urls: [\"nats://gw:secret@127.0.0.1:{a.GatewayEndPoint!.Port}\"] }} ] }}");
        await Wait.Until("both are connected", () => a is { OutboundGatewayCount: 1, InboundGatewayCount: 1 } && b is { OutboundGatewayCount: 1, InboundGatewayCount: 1 });
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayOutboundDetectsStaleConnectionIfNoInfo")]
    public async Task WhoSaysNothingIsGivenUp()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var server = await TestServer.FromConfigAsync(
            $"server_name: A1\nping_interval: \"50ms\"\nping_max: 1\ngateway {{ name: A, listen: \"127.0.0.1:-1\", gateways: [ {{ name: B, urls: [\"nats://{listener.LocalEndpoint}\"] }} ] }}");
        using var first = await GatewayPeer.AcceptAsync(listener);
        while (await first.ReadLineAsync() is { Length: > 0 } line) line.ShouldBe("-ERR 'Stale Connection'");
        server.Gateways!.StaleConnections.ShouldBe(1);
        using var second = await GatewayPeer.AcceptAsync(listener);
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayConnectEvents")]
    [Upstream("events_test.go", "TestSystemAccountWithGateways")]
    public async Task EventsOfTheSystemAccountCross()
    {
        const string accounts = "accounts { SYS: { users: [{user: sys, password: sys}] }, X: { users: [{user: x, password: x}] } }\nsystem_account: SYS";
        await using var super = await SuperCluster.StartAsync(servers: 2, more: accounts);
        await using var system = await super.ConnectAsync("A1", "sys");
        var events = await system.SubscribeAsync("$SYS.ACCOUNT.X.CONNECT");
        var shared = await system.SubscribeAsync("$SYS.ACCOUNT.X.CONNECT", "q");
        await Wait.Until("a connection elsewhere is told", async () =>
        {
            await using var client = await super.ConnectAsync("B2", "x");
            using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
            try
            {
                return await events.Messages.WaitToReadAsync(soon.Token);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        });
        var told = JsonDocument.Parse((await events.NextAsync()).Payload).RootElement;
        told.GetProperty("server").GetProperty("name").GetString().ShouldBe("B2");
        told.GetProperty("server").GetProperty("cluster").GetString().ShouldBe("B");
        (await shared.NextAsync()).Subject.ShouldBe("$SYS.ACCOUNT.X.CONNECT");
        // All servers of both clusters answer who asks everybody.
        var answers = await system.SubscribeAsync("answers");
        await system.PublishAsync("$SYS.REQ.SERVER.PING.IDZ", "", "answers");
        var names = new HashSet<string>();
        while (names.Count < 4) names.Add(JsonDocument.Parse((await answers.NextAsync()).Payload).RootElement.GetProperty("name").GetString()!);
        names.Order().ShouldBe(["A1", "A2", "B1", "B2"]);
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorGatewayz")]
    [Upstream("monitor_test.go", "TestMonitorGatewayzWithSubs")]
    [Upstream("monitor_test.go", "TestMonitorGatewayzAccounts")]
    public async Task MonitoringTellsWhatTheRecordingHas()
    {
        await using var super = await SuperCluster.StartAsync();
        await using var a = await super.ConnectAsync("A1");
        await using var b = await super.ConnectAsync("B1");
        var wanted = await b.SubscribeAsync("foo");
        await b.SubscribeAsync("bar", "q");
        await SuperCluster.ReachAsync(a, wanted, "foo");
        var server = super["A1"];
        var page = server.Gatewayz();
        (page.Name, page.Host, page.Port).ShouldBe(("A", "127.0.0.1", super.GatewayPorts["A"][0]));
        var outbound = page.Outbound!["B"];
        outbound.IsConfigured.ShouldBeTrue();
        outbound.Connection!.OutMessages.ShouldBeGreaterThan(0);
        outbound.Connection.Name.ShouldBe(super["B1"].Id);
        outbound.Accounts.ShouldBeNull();
        page.Inbound["B"].Single().IsConfigured.ShouldBeFalse();
        var account = server.Gatewayz(new GatewayzOptions { AccountName = "$G", Subscriptions = true }).Outbound!["B"].Accounts!.Single();
        (account.Name, account.Mode, account.Threshold, account.Count, account.QueueCount).ShouldBe(("$G", "Interest-Only", 1000, 2, 1));
        account.Subscriptions!.Order().ShouldBe(["bar", "foo"]);
        server.Gatewayz(new GatewayzOptions { Name = "Z" }).Outbound.ShouldBeNull();
        server.Gatewayz(new GatewayzOptions { Accounts = true }).Inbound["B"].Single().Accounts!.ShouldContain(one => one.Name == "$G" && one.Mode == "Interest-Only");
        SameKeys(JsonSerializer.SerializeToElement(page, Server.Monitoring.MonitoringJson.Compact.Gatewayz), Recorded("/gatewayz"));
        server.Varz().Gateway.Gateways!.Single().Urls.ShouldBe([$"127.0.0.1:{super.GatewayPorts["B"][0]}"]);
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadNotPreventedByGateways")]
    [Upstream("events_test.go", "TestGatewayNameClientInfo")]
    public async Task OtherOptionsAreTakenWhileClustersAreJoined()
    {
        const string gateway = "gateway { name: A, listen: \"127.0.0.1:-1\", gateways: [ { name: B, urls: [\"nats://127.0.0.1:9\"] } ] }";
        await using var server = await TestServer.FromConfigAsync($"server_name: A1\n{gateway}");
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        (await client.ReadInfoAsync()).GetProperty("cluster").GetString().ShouldBe("A");
        await server.ReloadAsync(TestServer.Parse($"server_name: A1\nmax_payload: 1000\n{gateway}"));
        server.Options.Limits.MaxPayload.ShouldBe(1000);
        var other = TestServer.Parse($"server_name: A1\n{gateway.Replace("name: B", "name: C", StringComparison.Ordinal)}");
        (await Should.ThrowAsync<Server.Configuration.ConfigurationValueException>(() => server.ReloadAsync(other))).Message.ShouldBe("config reload not supported for Gateway");
    }

    /// <summary>A page of a recorded super-cluster.</summary>
    private static JsonElement Recorded(string path) => Golden.Json("monitoring", "super-cluster-leaf.json").GetProperty("servers").GetProperty("a1").GetProperty("responses")
        .EnumerateArray().First(response => response.GetProperty("path").GetString() == path).GetProperty("json");

    private static void SameKeys(JsonElement page, JsonElement recorded)
    {
        Keys(page).ShouldBe(Keys(recorded));
        Keys(Connection(page)).ShouldBe(Keys(Connection(recorded)));

        static string[] Keys(JsonElement element) => [.. element.EnumerateObject().Select(pair => pair.Name)];
        static JsonElement Connection(JsonElement element) => element.GetProperty("outbound_gateways").EnumerateObject().First().Value.GetProperty("connection");
    }
}
