using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>Clients of a cluster, which notice nothing of it.</summary>
public sealed class ClusterTests
{
    [Fact]
    [Upstream("cluster_test.go", "TestBasicClusterPubSub")]
    [Upstream("cluster_test.go", "TestClusterDoubleMsgs")]
    [Upstream("cluster_test.go", "TestClusterDropsRemoteSids")]
    public async Task AMessageArrivesOnceWhereverItIsPublished()
    {
        await using var cluster = await TestServer.ClusterAsync(2);
        await using var a = await cluster[0].ConnectAsync();
        await using var b = await cluster[1].ConnectAsync();
        var foo = await a.SubscribeAsync("foo");
        var group = await a.SubscribeAsync("foo", "q");
        var member = await a.SubscribeAsync("foo", "q");
        await KnownAsync(cluster[1], "foo");
        await Wait.Until("the weight is known", () => cluster[1].Accounts.Global.Subscriptions.Match("foo"u8).Queues is [{ Links: [{ QueueWeight: 2 }] }]);
        for (var i = 0; i < 10; i++) await b.PublishAsync("foo", $"{i}");
        for (var i = 0; i < 10; i++) (await foo.NextAsync()).Text.ShouldBe($"{i}");
        await Wait.Until("one member each", () => group.Count + member.Count == 10);
        await a.FlushAsync();
        (foo.Count, group.Count + member.Count).ShouldBe((10, 10));
        await a.DisposeAsync();
        await Wait.Until("the interest is gone", () => cluster[1].Accounts.Global.Subscriptions.Count == 0);
    }

    [Fact]
    [Upstream("cluster_test.go", "TestAutoUnsubscribePropagation")]
    [Upstream("cluster_test.go", "TestAutoUnsubscribePropagationOnClientDisconnect")]
    public async Task AutoUnsubscribeEndsTheInterestOfTheOthers()
    {
        await using var cluster = await TestServer.ClusterAsync(2);
        await using var publisher = await cluster[0].ConnectAsync();
        for (var round = 0; round < 10; round++)
        {
            await using var subscriber = await cluster[1].ConnectAsync();
            var foo = await subscriber.SubscribeAsync("foo");
            await foo.UnsubscribeAsync(max: 1);
            await KnownAsync(cluster[0], "foo");
            if (round % 2 == 0)
            {
                await publisher.PublishAsync("foo", "hello");
                await foo.NextAsync();
            }
            else await subscriber.DisposeAsync();
            await Wait.Until("the interest is gone", () => cluster[0].Accounts.Global.Subscriptions.Count == 0);
        }
    }

