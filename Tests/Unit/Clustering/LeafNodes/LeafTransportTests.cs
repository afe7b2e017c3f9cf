using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>What leaf node connections go through: compression, TLS, WebSocket.</summary>
public sealed class LeafTransportTests
{
    [Theory]
    [InlineData("s2_fast", "s2_fast", "s2_fast", "s2_fast")]
    [InlineData("s2_auto", "s2_auto", "s2_uncompressed", "s2_uncompressed")]
    [InlineData("accept", "s2_best", "s2_best", "s2_best")]
    [InlineData("s2_better", "accept", "s2_better", "s2_better")]
    [InlineData("off", "s2_fast", "off", "off")]
    [InlineData("accept", "accept", "off", "off")]
    [Upstream("leafnode_test.go", "TestLeafNodeCompression")]
    public async Task BothEndsAgreeOnCompression(string hub, string leaf, string atHub, string atLeaf)
    {
        await using var pair = await LeafPair.StartAsync($"compression: {hub}", $"compression: {leaf}");
        await ExchangeAsync(pair.Hub, pair.Leaf);
        pair.Hub.LeafNodes!.Snapshot().Single().Compression.ShouldBe(atHub);
        pair.Leaf.LeafNodes!.Snapshot().Single().Compression.ShouldBe(atLeaf);
    }

