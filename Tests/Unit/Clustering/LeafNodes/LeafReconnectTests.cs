using NatsAspire.Hosting;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>Ways to a hub: other servers it told of, proxies, and loops that must not be.</summary>
public sealed class LeafReconnectTests
{
    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeBasicAuthFailover")]
    [Upstream("leafnode_test.go", "TestLeafNodeRemoteIgnoreGossip")]
    public async Task ALeafGoesToAnotherServerOfItsHubUnlessItIsToldNotTo()
    {
        using var log = new CapturedLog();
        await using var cluster = await HubsAsync("");
        string RemoteOf(string user, string more) => $"{{ url: \"nats-leaf://{user}:pwdfatal@127.0.0.1:{cluster[0].LeafNodeEndPoint!.Port}\", account: {user.ToUpperInvariant()} {more} }}";
        await using var leaf = await NatsServer.StartAsync(
            TestServer.Parse($"server_name: leaf\nleafnodes {{ reconnect: \"50ms\", remotes: [ {RemoteOf("a", ", ignore_discovered_servers: true")}, {RemoteOf("b", "")} ] }}\n{LeafPair.Accounts}"), log);
        await LeafPair.ConnectedAsync(leaf, 2);
        await using var far = await TestClient.ConnectAsync(cluster[1].ClientEndPoint!, new TestClientOptions { User = "b", Password = "pwdfatal" });
        await far.SubscribeAsync("bar");
        await far.FlushAsync();
        await LeafPair.HasInterestAsync(leaf, "bar", account: "B");
        await cluster[0].DisposeAsync();
        await LeafPair.ConnectedAsync(cluster[1], 1);
        await LeafPair.HasInterestAsync(leaf, "bar", account: "B");
        await LeafPair.ConnectedAsync(leaf, 1);
        leaf.LeafNodes!.Snapshot().Single().Account!.Name.ShouldBe("B");
        log.Contains("pwdfatal").ShouldBeFalse("no secret is logged");
    }

    /// <summary>Servers that start together need not wait as those do that have lost each other.</summary>
    [Fact]
    public async Task AHubThatStartsALittleLaterIsFoundSoon()
    {
        using var log = new CapturedLog();
        var port = new FreePorts().Take(1)[0];
        await using var leaf = await NatsServer.StartAsync(
            TestServer.Parse($"server_name: leaf\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{port}\", account: A }} ] }}\n{LeafPair.Accounts}"), log);
        // With a second and more between them the fifth comes after four seconds at the earliest.
        await Wait.Until("the fifth attempt fails", () => log.Contains("(attempt 5)"), () => string.Join('\n', log.Lines.TakeLast(8)), TimeSpan.FromSeconds(3.5));
        await using var hub = await TestServer.FromConfigAsync($"server_name: hub\nleafnodes {{ host: 127.0.0.1, port: {port} }}\n{LeafPair.Accounts}");
        await LeafPair.ConnectedAsync(hub, 1);
    }