    [Fact]
    [Upstream("client_cluster_test.go", "TestServerRestartReSliceIssue")]
    [Upstream("client_cluster_test.go", "TestServerRestartAndQueueSubs")]
    public async Task AQueueGroupGoesOnAfterAServersRestart()
    {
        await using var cluster = await TestServer.ClusterAsync(2);
        var seed = cluster[0].ClusterEndPoint!.Port;
        for (var round = 0; round < 2; round++)
        {
            await using var a = await cluster[0].ConnectAsync();
            await using var b = await cluster[1].ConnectAsync();
            var groups = new[] { await a.SubscribeAsync("foo", "g"), await b.SubscribeAsync("foo", "g") };
            foreach (var server in cluster.Servers) await Wait.Until("the interest of the other", () => server.Accounts.Global.Subscriptions.Match("foo"u8).Queues is [{ Links.Length: 1, Local.Length: 1 }]);
            for (var i = 0; i < 100; i++) await a.PublishAsync("foo", $"{i}");
            await Wait.Until("each message once", () => groups.Sum(group => group.Count) == 100, () => $"{groups[0].Count} and {groups[1].Count}");
            await a.DisposeAsync();
            await b.DisposeAsync();
            await cluster[0].DisposeAsync();
            await Wait.Until("the loss is noticed", () => cluster[1].RouteConnectionCount == 0);
            var again = TestServer.Member("s1");
            cluster.Servers[0] = await NatsServer.StartAsync(again with { Cluster = again.Cluster with { Port = seed } });
            await cluster.WaitForMeshAsync();
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("workers")]
    [Upstream("client_cluster_test.go", "TestRequestsAcrossRoutes")]
    [Upstream("client_cluster_test.go", "TestRequestsAcrossRoutesToQueues")]
    [Upstream("new_routes_test.go", "TestNewRouteNoQueueSubscribersBounce")]
    public async Task RequestsAreAnsweredAcrossServers(string? queue)
    {
        await using var cluster = await TestServer.ClusterAsync(2);
        var responders = new List<TestClient>();
        foreach (var server in queue is null ? [cluster[1]] : cluster.Servers)
        {
            var responder = await server.ConnectAsync();
            responders.Add(responder);
            var requests = await responder.SubscribeAsync("help", queue);
            await responder.FlushAsync();
            _ = Task.Run(async () =>
            {
                await foreach (var request in requests.Messages.ReadAllAsync()) await responder.PublishAsync(request.Reply!, "I will help you");
            });
        }
        await KnownAsync(cluster[0], "help");
        if (queue is not null) await Wait.Until("the other's member is known", () => cluster[0].Accounts.Global.Subscriptions.Match("help"u8).Queues.Any(group => group.Links.Length > 0));
        await using var requestor = await cluster[0].ConnectAsync();
        for (var i = 0; i < 100; i++)
        {
            (await requestor.RequestAsync("help")).Text.ShouldBe("I will help you");
            if (queue is null || i != 20) continue;
            await responders[0].DisposeAsync();
            await Wait.Until("the responder is gone", () => cluster[0].ClientCount == 1);
        }
        foreach (var responder in responders) await responder.DisposeAsync();
    }

    [Fact]
    [Upstream("new_routes_test.go", "TestNewRouteQueueSubsDistribution")]
    [Upstream("cluster_test.go", "TestClusterQueueSubs")]
    [Upstream("client_cluster_test.go", "TestQueueDistributionAcrossRoutes")]
    public async Task AGroupSharesOverServersByItsMembers()
    {
        await using var cluster = await TestServer.ClusterAsync(2);
        await using var a = await cluster[0].ConnectAsync();
        await using var b = await cluster[1].ConnectAsync();
        var members = new List<(TestSubscription Of, bool Near)>();
        for (var i = 0; i < 20; i++)
        {
            members.Add((await a.SubscribeAsync("foo", "bar"), true));
            members.Add((await b.SubscribeAsync("foo", "bar"), false));
        }
        await Wait.Until("all are known", () => cluster[0].Accounts.Global.Subscriptions.Match("foo"u8).Queues is [{ Local.Length: 20, Links: [{ QueueWeight: 20 }] }]);
        await using var publisher = await cluster[0].ConnectAsync();
        for (var i = 0; i < 400; i++) await publisher.PublishAsync("foo");
        await Wait.Until("all messages", () => members.Sum(member => member.Of.Count) == 400, () => $"{members.Sum(member => member.Of.Count)}");
        members.Where(member => member.Near).Sum(member => member.Of.Count).ShouldBeInRange(100, 300);
    }

    [Fact]
    [Upstream("new_routes_test.go", "TestNewRouteLargeDistinctQueueSubscribers")]
    public async Task ManyGroupsGetTheirCopyEach()
    {
        await using var cluster = await TestServer.ClusterAsync(2);
        await using var b = await cluster[1].ConnectAsync();
        var groups = new List<TestSubscription>();
        for (var i = 0; i < 100; i++) groups.Add(await b.SubscribeAsync("foo", $"worker-{i}"));
        await Wait.Until("all are known", () => cluster[0].Accounts.Global.Subscriptions.Match("foo"u8).Queues.Length == 100);
        await using var a = await cluster[0].ConnectAsync();
        for (var i = 0; i < 10; i++) await a.PublishAsync("foo");
        await Wait.Until("ten for each", () => groups.TrueForAll(group => group.Count == 10));
    }

    [Fact]
    [Upstream("new_routes_test.go", "TestNewRouteHeaderSupportOldAndNew")]
    public async Task AServerWithoutHeadersGetsThePayloadAlone()
    {
        await using var plain = await NatsServer.StartAsync(TestServer.Member("s1") with { Limits = new LimitOptions { NoHeaderSupport = true } });
        await using var full = await NatsServer.StartAsync(TestServer.Member("s2", "C", plain.ClusterEndPoint!.Port));
        await Wait.Until("the mesh", () => plain.PeerCount == 1 && full.PeerCount == 1);
        using var subscriber = await RawClient.OpenAsync(plain.ClientEndPoint!, "CONNECT {\"verbose\":false}\r\n");
        await subscriber.SendAsync("SUB foo bar 22\r\n");
        await KnownAsync(full, "foo");
        using var publisher = await RawClient.OpenAsync(full.ClientEndPoint!);
        await publisher.SendAsync("HPUB foo reply 12 14\r\nK1:V1,K2:V2 ok\r\n");
        await subscriber.ExpectAsync("MSG foo 22 reply 2\r\nok\r\n");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("bar")]
    [Upstream("new_routes_test.go", "TestNewRouteSinglePublishOnNewAccount")]
    [Upstream("new_routes_test.go", "TestNewRouteSinglePublishToQueueSubscriberOnNewAccount")]
    [Upstream("new_routes_test.go", "TestNewRouteSinglePublishToMultipleQueueSubscriberOnNewAccount")]
    public async Task TheFirstPublishOfAnAccountCrosses(string? queue)
    {
        await using var cluster = await TestServer.ClusterAsync(3, o => o with { Accounts = [new AccountOptions { Name = "A", Users = [new UserOptions { Username = "a", Password = "a" }] }] });
        var user = new TestClientOptions { User = "a", Password = "a" };
        await using var first = await cluster[0].ConnectAsync(user);
        await using var third = await cluster[2].ConnectAsync(user);
        var near = await first.SubscribeAsync("foo", queue);
        var far = await third.SubscribeAsync("foo", queue);
        await Wait.Until("both are known", () => cluster[1].Accounts.Find("A")?.Subscriptions.Match("foo"u8) is { } match && match.Links.Length + match.Queues.Sum(group => group.Links.Length) == 2);
        await using var publisher = await cluster[1].ConnectAsync(user);
        await publisher.PublishAsync("foo", "ok", reply: "bar");
        await Wait.Until("delivered", () => near.Count + far.Count == (queue is null ? 2 : 1));
        if (queue is null) return;
        for (var i = 1; i < 200; i++) await publisher.PublishAsync("foo");
        await Wait.Until("all delivered", () => near.Count + far.Count == 200);
        near.Count.ShouldBeInRange(50, 150);
    }

    [Theory]
    [InlineData("PUB foo _R_.foo 2\r\nok\r\n")]
    [Upstream("new_routes_test.go", "TestNewRouteReservedReply")]
    public async Task RepliesOfServersAreNotForClients(string publish)
    {
        await using var cluster = await TestServer.ClusterAsync(2);
        using var client = await RawClient.OpenAsync(cluster[0].ClientEndPoint!);
        await client.SendAsync(publish);
        await client.ExpectAsync("-ERR 'Permissions Violation for Publish with Reply of \"_R_.foo\"'\r\n");
    }

    [Fact]
    [Upstream("client_test.go", "TestClientMsgsMetric")]
    public async Task MessagesOfClientsAndRoutesAreCountedApart()
    {
        // What servers tell each other of their accounts' connections would be counted too.
        await using var cluster = await TestServer.ClusterAsync(2, options => options with { NoSystemAccount = true });
        await using var a = await cluster[0].ConnectAsync();
        await using var b = await cluster[1].ConnectAsync();
        var foo = await a.SubscribeAsync("foo");
        await KnownAsync(cluster[1], "foo");
        await b.PublishAsync("foo", "6bytes");
        await foo.NextAsync();
        await a.FlushAsync();
        await b.FlushAsync();
        cluster[1].Clients.Traffic.ShouldBe(new Server.Accounts.TrafficCounters(1, 6, 0, 0));
        cluster[0].Clients.Traffic.ShouldBe(new Server.Accounts.TrafficCounters(0, 0, 1, 6));
        (cluster[0].Varz().InMessages, cluster[0].Varz().InClientMessages).ShouldBe((1, 0));
        (cluster[1].Varz().OutMessages, cluster[1].Varz().OutClientMessages).ShouldBe((1, 0));
    }

    [Fact]
    [Upstream("client_test.go", "TestCloseConnectionLogsReason")]
    public async Task TheEndOfARouteIsLoggedWithItsReason()
    {
        using var log = new CapturedLog();
        await using var first = await NatsServer.StartAsync(TestServer.Member("s1"), log);
        await using (var second = await NatsServer.StartAsync(TestServer.Member("s2", "C", first.ClusterEndPoint!.Port)))
        {
            await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        }
        await Wait.Until("the reason", () => log.Contains("Router connection closed: Client Closed"), () => string.Join('\n', log.Lines.TakeLast(20)));
    }

    [Fact]
    [Upstream("cluster_test.go", "TestClusterNameOption")]
    [Upstream("cluster_test.go", "TestEphemeralClusterName")]
    [Upstream("cluster_test.go", "TestClusterNameDynamicNegotiation")]
    public async Task AClusterHasOneName()
    {
        await using var named = await TestServer.FromConfigAsync("cluster { name: MyCluster, listen: \"127.0.0.1:-1\" }");
        named.ClusterName.ShouldBe("MyCluster");
        await using var first = await TestServer.FromConfigAsync("cluster { listen: \"127.0.0.1:-1\" }");
        await using var second = await TestServer.FromConfigAsync(NamelessConfig(first));
        await Wait.Until("one generated name", () => first.PeerCount == 1 && second.PeerCount == 1 && first.ClusterName == second.ClusterName, () => $"{first.ClusterName}: {first.PeerCount}, {second.ClusterName}: {second.PeerCount}");
        first.ClusterName.ShouldNotBeEmpty();
        await using var third = await TestServer.FromConfigAsync(NamelessConfig(first));
        await using var fourth = await TestServer.FromConfigAsync(NamelessConfig(first));
        var all = new[] { first, second, third, fourth };
        await Wait.Until(
            "the same name everywhere",
            () => all.All(server => server.ClusterName == first.ClusterName && server.PeerCount == 3),
            () => string.Join("; ", all.Select(server => $"{server.ClusterName}: {server.PeerCount}")));
        using var client = await RawClient.ConnectAsync(first.ClientEndPoint!);
        (await client.ReadInfoAsync()).GetProperty("cluster").GetString().ShouldBe(first.ClusterName);
    }

    [Fact]
    [Upstream("cluster_test.go", "TestClusterNameConflictsDropRoutes")]
    public async Task ServersOfAnotherNameAreNoPeers()
    {
        using var log = new CapturedLog();
        await using var first = await NatsServer.StartAsync(TestServer.Member("s1", "MyCluster33"), log);
        await using var second = await NatsServer.StartAsync(TestServer.Member("s2", "MyCluster22", first.ClusterEndPoint!.Port));
        await Wait.Until("the refusal", () => log.Contains("cluster name \"MyCluster22\" does not match \"MyCluster33\""), () => string.Join('\n', log.Lines));
        (first.RouteConnectionCount, second.PeerCount).ShouldBe((0, 0));
    }

    [Fact]
    [Upstream("cluster_test.go", "TestProperServerWithRoutesShutdown")]
    [Upstream("cluster_test.go", "TestDoubleRouteConfig")]
    [Upstream("test/routes_test.go", "TestSolicitRouteReconnect")]
    public async Task APeerThatGoesIsDialledAgainAndNothingElseHappens()
    {
        await using var first = await NatsServer.StartAsync(TestServer.Member("s1"));
        var port = first.ClusterEndPoint!.Port;
        // The same address twice is one peer.
        await using var second = await NatsServer.StartAsync(TestServer.Member("s2", "C", port, port));
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        second.RouteConnectionCount.ShouldBeLessThanOrEqualTo(5);
        await first.DisposeAsync();
        await Wait.Until("the loss is noticed", () => second.RouteConnectionCount == 0);
        var again = TestServer.Member("s1");
        await using var third = await NatsServer.StartAsync(again with { Cluster = again.Cluster with { Port = port } });
        await Wait.Until("the mesh again", () => third.PeerCount == 1 && second.PeerCount == 1);
    }

    [Theory]
    [InlineData("import: \"foo\"")]
    [InlineData("import: { allow: \"foo\" }")]
    [InlineData("import: { deny: \"foo\" }")]
    [InlineData("import: { allow: \"foo\", deny: \"foo\" }")]
    [InlineData("export: \"foo\"")]
    [InlineData("export: { allow: \"foo\" }")]
    [InlineData("export: { deny: \"foo\" }")]
    [InlineData("export: { allow: \"foo\", deny: \"foo\" }")]
    [Upstream("test/routes_test.go", "TestRoutesOnlyImportOrExport")]
    public async Task EitherSideOfTheRoutesPermissionsMayStandAlone(string permissions)
    {
        await using var server = await TestServer.FromConfigAsync(
            $"cluster {{ name: Z, listen: \"127.0.0.1:-1\", authorization {{ user: ivan, password: pwd, permissions {{ {permissions} }} }} }}");
        server.ClusterEndPoint.ShouldNotBeNull();
    }

    [Fact]
    [Upstream("test/routes_test.go", "TestRouteBasicPermissions")]
    [Upstream("reload_test.go", "TestConfigReloadClusterPerms")]
    [Upstream("reload_test.go", "TestConfigReloadClusterPermsImport")]
    [Upstream("reload_test.go", "TestConfigReloadClusterPermsExport")]
    public async Task PermissionsOfRoutesHoldAndChange()
    {
        static string Config(string name, string permissions, params NatsServer[] to) =>
            $"server_name: {name}\ncluster {{ name: C, listen: \"127.0.0.1:-1\", {permissions}\n routes: [ {string.Join(", ", to.Select(server => $"\"nats-route://127.0.0.1:{server.ClusterEndPoint!.Port}\""))} ] }}";
        await using var a = await TestServer.FromConfigAsync(Config("a", "permissions { import { allow: \"foo\" }, export { allow: [ \"foo\", \"out\" ] } }"));
        await using var b = await TestServer.FromConfigAsync(Config("b", "", a));
        await Wait.Until("the mesh", () => a.PeerCount == 1 && b.PeerCount == 1);
        await using var onA = await a.ConnectAsync();
        await using var onB = await b.ConnectAsync();
        foreach (var subject in new[] { "foo", "bar" }) await onA.SubscribeAsync(subject);
        foreach (var subject in new[] { "out", "secret" }) await onB.SubscribeAsync(subject);
        await KnowsAsync(b, "foo", "bar", knowsBar: false);
        await KnowsAsync(a, "out", "secret", knowsBar: false);
        await a.ReloadAsync(TestServer.Parse(Config("a", "permissions { import { allow: [ \"foo\", \"bar\" ] }, export { allow: [ \"foo\", \"out\", \"secret\" ] } }")));
        await KnowsAsync(b, "foo", "bar", knowsBar: true);
        await KnowsAsync(a, "out", "secret", knowsBar: true);
        await a.ReloadAsync(TestServer.Parse(Config("a", "permissions { import { allow: [ \"foo\", \"bar\" ], deny: \"bar\" }, export { deny: \"secret\" } }")));
        await KnowsAsync(b, "foo", "bar", knowsBar: false);
        await KnowsAsync(a, "out", "secret", knowsBar: false);
        await a.ReloadAsync(TestServer.Parse(Config("a", "")));
        await KnowsAsync(b, "foo", "bar", knowsBar: true);
        await KnowsAsync(a, "out", "secret", knowsBar: true);
    }

    [Theory]
    [InlineData("pool_size: -1", "")]
    [InlineData("pool_size: 5", "")]
    [InlineData("", "accounts: [\"A\"]")]
    [InlineData("pool_size: 3", "accounts: [\"A\"]")]
    [Upstream("reload_test.go", "TestConfigReloadRouteImportPermissionsWithAccounts")]
    public async Task PermissionsOfRoutesChangeForEveryKindOfConnection(string pool, string pinned)
    {
        string Config(string name, string allowed, params NatsServer[] to) =>
            $$"""
            server_name: {{name}}
            accounts { A { users: [{user: "user1", password: "pwd"}] }, B { users: [{user: "user2", password: "pwd"}] } }
            cluster { name: local, listen: "127.0.0.1:-1", permissions { import { allow: "{{allowed}}" }, export { allow: ">" } }, {{pool}}
              {{pinned}}
              routes: [ {{string.Join(", ", to.Select(server => $"\"nats-route://127.0.0.1:{server.ClusterEndPoint!.Port}\""))}} ] }
            """;
        await using var a = await TestServer.FromConfigAsync(Config("A", "foo"));
        await using var b = await TestServer.FromConfigAsync(Config("B", "foo", a));
        await Wait.Until("the mesh", () => a.PeerCount == 1 && b.PeerCount == 1);
        await using var client = await a.ConnectAsync(new TestClientOptions { User = "user1", Password = "pwd" });
        foreach (var subject in new[] { "foo", "bar" }) await client.SubscribeAsync(subject);
        foreach (var allowed in new[] { "foo", "bar", "foo" })
        {
            await a.ReloadAsync(TestServer.Parse(Config("A", allowed)));
            await b.ReloadAsync(TestServer.Parse(Config("B", allowed, a)));
            var denied = allowed == "foo" ? "bar" : "foo";
            await Wait.Until($"interest in {allowed} alone", () => b.PeerCount == 1 && Has(b, "A", allowed) && !Has(b, "A", denied));
        }
    }

    private static string NamelessConfig(NatsServer to) =>
        $"cluster {{ listen: \"127.0.0.1:-1\", routes: [ \"nats://127.0.0.1:{to.ClusterEndPoint!.Port}\" ] }}";

    private static bool Has(NatsServer server, string account, string subject) =>
        server.Accounts.Find(account)?.Subscriptions.HasInterest(System.Text.Encoding.ASCII.GetBytes(subject)) == true;

    private static Task KnowsAsync(NatsServer server, string always, string bar, bool knowsBar) => Wait.Until(
        $"{server.Name} knows {always}, and {bar}: {knowsBar}",
        () => Has(server, "$G", always) && Has(server, "$G", bar) == knowsBar,
        () => $"{always} {Has(server, "$G", always)}, {bar} {Has(server, "$G", bar)}");

    private static Task KnownAsync(NatsServer server, string subject) =>
        Wait.Until($"interest in {subject} on {server.Name}", () => Has(server, "$G", subject));
}
