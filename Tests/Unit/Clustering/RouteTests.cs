using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

public sealed class RouteTests
{
    [Fact]
    [Upstream("routes_test.go", "TestSeedSolicitWorks")]
    [Upstream("routes_test.go", "TestRoutePool")]
    [Upstream("routes_test.go", "TestRoutePerAccountDefaultForSysAccount")]
    [Upstream("route_discovery_test.go", "TestSeedSolicitWorks")]
    public async Task ServersThatKnowOneFindTheOthers()
    {
        await using var cluster = await TestServer.ClusterAsync(3);
        foreach (var server in cluster.Servers)
        {
            server.PeerCount.ShouldBe(2);
            await Wait.Until("three pooled and one system connection a peer", () => server.RouteConnectionCount == 2 * 4, () => $"{server.RouteConnectionCount}");
        }
    }

    [Fact]
    [Upstream("routes_test.go", "TestChainedSolicitWorks")]
    [Upstream("route_discovery_test.go", "TestChainedSolicitWorks")]
    public async Task AChainBecomesAMesh()
    {
        await using var cluster = new TestCluster();
        for (var i = 0; i < 3; i++)
        {
            var seeds = i == 0 ? [] : new[] { cluster[i - 1].ClusterEndPoint!.Port };
            cluster.Servers.Add(await NatsServer.StartAsync(TestServer.Member($"s{i}", "C", seeds)));
        }
        await cluster.WaitForMeshAsync();
    }

    [Fact]
    [Upstream("routes_test.go", "TestRoutesToEachOther")]
    [Upstream("routes_test.go", "TestRoutePoolConnectRace")]
    public async Task ServersThatDialEachOtherSettle()
    {
        for (var round = 0; round < 5; round++)
        {
            await using var cluster = new TestCluster();
            var ports = new[] { FreePort(), FreePort() };
            var starts = ports.Select((port, i) => NatsServer.StartAsync(TestServer.Member($"s{i}", "C", ports[1 - i]) with
            {
                Cluster = TestServer.Member("x", "C", ports[1 - i]).Cluster with { Port = port },
            }));
            cluster.Servers.AddRange(await Task.WhenAll(starts));
            await cluster.WaitForMeshAsync();
            await ExchangeAsync(cluster[0], cluster[1]);
            await ExchangeAsync(cluster[1], cluster[0]);
        }
    }

    [Fact]
    [Upstream("routes_test.go", "TestServerRoutesWithClients")]
    public async Task MessagesCrossWithHeadersAndReplies()
    {
        await using var cluster = await TestServer.ClusterAsync(2);
        using var subscriber = await RawClient.OpenAsync(cluster[1].ClientEndPoint!);
        await SubscribeAsync(subscriber, cluster[0], "foo.*", "1");
        using var publisher = await RawClient.OpenAsync(cluster[0].ClientEndPoint!);
        await publisher.SendAsync("PUB foo.a re.ply 5\r\nhello\r\nHPUB foo.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\nPUB foo.c 0\r\n\r\n");
        await subscriber.ExpectAsync("MSG foo.a 1 re.ply 5\r\nhello\r\nHMSG foo.b 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\nMSG foo.c 1 0\r\n\r\n");
        await subscriber.SendAsync("UNSUB 1\r\n");
        await Wait.Until("the interest is withdrawn", () => !cluster[0].Accounts.Global.Subscriptions.HasInterest("foo.a"u8));
    }

    [Fact]
    [Upstream("routes_test.go", "TestClusterQueueGroupWeightTrackingLeak")]
    public async Task AQueueGroupSharesByItsMembers()
    {
        await using var cluster = await TestServer.ClusterAsync(2);
        using var one = await RawClient.OpenAsync(cluster[0].ClientEndPoint!);
        using var three = await RawClient.OpenAsync(cluster[1].ClientEndPoint!);
        await one.SendAsync("SUB q g 1\r\n");
        await one.FlushAsync();
        await three.SendAsync("SUB q g 1\r\nSUB q g 2\r\nSUB q g 3\r\n");
        await three.FlushAsync();
        await Wait.Until("the weight is known", () => cluster[0].Accounts.Global.Subscriptions.Match("q"u8).Queues is [{ Links: [{ QueueWeight: 3 }] }]);
        using var publisher = await RawClient.OpenAsync(cluster[0].ClientEndPoint!);
        await publisher.SendAsync(string.Concat(Enumerable.Repeat("PUB q 1\r\nx\r\n", 1000)));
        await publisher.FlushAsync();
        await one.SendAsync("PING\r\n");
        var local = (await one.ReadThroughAsync("PONG\r\n")).Split("MSG q").Length - 1;
        local.ShouldBeInRange(180, 320);
        var remote = 0;
        while (remote < 1000 - local)
        {
            await three.ReadThroughAsync("x\r\n");
            remote++;
        }
        await three.FlushAsync();
    }