    /// <summary>The hub must not hear of its own interest by a connection whose predecessor still stands.</summary>
    [Fact]
    public async Task ARemoteThatAReloadChangesIsBackAtOnceAndNotTakenForALoop()
    {
        using var log = new CapturedLog();
        await using var hub = await LeafPair.HubAsync();
        string Config(string denied) => $"server_name: leaf\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{hub.LeafNodeEndPoint!.Port}\", account: A, deny_imports: {denied} }} ] }}\n{LeafPair.Accounts}";
        await using var leaf = await NatsServer.StartAsync(TestServer.Parse(Config("x")), log);
        await LeafPair.ConnectedAsync(leaf, 1);
        for (var i = 0; i < 25; i++)
        {
            var before = leaf.LeafNodes!.Snapshot().Single().Id;
            await leaf.ReloadAsync(TestServer.Parse(Config($"x{i}")));
            await Wait.Until(
                $"another connection after reload {i}", () => leaf.LeafNodes!.Snapshot() is [var now] && now.Id != before && now.RemoteSubscriptionCount > 0,
                () => string.Join('\n', log.Lines.TakeLast(8)));
        }
        log.Contains("Loop detected").ShouldBeFalse();
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeWSGossip")]
    public async Task WhoCameThroughAWebSocketComesBackThroughOne()
    {
        await using var cluster = new TestCluster();
        cluster.Servers.Add(await HubAsync(0, "", "websocket { host: 127.0.0.1, port: -1, no_tls: true }\n"));
        await using var leaf = await TestServer.FromConfigAsync(
            $"server_name: leaf\nleafnodes {{ reconnect: \"50ms\", remotes: [ {{ url: \"ws://a:pwdfatal@127.0.0.1:{cluster[0].WebSocketEndPoint!.Port}\", account: A }} ] }}\n{LeafPair.Accounts}");
        await LeafPair.ConnectedAsync(leaf, 1);
        cluster.Servers.Add(await HubAsync(1, $"routes: [\"nats://127.0.0.1:{cluster[0].ClusterEndPoint!.Port}\"]", "websocket { host: 127.0.0.1, port: -1, no_tls: true }\n"));
        await cluster.WaitForMeshAsync();
        await Wait.Until("the leaf was told of the other server", () => leaf.LeafNodes!.Snapshot().Single().Remote!.Addresses.Count == 2);
        await cluster[0].DisposeAsync();
        await LeafPair.ConnectedAsync(cluster[1], 1);
        cluster[1].LeafNodes!.Snapshot().Single().IsWebSocket.ShouldBeTrue();
    }

    [Theory]
    [InlineData(null, "", true)]
    [InlineData("user:secret", "username: user, password: secret", true)]
    [InlineData("user:secret", "", false)]
    [Upstream("leafnode_proxy_test.go", "TestLeafNodeHttpProxyConnection")]
    [Upstream("leafnode_proxy_test.go", "TestLeafNodeHttpProxyWithAuthentication")]
    [Upstream("leafnode_proxy_test.go", "TestLeafNodeHttpProxyTunnelBasic")]
    [Upstream("leafnode_proxy_test.go", "TestLeafNodeHttpProxyTunnelWithAuth")]
    [Upstream("leafnode_proxy_test.go", "TestLeafNodeHttpProxyTunnelFailsWithoutAuth")]
    public async Task AProxyIsTheWayToAWebSocket(string? asked, string given, bool isLetThrough)
    {
        await using var proxy = new HttpConnectProxy(asked);
        await using var hub = await LeafPair.HubAsync(more: "websocket { host: 127.0.0.1, port: -1, no_tls: true }\n");
        await using var leaf = await TestServer.FromConfigAsync(
            $"server_name: leaf\nleafnodes {{ reconnect: \"50ms\", remotes: [ {{ url: \"ws://a:a@127.0.0.1:{hub.WebSocketEndPoint!.Port}\", account: A, proxy {{ url: \"http://127.0.0.1:{proxy.Port}\", timeout: 5s, {given} }} }} ] }}\n{LeafPair.Accounts}");
        if (isLetThrough)
        {
            await LeafPair.ConnectedAsync(hub, 1);
            await LeafPair.ConnectedAsync(leaf, 1);
            proxy.Tunnels.ShouldBe(1);
            await PassAsync(leaf, hub);
            return;
        }
        await Wait.Until("it has asked more than once", () => proxy.Refusals > 1);
        (hub.LeafNodeCount, proxy.Tunnels).ShouldBe((0, 0));
    }

    [Fact]
    [Upstream("leafnode_proxy_test.go", "TestLeafNodeHttpProxyConnectionToTCP")]
    public async Task WithoutAWebSocketTheProxyIsPassedBy()
    {
        await using var proxy = new HttpConnectProxy();
        await using var pair = await LeafPair.StartAsync(remote: $"proxy {{ url: \"http://127.0.0.1:{proxy.Port}\" }}");
        proxy.Tunnels.ShouldBe(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("leafnode_test.go", "TestLeafNodeLoop")]
    public async Task TwoServersThatAreLeafsOfEachOtherNoticeIt(bool isCluster)
    {
        using var log = new CapturedLog();
        var ports = new NatsAspire.Hosting.FreePorts().Take(2);
        async Task<NatsServer> StartAsync(string name, int own, int other) => await NatsServer.StartAsync(
            TestServer.Parse($"server_name: {name}\n{(isCluster ? $"cluster {{ name: {name}, listen: \"127.0.0.1:-1\" }}" : "")}\nleafnodes {{ listen: \"127.0.0.1:{own}\", reconnect: \"20ms\", remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{other}\", account: A }} ] }}\n{LeafPair.Accounts}"), log);
        await using var one = await StartAsync("one", ports[0], ports[1]);
        var two = await StartAsync("two", ports[1], ports[0]);
        await Wait.Until("a loop is told of", () => log.Contains("Loop detected"), () => string.Join('\n', log.Lines.TakeLast(20)));
        await two.DisposeAsync();
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeLoopDetectionOnActualLoop")]
    public async Task ThreeServersInARoundNoticeItWhateverTheirUsersMay()
    {
        using var log = new CapturedLog();
        const string accounts = "accounts { A: { users: [{user: a, password: a, permissions: { publish: \"u.>\", subscribe: \"u.>\" }}] } }\n";
        await using var a = await LeafPair.HubAsync(accounts: accounts, name: "a1", more: "cluster { name: ONE }\n");
        async Task<NatsServer> StartAsync(string name, params NatsServer[] hubs) => await NatsServer.StartAsync(
            TestServer.Parse($"server_name: {name}\ncluster {{ name: {name} }}\nleafnodes {{ listen: \"127.0.0.1:-1\", reconnect: \"20ms\", remotes: [ {string.Join(", ", hubs.Select(hub => $"{{ url: \"nats-leaf://a:a@127.0.0.1:{hub.LeafNodeEndPoint!.Port}\", account: A }}"))} ] }}\n{accounts}"), log);
        await using var b = await StartAsync("b1", a);
        await LeafPair.ConnectedAsync(b, 1);
        var c = await StartAsync("c1", a, b);
        await Wait.Until("a loop is told of", () => log.Contains("Loop detected"), () => string.Join('\n', log.Lines.TakeLast(20)));
        await c.DisposeAsync();
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodesBasicTokenAuth")]
    public async Task AWordMayBeAllThatIsAskedFor()
    {
        await using var hub = await TestServer.FromConfigAsync("server_name: hub\nauthorization { token: secret }\nleafnodes { listen: \"127.0.0.1:-1\" }\n");
        await using var leaf = await TestServer.FromConfigAsync($"server_name: leaf\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://secret@127.0.0.1:{hub.LeafNodeEndPoint!.Port}\" }} ] }}\n");
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeServerKickClient")]
    public async Task ALeafMayBeThrownOutAndComesBack()
    {
        await using var pair = await LeafPair.StartAsync();
        await using var system = await LeafPair.ClientAsync(pair.Hub, "sys");
        var first = pair.Hub.LeafNodes!.Snapshot().Single();
        await system.RequestAsync($"$SYS.REQ.SERVER.{pair.Hub.Id}.KICK", $"{{\"cid\":{first.Id}}}");
        await Wait.Until("another connection stands", () => pair.Hub.LeafNodes!.Snapshot() is [var now] && now.Id != first.Id, () => $"{pair.Hub.LeafNodeCount}");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeTwoRemotesToSameHubAccount")]
    [Upstream("leafnode_test.go", "TestLeafNodeSameLocalAccountToMultipleHubs")]
    public async Task AccountsAndHubsMayBeCombined()
    {
        const string local = "accounts { A: { users: [{user: a, password: a}] }\nB: { users: [{user: b, password: b}] }\nC: { users: [{user: c, password: c}] } }\n";
        await using var one = await LeafPair.HubAsync(name: "one");
        await using var two = await LeafPair.HubAsync(name: "two");
        static string Remote(NatsServer hub, string account) => $"{{ url: \"nats-leaf://a:a@127.0.0.1:{hub.LeafNodeEndPoint!.Port}\", account: {account} }}";
        using var log = new CapturedLog();
        await using var leaf = await NatsServer.StartAsync(
            TestServer.Parse($"server_name: leaf\nleafnodes {{ remotes: [ {Remote(one, "A")}, {Remote(one, "C")}, {Remote(two, "A")}, {Remote(two, "B")} ] }}\n{local}"), log);
        await LeafPair.ConnectedAsync(leaf, 4);
        await LeafPair.ConnectedAsync(one, 2);
        await LeafPair.ConnectedAsync(two, 2);
        var heard = new Dictionary<string, TestSubscription>();
        foreach (var user in new[] { "a", "b", "c" })
        {
            var client = await LeafPair.ClientAsync(leaf, user);
            heard[user] = await client.SubscribeAsync(user);
            await client.FlushAsync();
        }
        foreach (var (hub, subject) in new[] { (one, "a"), (one, "c"), (two, "a"), (two, "b") }) await LeafPair.HasInterestAsync(hub, subject);
        await LeafPair.HasInterestAsync(one, "b", isWanted: false);
        await LeafPair.HasInterestAsync(two, "c", isWanted: false);
        await using var atOne = await LeafPair.ClientAsync(one);
        await using var atTwo = await LeafPair.ClientAsync(two);
        foreach (var subject in heard.Keys)
        {
            await atOne.PublishAsync(subject, "one");
            await atTwo.PublishAsync(subject, "two");
        }
        new[] { (await heard["a"].NextAsync()).Text, (await heard["a"].NextAsync()).Text }.Order().ShouldBe(["one", "two"]);
        (await heard["b"].NextAsync()).Text.ShouldBe("two");
        (await heard["c"].NextAsync()).Text.ShouldBe("one");
        log.Contains("Duplicate Remote").ShouldBeFalse();
    }

    private static async Task PassAsync(NatsServer from, NatsServer to)
    {
        await using var subscriber = await LeafPair.ClientAsync(to);
        await using var publisher = await LeafPair.ClientAsync(from);
        var heard = await subscriber.SubscribeAsync("passes");
        await subscriber.FlushAsync();
        await LeafPair.HasInterestAsync(from, "passes");
        await publisher.PublishAsync("passes", "through");
        (await heard.NextAsync()).Text.ShouldBe("through");
    }

    private static async Task<TestCluster> HubsAsync(string more)
    {
        var cluster = new TestCluster();
        for (var i = 0; i < 2; i++) cluster.Servers.Add(await HubAsync(i, i == 0 ? "" : $"routes: [\"nats://127.0.0.1:{cluster[0].ClusterEndPoint!.Port}\"]", more));
        await cluster.WaitForMeshAsync();
        return cluster;
    }

    private static Task<NatsServer> HubAsync(int index, string routes, string more) => LeafPair.HubAsync(
        accounts: "accounts { A: { users: [{user: a, password: pwdfatal}] }\nB: { users: [{user: b, password: pwdfatal}] } }\n",
        name: $"hub{index}",
        more: $"cluster {{ name: HC, host: 127.0.0.1, port: -1, {routes} }}\n{more}");
}