    [Theory]
    [MemberData(nameof(RouteCompressionTests.Matrix), MemberType = typeof(RouteCompressionTests))]
    [Upstream("leafnode_test.go", "TestLeafNodeCompressionMatrixModes")]
    [Upstream("leafnode_test.go", "TestLeafNodeCompressionWithOlderServer")]
    public async Task EveryPairOfModesAgrees(string hub, string leaf, string atHub, string atLeaf)
    {
        await using var pair = await LeafPair.StartAsync($"compression: {RouteCompressionTests.Patient(hub)}", $"compression: {RouteCompressionTests.Patient(leaf)}");
        // A leaf says in CONNECT that it knows no compression, which a route does not.
        pair.Hub.Leafz().Leafs.Single().Compression.ShouldBe(atLeaf == "not supported" ? atLeaf : atHub);
        pair.Leaf.Leafz().Leafs.Single().Compression.ShouldBe(atLeaf);
        await ExchangeAsync(pair.Hub, pair.Leaf);
        await ExchangeAsync(pair.Leaf, pair.Hub);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("leafnode_test.go", "TestLeafNodeCompressionAuto")]
    public async Task AutoFollowsTheRoundTripAtEitherEnd(bool isHub)
    {
        const string auto = "{ mode: s2_auto, rtt_thresholds: [ 20ms, 40ms, 60ms ] }";
        string Pings(bool often) => often ? "ping_interval: \"100ms\"\nping_max: 500\n" : "";
        await using var hub = await LeafPair.HubAsync($"compression: {(isHub ? auto : "s2_fast")}", more: Pings(isHub));
        await using var proxy = NatsAspire.Hosting.InterposingProxy.Start(hub.LeafNodeEndPoint!);
        await using var leaf = await TestServer.FromConfigAsync(
            $"server_name: leaf\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{proxy.EndPoint.Port}\", account: A, compression: {(isHub ? "s2_fast" : auto)} }} ] }}\n{LeafPair.Accounts}{Pings(!isHub)}");
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
        var connection = (isHub ? hub : leaf).LeafNodes!.Snapshot().Single();
        foreach (var (milliseconds, expected) in new[] { (0, "s2_uncompressed"), (30, "s2_fast"), (50, "s2_better"), (75, "s2_best"), (0, "s2_uncompressed") })
        {
            proxy.ToTarget.Delay = TimeSpan.FromMilliseconds(milliseconds);
            await Wait.Until($"{expected} at {milliseconds} ms", () => connection.Compression == expected, () => connection.Compression);
        }
        (isHub ? hub : leaf).LeafNodes!.Snapshot().Single().ShouldBeSameAs(connection);
        await ExchangeAsync(hub, leaf);
        await ExchangeAsync(leaf, hub);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeCompressionAuto")]
    [Upstream("leafnode_test.go", "TestLeafNodeCompressionAuthTimeout")]
    public async Task NeitherRoundTripsNorTheTimeToConnectTouchAConnectionThatStands()
    {
        await using var hub = await LeafPair.HubAsync("compression: off, authorization { timeout: 0.1 }");
        await using var other = await LeafPair.HubAsync("compression: s2_fast, authorization { timeout: 0.1 }", name: "other");
        await using var leaf = await TestServer.FromConfigAsync(
            $"server_name: leaf\nping_interval: \"20ms\"\nping_max: 500\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{hub.LeafNodeEndPoint!.Port}\", account: A, compression: s2_auto }}, {{ url: \"nats-leaf://a:a@127.0.0.1:{other.LeafNodeEndPoint!.Port}\", account: A }} ] }}\n{LeafPair.Accounts}");
        await LeafPair.ConnectedAsync(leaf, 2);
        var connections = leaf.LeafNodes!.Snapshot();
        // Ten round trips are twice the time there is to connect.
        foreach (var connection in connections)
        {
            for (var i = 0; i < 10; i++)
            {
                var last = connection.RoundTrip;
                await Wait.Until("another round trip", () => connection.RoundTrip != last);
            }
        }
        leaf.LeafNodes.Snapshot().ShouldBe(connections, ignoreOrder: true);
        connections.Select(connection => connection.Compression).Count(mode => mode == "off").ShouldBe(1);
    }

    [Theory]
    [InlineData(true, true, "off")]
    [InlineData(true, false, "s2_fast")]
    [InlineData(false, true, "s2_fast")]
    [InlineData(false, false, "s2_fast")]
    [Upstream("leafnode_test.go", "TestLeafNodeNoCompressionWithWebsocket")]
    [Upstream("leafnode_test.go", "TestLeafNodeCompressionWithWSCompression")]
    public async Task AWebSocketThatCompressesIsNotCompressedAgain(bool hubs, bool leafs, string expected)
    {
        await using var hub = await LeafPair.HubAsync("compression: s2_fast", more: $"websocket {{ host: 127.0.0.1, port: -1, no_tls: true, compression: {Text(hubs)} }}\n");
        await using var leaf = await TestServer.FromConfigAsync(
            $"server_name: leaf\nleafnodes {{ remotes: [ {{ url: \"ws://a:a@127.0.0.1:{hub.WebSocketEndPoint!.Port}\", account: A, ws_compression: {Text(leafs)}, compression: s2_fast }} ] }}\n{LeafPair.Accounts}");
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
        (hub.Leafz().Leafs.Single().Compression, leaf.Leafz().Leafs.Single().Compression).ShouldBe((expected, expected));
        await ExchangeAsync(hub, leaf);
        await ExchangeAsync(leaf, hub);

        static string Text(bool value) => value ? "true" : "false";
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeWSNoAuthUser")]
    public async Task WhoComesThroughAWebSocketWithoutANameIsItsUnspokenUser()
    {
        await using var hub = await LeafPair.HubAsync(
            accounts: LeafPair.Accounts.Replace("no_auth_user: a", "", StringComparison.Ordinal), more: "websocket { host: 127.0.0.1, port: -1, no_tls: true, no_auth_user: a }\n");
        await using var leaf = await WebSocketLeafAsync(hub, "");
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
        await ExchangeAsync(hub, leaf);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeWSAuth")]
    public async Task AUserMayBeForLeafsThroughWebSocketsOnly()
    {
        var ports = new NatsAspire.Hosting.FreePorts().Take(2);
        string Accounts(string kinds) => $"accounts {{ A {{ users: [ {{user: a, password: a, connection_types: [STANDARD]}}, {{user: leaf, password: leaf, connection_types: [{kinds}]}} ] }} }}\n";
        string Config(string kinds) => $"server_name: hub\nleafnodes {{ listen: \"127.0.0.1:{ports[1]}\" }}\nwebsocket {{ host: 127.0.0.1, port: {ports[0]}, no_tls: true }}\n{Accounts(kinds)}";
        using var log = new CapturedLog();
        await using var hub = await NatsServer.StartAsync(TestServer.Parse(Config("LEAFNODE")), log);
        await using var leaf = await WebSocketLeafAsync(hub, "leaf:leaf@");
        await Wait.Until("it is refused", () => log.Contains("authentication error"), () => string.Join('\n', log.Lines.TakeLast(5)));
        hub.LeafNodeCount.ShouldBe(0);
        await hub.ReloadAsync(TestServer.Parse(Config("LEAFNODE, LEAFNODE_WS")));
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
        await ExchangeAsync(leaf, hub);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSVerifyAndMap")]
    public async Task ALeafIsWhomItsCertificateNames(bool isLeafUser, bool showsCertificate)
    {
        using var certificates = new TestCertificates();
        certificates.Issue("client", "CN=example.com,OU=NATS.io", names => names.AddDnsName("leaf.example.com")).Dispose();
        const string user = "{user: \"CN=example.com,OU=NATS.io\"ACCOUNT}";
        var authorization = isLeafUser ? $"authorization {{ users: [ {user.Replace("ACCOUNT", ", account: MINE")} ] }}" : "";
        using var log = new CapturedLog();
        await using var hub = await NatsServer.StartAsync(
            TestServer.Parse($"server_name: hub\nleafnodes {{ listen: \"127.0.0.1:-1\"\n{certificates.Block("verify_and_map: true")}\n{authorization}\n }}\naccounts {{ MINE {{ users: [ {(isLeafUser ? "{user: other, password: other}" : user.Replace("ACCOUNT", ""))} ] }} }}\n"), log);
        var tls = showsCertificate ? certificates.Block("insecure: true", "client") : "tls { insecure: true }";
        await using var leaf = await TestServer.FromConfigAsync($"server_name: leaf\nleafnodes {{ reconnect: \"50ms\", remotes: [ {{ url: \"nats://127.0.0.1:{hub.LeafNodeEndPoint!.Port}\"\n{tls}\n }} ] }}\n");
        if (showsCertificate)
        {
            await LeafPair.ConnectedAsync(hub, 1);
            hub.Leafz().Leafs.Single().Account.ShouldBe("MINE");
            return;
        }
        await Wait.Until("it is refused", () => log.Lines.Any(line => line.Contains("TLS leafnode", StringComparison.Ordinal) && line.Contains("handshake error", StringComparison.Ordinal)), () => string.Join('\n', log.Lines.TakeLast(5)));
        (hub.LeafNodeCount, leaf.LeafNodeCount).ShouldBe((0, 0));
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSHandshakeEvenForRemoteWithNoTLSBlock")]
    public async Task AnAddressOfTlsIsDialledSoWithoutABlock()
    {
        using var certificates = new TestCertificates();
        await using var hub = await LeafPair.HubAsync(certificates.Block());
        using var log = new CapturedLog();
        await using var leaf = await NatsServer.StartAsync(TestServer.Parse(
            $"server_name: leaf\nleafnodes {{ reconnect: \"50ms\", remotes: [ {{ url: \"tls://a:a@127.0.0.1:{hub.LeafNodeEndPoint!.Port}\", account: A }} ] }}\n{LeafPair.Accounts}"), log);
        // Nobody here trusts the hub's authority, so the handshake is all there is.
        await Wait.Until("there was a handshake", () => log.Lines.Any(line => line.Contains("TLS leafnode", StringComparison.Ordinal) && line.Contains("handshake error", StringComparison.Ordinal)), () => string.Join('\n', log.Lines.TakeLast(5)));
        leaf.LeafNodeCount.ShouldBe(0);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("handshake_first: true", "handshake_first: true")]
    [InlineData("handshake_first: auto", "handshake_first: true")]
    [InlineData("handshake_first: auto", "")]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSHandshakeFirst")]
    [Upstream("leafnode_test.go", "TestLeafNodeTLSHandshakeFirstFallbackDelayConfigValues")]
    public async Task TlsComesBehindInfoOrBeforeIt(string hub, string leaf)
    {
        using var certificates = new TestCertificates();
        await using var pair = await LeafPair.StartAsync(certificates.Block(hub), certificates.Block(leaf));
        await ExchangeAsync(pair.Hub, pair.Leaf);
        pair.Hub.LeafNodes!.Snapshot().Single().Tls.ShouldNotBeNull();
    }

    [Theory]
    [InlineData("compression: false", "")]
    [InlineData("compression: true", "ws_compression: true")]
    [InlineData("compression: true", "ws_compression: true, ws_no_masking: true")]
    [Upstream("leafnode_test.go", "TestLeafNodeWSBasic")]
    [Upstream("leafnode_test.go", "TestLeafNodeWSMixURLs")]
    public async Task ALeafMayComeThroughAWebSocket(string hubBlock, string remote)
    {
        await using var hub = await LeafPair.HubAsync(more: $"websocket {{ host: 127.0.0.1, port: -1, no_tls: true, {hubBlock} }}\n");
        await using var leaf = await TestServer.FromConfigAsync(
            $"server_name: leaf\nleafnodes {{ remotes: [ {{ url: \"ws://a:a@127.0.0.1:{hub.WebSocketEndPoint!.Port}\", account: A\n{remote} }} ] }}\n{LeafPair.Accounts}");
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
        await ExchangeAsync(hub, leaf);
        await ExchangeAsync(leaf, hub);
        hub.LeafNodes!.Snapshot().Single().IsWebSocket.ShouldBeTrue();
    }

    private static Task<NatsServer> WebSocketLeafAsync(NatsServer hub, string user) => TestServer.FromConfigAsync(
        $"server_name: leaf\nleafnodes {{ reconnect: \"50ms\", remotes: [ {{ url: \"ws://{user}127.0.0.1:{hub.WebSocketEndPoint!.Port}\", account: A }} ] }}\n{LeafPair.Accounts}");

    private static async Task ExchangeAsync(NatsServer from, NatsServer to)
    {
        await using var subscriber = await LeafPair.ClientAsync(to);
        await using var publisher = await LeafPair.ClientAsync(from);
        var subject = $"x.{Guid.NewGuid():N}";
        var heard = await subscriber.SubscribeAsync(subject);
        await subscriber.FlushAsync();
        await LeafPair.HasInterestAsync(from, subject);
        var payload = new string('z', 200_000);
        await publisher.PublishAsync(subject, payload);
        (await heard.NextAsync()).Text.ShouldBe(payload);
    }
}