    [Fact]
    public async Task AnAnswerThatNobodyListensComesFromTheWholeCluster()
    {
        await using var cluster = await TestServer.ClusterAsync(2);
        using var requestor = await RawClient.OpenAsync(cluster[0].ClientEndPoint!);
        await requestor.SendAsync("SUB reply 1\r\nPUB svc reply 0\r\n\r\n");
        await requestor.ExpectAsync("HMSG reply 1 35 35\r\nNATS/1.0 503\r\nNats-Subject: svc\r\n\r\n\r\n");
        using var responder = await RawClient.OpenAsync(cluster[1].ClientEndPoint!);
        await SubscribeAsync(responder, cluster[0], "svc", "1");
        await requestor.SendAsync("PUB svc reply 2\r\nhi\r\n");
        await responder.ExpectAsync("MSG svc 1 reply 2\r\nhi\r\n");
        await responder.SendAsync("PUB reply 2\r\nok\r\n");
        await requestor.ExpectAsync("MSG reply 1 2\r\nok\r\n");
    }

    [Fact]
    [Upstream("routes_test.go", "TestRoutePerAccount")]
    public async Task AccountsHaveTheirOwnConnectionsAndAreKeptApart()
    {
        await using var cluster = await TestServer.ClusterAsync(2, o => o with
        {
            Accounts = [Account("A"), Account("B")],
            Cluster = o.Cluster with { PinnedAccounts = ["A"] },
        });
        await Wait.Until("pool, system and A's own", () => cluster.Servers.All(server => server.RouteConnectionCount == 5));
        using var a = await OpenAsync(cluster[1], "A");
        using var b = await OpenAsync(cluster[1], "B");
        await a.SendAsync("SUB x 1\r\n");
        await a.FlushAsync();
        await b.SendAsync("SUB x 1\r\n");
        await b.FlushAsync();
        await Wait.Until("both interests are known", () => new[] { "A", "B" }.All(name => cluster[0].Accounts.Find(name)!.Subscriptions.HasInterest("x"u8)));
        using var publisher = await OpenAsync(cluster[0], "A");
        await publisher.SendAsync("PUB x 1\r\na\r\n");
        await a.ExpectAsync("MSG x 1 1\r\na\r\n");
        await b.FlushAsync();
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(1, 5)]
    [InlineData(-1, 3)]
    [InlineData(-1, -1)]
    [Upstream("routes_test.go", "TestRoutePoolSizeDifferentOnEachServer")]
    public async Task PoolsOfDifferentSizesWorkTogether(int first, int second)
    {
        await using var cluster = new TestCluster();
        var one = TestServer.Member("s1");
        cluster.Servers.Add(await NatsServer.StartAsync(one with { Cluster = one.Cluster with { PoolSize = first } }));
        var two = TestServer.Member("s2", "C", cluster[0].ClusterEndPoint!.Port);
        cluster.Servers.Add(await NatsServer.StartAsync(two with { Cluster = two.Cluster with { PoolSize = second } }));
        await Wait.Until("they are connected", () => cluster.Servers.All(server => server.RouteConnectionCount > 0));
        await ExchangeAsync(cluster[0], cluster[1]);
        await ExchangeAsync(cluster[1], cluster[0]);
    }

    [Fact]
    [Upstream("routes_test.go", "TestServerRoutesWithAuthAndBCrypt")]
    public async Task RoutesAskForCredentials()
    {
        var secret = Server.Primitives.Bcrypt.Hash("s3cret"u8, 4, new byte[16]);
        await using var cluster = new TestCluster();
        var seed = TestServer.Member("s1");
        cluster.Servers.Add(await NatsServer.StartAsync(seed with { Cluster = seed.Cluster with { Username = "r", Password = secret } }));
        var port = cluster[0].ClusterEndPoint!.Port;
        using var stranger = await RawClient.ConnectAsync(cluster[0].ClusterEndPoint!);
        await stranger.SendAsync("CONNECT {\"user\":\"r\",\"pass\":\"wrong\",\"name\":\"N\",\"cluster\":\"C\"}\r\n");
        (await stranger.ReadToCloseAsync()).ShouldEndWith("-ERR 'Authorization Violation'\r\n");
        var member = TestServer.Member("s2");
        cluster.Servers.Add(await NatsServer.StartAsync(member with { Cluster = member.Cluster with { Routes = [new Uri($"nats-route://r:s3cret@127.0.0.1:{port}")] } }));
        await cluster.WaitForMeshAsync();
    }

