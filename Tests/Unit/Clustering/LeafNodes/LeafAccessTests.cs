using System.Net;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>Who may be a leaf node, of which account, and in which role.</summary>
public sealed class LeafAccessTests
{
    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeBasicAuthSingleton")]
    public async Task OneUserMayBeNamedForAllLeafs()
    {
        await using var hub = await LeafPair.HubAsync("authorization: { user: leafs, password: pwd, account: B }");
        await using var wrong = await LeafPair.LeafAsync("wrong", hub, user: "a");
        await using var right = await RemoteAsync("right", $"nats-leaf://leafs:pwd@127.0.0.1:{hub.LeafNodeEndPoint!.Port}");
        await LeafPair.ConnectedAsync(right, 1);
        hub.Leafz().Leafs.Single().Account.ShouldBe("B");
        wrong.LeafNodeCount.ShouldBe(0);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeBasicAuthMultiple")]
    public async Task UsersOfLeafsHaveAccountsOfTheirOwn()
    {
        await using var hub = await LeafPair.HubAsync("authorization: { users: [ {user: one, password: \"1\", account: A}, {user: two, password: \"2\", account: B} ] }");
        await using var one = await RemoteAsync("one", $"nats-leaf://one:1@127.0.0.1:{hub.LeafNodeEndPoint!.Port}");
        await using var two = await RemoteAsync("two", $"nats-leaf://two:2@127.0.0.1:{hub.LeafNodeEndPoint!.Port}");
        await LeafPair.ConnectedAsync(hub, 2);
        hub.Leafz().Leafs.ToDictionary(leaf => leaf.Name, leaf => leaf.Account).ShouldBe(new Dictionary<string, string> { ["one"] = "A", ["two"] = "B" }, ignoreOrder: true);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeNkeyAuth")]
    public async Task AKeyMaySignInsteadOfAPassword()
    {
        var seed = System.Security.Cryptography.RandomNumberGenerator.GetBytes(32);
        var key = NKeys.Encode(NKeys.Kind.User, Ed25519.PublicKey(seed));
        await using var hub = await LeafPair.HubAsync($"authorization: {{ nkey: {key}, account: A }}");
        await using var leaf = await RemoteAsync("leaf", $"nats-leaf://127.0.0.1:{hub.LeafNodeEndPoint!.Port}", $"nkey: {NKeys.EncodeSeed(NKeys.Kind.User, seed)}");
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeAccountNkeysAuth")]
    public async Task AKeyOfAnAccountsUserDoesToo()
    {
        var seed = System.Security.Cryptography.RandomNumberGenerator.GetBytes(32);
        var key = NKeys.Encode(NKeys.Kind.User, Ed25519.PublicKey(seed));
        await using var hub = await LeafPair.HubAsync(accounts: $"accounts {{ A: {{ users: [ {{nkey: {key}}} ] }} }}\n");
        await using var leaf = await RemoteAsync("leaf", $"nats-leaf://127.0.0.1:{hub.LeafNodeEndPoint!.Port}", $"nkey: {NKeys.EncodeSeed(NKeys.Kind.User, seed)}");
        await LeafPair.ConnectedAsync(hub, 1);
        hub.Leafz().Leafs.Single().Account.ShouldBe("A");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeRemoteIsHub")]
    public async Task WhoDialsMayBeTheHub()
    {
        await using var spoke = await LeafPair.HubAsync(name: "spoke");
        await using var hub = await RemoteAsync("hub", $"nats-leaf://a:a@127.0.0.1:{spoke.LeafNodeEndPoint!.Port}", "hub: true");
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(spoke, 1);
        hub.Leafz().Leafs.Single().IsSpoke.ShouldBeFalse();
        spoke.Leafz().Leafs.Single().IsSpoke.ShouldBeTrue();
        await using var atHub = await LeafPair.ClientAsync(hub);
        var heard = await atHub.SubscribeAsync("x");
        await atHub.FlushAsync();
        await LeafPair.HasInterestAsync(spoke, "x");
        await using var atSpoke = await LeafPair.ClientAsync(spoke);
        await atSpoke.PublishAsync("x", "up");
        (await heard.NextAsync()).Text.ShouldBe("up");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeRemoteWrongPort")]
    public async Task AHubsOtherPortsAreTheWrongOnes()
    {
        await using var hub = await LeafPair.HubAsync(more: "cluster { name: HC, host: 127.0.0.1, port: -1 }\n");
        foreach (var port in new[] { hub.ClientEndPoint!.Port, hub.ClusterEndPoint!.Port })
        {
            var log = new CapturedLog();
            await using var leaf = await NatsServer.StartAsync(TestServer.Parse(Remote("leaf", $"nats-leaf://a:a@127.0.0.1:{port}")), log);
            await Wait.Until("the leaf notices", () => log.Contains("attempted to connect to wrong port"), () => string.Join('\n', log.Lines));
            leaf.LeafNodeCount.ShouldBe(0);
        }
    }

    [Fact]
    public async Task AClustersOwnServersAreNotItsLeafs()
    {
        var log = new CapturedLog();
        await using var hub = await LeafPair.HubAsync(more: "cluster { name: SAME, host: 127.0.0.1, port: -1 }\n");
        await using var leaf = await NatsServer.StartAsync(
            TestServer.Parse(Remote("leaf", $"nats-leaf://a:a@127.0.0.1:{hub.LeafNodeEndPoint!.Port}") + "cluster { name: SAME, host: 127.0.0.1, port: -1 }\n"), log);
        await Wait.Until("the leaf is told", () => log.Contains("Leafnode connection dropped with same cluster name error. Delaying attempt to reconnect for 30s"));
        hub.LeafNodeCount.ShouldBe(0);
    }

    [Theory]
    [InlineData("authorization { token: secret }")]
    [InlineData("authorization { user: u, password: secret }")]
    [InlineData("authorization { users: [ {user: u, password: secret} ] }")]
    [InlineData("accounts { A: { users: [ {user: u, password: secret} ] } }")]
    public async Task WhoDoesNotSayWhoHeIsIsNoLeafOfAServerThatAsks(string authorization)
    {
        await using var hub = await LeafPair.HubAsync("compression: off", authorization + "\n");
        foreach (var credentials in new[] { "", "\"user\":\"u\",\"pass\":\"wrong\",", "\"auth_token\":\"wrong\"," })
        {
            using var stranger = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
            await stranger.ReadInfoAsync();
            await stranger.SendAsync($"CONNECT {{{credentials}\"server_id\":\"NLEAF\",\"name\":\"leaf\"}}\r\nPING\r\n");
            (await stranger.ReadToCloseAsync()).ShouldContain("Authorization Violation");
        }
        using var known = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await known.ReadInfoAsync();
        var right = authorization.Contains("token", StringComparison.Ordinal) ? "\"auth_token\":\"secret\"" : "\"user\":\"u\",\"pass\":\"secret\"";
        await known.SendAsync($"CONNECT {{{right},\"server_id\":\"NLEAF\",\"name\":\"leaf\"}}\r\nPING\r\n");
        await known.ReadThroughAsync("PONG\r\n");
        hub.LeafNodeCount.ShouldBe(1);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeBannerNoClusterNameIfNoCluster")]
    public async Task ALeafWithoutAClusterTellsOfNone()
    {
        using var log = new CapturedLog();
        await using var leaf = await NatsServer.StartAsync(TestServer.Parse(Remote("leaf", "nats-leaf://127.0.0.1:1")), log);
        log.Contains("Name:").ShouldBeTrue();
        log.Lines.ShouldNotContain(line => line.Contains("Cluster:", StringComparison.Ordinal) || line.Contains("Cluster name is", StringComparison.Ordinal));
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeConnectionSucceedsEvenWithDelayedFirstINFO")]
    [Upstream("leafnode_test.go", "TestLeafNodeDetectsStaleConnectionIfNoInfo")]
    public async Task AHubThatSaysNothingIsGivenUp()
    {
        using var silent = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var leaf = await RemoteAsync("leaf", $"nats-leaf://a:a@127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}", "first_info_timeout: \"100ms\"");
        for (var attempt = 0; attempt < 2; attempt++)
        {
            using var accepted = await silent.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
            (await accepted.GetStream().ReadAsync(new byte[1], TestContext.Current.CancellationToken)).ShouldBe(0, "the leaf closes, and comes again");
        }
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeAuthConfigReload")]
    public async Task ALeafThatLosesItsRightIsClosed()
    {
        string Config(int port, string password) => $"server_name: hub\nleafnodes {{ host: 127.0.0.1, port: {port}, authorization: {{ user: leafs, password: {password}, account: A }} }}\n{LeafPair.Accounts}";
        var port = new NatsAspire.Hosting.FreePorts().Take(1)[0];
        await using var hub = await TestServer.FromConfigAsync(Config(port, "old"));
        await using var leaf = await RemoteAsync("leaf", $"nats-leaf://leafs:old@127.0.0.1:{port}");
        await LeafPair.ConnectedAsync(hub, 1);
        await hub.ReloadAsync(TestServer.Parse(Config(port, "new")));
        await LeafPair.ConnectedAsync(hub, 0);
        await LeafPair.ConnectedAsync(leaf, 0);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeStreamImport")]
    public async Task StreamsOfOtherAccountsReachALeaf()
    {
        const string accounts = """
            accounts {
              A: { users: [{user: a, password: a}], imports: [ { stream: { account: B, subject: "news.>" }, prefix: "from.b" } ] }
              B: { users: [{user: b, password: b}], exports: [ { stream: "news.>" } ] }
            }
            no_auth_user: a

            """;
        await using var hub = await LeafPair.HubAsync(accounts: accounts);
        await using var leaf = await LeafPair.LeafAsync("leaf", hub);
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var client = await LeafPair.ClientAsync(leaf);
        var heard = await client.SubscribeAsync("from.b.news.>");
        var again = await client.SubscribeAsync("from.>");
        await client.FlushAsync();
        await LeafPair.HasInterestAsync(hub, "news.x", account: "B");
        await Wait.Until("both subscriptions are known", () => hub.Accounts.Find("A")!.Subscriptions.HasInterest("from.other"u8));
        await using var b = await LeafPair.ClientAsync(hub, "b");
        await b.PublishAsync("news.x", "hi");
        (await heard.NextAsync()).Subject.ShouldBe("from.b.news.x");
        (await again.NextAsync()).Subject.ShouldBe("from.b.news.x");
        await b.PublishAsync("news.y", "end");
        (await heard.NextAsync()).Text.ShouldBe("end", "each came once");
    }

    [Fact]
    public async Task ServicesOfOtherAccountsAnswerALeaf()
    {
        const string accounts = """
            accounts {
              A: { users: [{user: a, password: a}], imports: [ { service: { account: B, subject: "svc" } } ] }
              B: { users: [{user: b, password: b}], exports: [ { service: "svc" } ] }
            }
            no_auth_user: a

            """;
        await using var hub = await LeafPair.HubAsync(accounts: accounts);
        await using var leaf = await LeafPair.LeafAsync("leaf", hub);
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var service = await LeafPair.ClientAsync(hub, "b");
        var requests = await service.SubscribeAsync("svc");
        await service.FlushAsync();
        await LeafPair.HasInterestAsync(leaf, "svc");
        await using var client = await LeafPair.ClientAsync(leaf);
        var answer = client.RequestAsync("svc", "ask");
        var request = await requests.NextAsync();
        await service.PublishAsync(request.Reply!, "resp");
        (await answer).Text.ShouldBe("resp");
    }

    private static Task<NatsServer> RemoteAsync(string name, string url, string more = "") => TestServer.FromConfigAsync(Remote(name, url, more));

    private static string Remote(string name, string url, string more = "") =>
        $"server_name: {name}\nleafnodes {{ reconnect: \"100ms\", remotes: [ {{ url: \"{url}\", account: A\n{more}\n }} ] }}\n{LeafPair.Accounts}";
}