    [Fact]
    [Upstream("routes_test.go", "TestClientConnectToRoutePort")]
    public async Task AClientOnTheRoutePortIsTold()
    {
        await using var server = await NatsServer.StartAsync(TestServer.Member("s1"));
        using var client = await RawClient.ConnectAsync(server.ClusterEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync("CONNECT {\"lang\":\"golden\",\"verbose\":false}\r\nPING\r\n");
        (await client.ReadToCloseAsync()).ShouldBe("-ERR 'attempted to connect to route port'\r\n");
    }

    [Fact]
    public async Task AnotherClustersNameIsRejected()
    {
        await using var server = await NatsServer.StartAsync(TestServer.Member("s1", "C2x"));
        using var peer = await RawClient.ConnectAsync(server.ClusterEndPoint!);
        await peer.ReadInfoAsync();
        await peer.SendAsync("CONNECT {\"name\":\"N\",\"cluster\":\"C1x\",\"headers\":true}\r\n");
        (await peer.ReadToCloseAsync()).ShouldBe("-ERR 'Rejecting connection, cluster name \"C1x\" does not match \"C2x\"'\r\n");
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteClusterNameConflictBetweenStaticAndDynamic")]
    public async Task AGeneratedNameGivesWayToAConfiguredOne()
    {
        await using var cluster = new TestCluster();
        var nameless = TestServer.Member("s1");
        cluster.Servers.Add(await NatsServer.StartAsync(nameless with { Cluster = nameless.Cluster with { Name = null } }));
        cluster.Servers.Add(await NatsServer.StartAsync(TestServer.Member("s2", "AAA", cluster[0].ClusterEndPoint!.Port)));
        await cluster.WaitForMeshAsync();
        cluster[0].ClusterName.ShouldBe("AAA");
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteIPResolutionAndRouteToSelf")]
    public async Task AServerDoesNotRouteToItself()
    {
        var port = FreePort();
        var options = TestServer.Member("s1", "C", port);
        await using var server = await NatsServer.StartAsync(options with { Cluster = options.Cluster with { Port = port } });
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.FlushAsync();
        server.RouteConnectionCount.ShouldBe(0);
    }

    [Fact]
    [Upstream("routes_test.go", "TestServerPoolUpdatedWhenRouteGoesAway")]
    public async Task ClientsHearOfServersThatComeAndGo()
    {
        await using var cluster = await TestServer.ClusterAsync(1);
        using var client = await RawClient.ConnectAsync(cluster[0].ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync("CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\n");
        await client.ExpectAsync("PONG\r\n");
        await client.ReadInfoAsync();
        var other = await NatsServer.StartAsync(TestServer.Member("s2", "C", cluster[0].ClusterEndPoint!.Port));
        var urls = (await client.ReadInfoAsync()).GetProperty("connect_urls").EnumerateArray().Select(url => url.GetString()).ToArray();
        urls.ShouldContain($"127.0.0.1:{other.ClientEndPoint!.Port}");
        await other.DisposeAsync();
        (await client.ReadInfoAsync()).TryGetProperty("connect_urls", out _).ShouldBeFalse();
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteSolicitedReconnectsEvenIfImplicit")]
    public async Task ARestartedServerIsFoundAgain()
    {
        await using var cluster = await TestServer.ClusterAsync(2);
        var seedPort = cluster[0].ClusterEndPoint!.Port;
        await cluster[0].DisposeAsync();
        await Wait.Until("the loss is noticed", () => cluster[1].RouteConnectionCount == 0);
        var again = TestServer.Member("s1");
        cluster.Servers[0] = await NatsServer.StartAsync(again with { Cluster = again.Cluster with { Port = seedPort } });
        await cluster.WaitForMeshAsync();
        await ExchangeAsync(cluster[0], cluster[1]);
    }

    private static async Task ExchangeAsync(NatsServer from, NatsServer to)
    {
        using var subscriber = await RawClient.OpenAsync(to.ClientEndPoint!);
        await SubscribeAsync(subscriber, from, "exchange", "9");
        using var publisher = await RawClient.OpenAsync(from.ClientEndPoint!);
        await publisher.SendAsync("PUB exchange 2\r\nok\r\n");
        await subscriber.ExpectAsync("MSG exchange 9 2\r\nok\r\n");
        await subscriber.SendAsync("UNSUB 9\r\n");
        await Wait.Until("the interest is withdrawn", () => !from.Accounts.Global.Subscriptions.HasInterest("exchange"u8));
    }

    private static async Task SubscribeAsync(RawClient client, NatsServer elsewhere, string subject, string sid)
    {
        await client.SendAsync($"SUB {subject} {sid}\r\n");
        await client.FlushAsync();
        var literal = System.Text.Encoding.ASCII.GetBytes(subject.Replace('*', 'x'));
        await Wait.Until($"interest in {subject} reaches {elsewhere.Name}", () => elsewhere.Accounts.Global.Subscriptions.HasInterest(literal));
    }

    private static AccountOptions Account(string name) => new()
    {
        Name = name,
        Users = [new UserOptions { Username = name, Password = "p" }],
    };

    private static Task<RawClient> OpenAsync(NatsServer server, string user) => RawClient.OpenAsync(
        server.ClientEndPoint!, $"CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"p\",\"protocol\":0}}\r\n");

    private static int FreePort() => new NatsAspire.Hosting.FreePorts().Take(1)[0];
}
