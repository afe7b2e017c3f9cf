using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>A hub and its leafs: what crosses, and what does not.</summary>
public sealed class LeafNodeTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("test/leafnode_test.go", "TestLeafnodeHeaders")]
    public async Task MessagesCrossWithHeadersAndReplies(bool fromHub)
    {
        await using var pair = await LeafPair.StartAsync();
        var (from, to) = fromHub ? (pair.Hub, pair.Leaf) : (pair.Leaf, pair.Hub);
        using var subscriber = await RawClient.OpenAsync(to.ClientEndPoint!);
        await subscriber.SendAsync("SUB foo.* 1\r\n");
        await subscriber.FlushAsync();
        await LeafPair.HasInterestAsync(from, "foo.a");
        using var publisher = await RawClient.OpenAsync(from.ClientEndPoint!);
        await publisher.SendAsync("PUB foo.a re.ply 5\r\nhello\r\nHPUB foo.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\nPUB foo.c 0\r\n\r\n");
        await subscriber.ExpectAsync("MSG foo.a 1 re.ply 5\r\nhello\r\nHMSG foo.b 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\nMSG foo.c 1 0\r\n\r\n");
        await subscriber.SendAsync("UNSUB 1\r\n");
        await LeafPair.HasInterestAsync(from, "foo.a", isWanted: false);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RequestsAreAnsweredAcross(bool fromHub)
    {
        await using var pair = await LeafPair.StartAsync();
        var (from, to) = fromHub ? (pair.Hub, pair.Leaf) : (pair.Leaf, pair.Hub);
        await using var service = await LeafPair.ClientAsync(to);
        await using var requestor = await LeafPair.ClientAsync(from);
        var requests = await service.SubscribeAsync("svc");
        await service.FlushAsync();
        await LeafPair.HasInterestAsync(from, "svc");
        var answer = requestor.RequestAsync("svc", "ask");
        var request = await requests.NextAsync();
        await LeafPair.HasInterestAsync(to, request.Reply!);
        await service.PublishAsync(request.Reply!, "resp");
        (await answer).Text.ShouldBe("resp");
        (await requestor.RequestAsync("nobody", "ask")).IsNoResponders.ShouldBeTrue();
    }

    [Fact]
    [Upstream("test/leafnode_test.go", "TestLeafNodeLocalizedDQ")]
    public async Task AQueueGroupServesItsOwnSideFirst()
    {
        await using var pair = await LeafPair.StartAsync();
        await using var here = await LeafPair.ClientAsync(pair.Hub);
        await using var there = await LeafPair.ClientAsync(pair.Leaf);
        var far = await there.SubscribeAsync("q", "g");
        await there.FlushAsync();
        await LeafPair.HasInterestAsync(pair.Hub, "q");
        for (var i = 0; i < 20; i++) await here.PublishAsync("q", "x");
        await Wait.Until("all go to the only member", () => far.Count == 20, () => $"{far.Count}");
        var near = await here.SubscribeAsync("q", "g");
        await here.FlushAsync();
        for (var i = 0; i < 20; i++) await here.PublishAsync("q", "x");
        await Wait.Until("all go to the near member", () => near.Count == 20, () => $"{near.Count}");
        await FlushAcrossAsync(here, pair, there);
        far.Count.ShouldBe(20);
        // The leaf's side is as its hub's.
        await LeafPair.HasInterestAsync(pair.Leaf, "q");
        for (var i = 0; i < 20; i++) await there.PublishAsync("q", "x");
        await Wait.Until("all go to the near member", () => far.Count == 40, () => $"{far.Count}");
        near.Count.ShouldBe(20);
    }

    [Fact]
    [Upstream("test/leafnode_test.go", "TestLeafNodesStaggeredSubPub")]
    public async Task LeafsHearEachOtherThroughTheirHub()
    {
        await using var pair = await LeafPair.StartAsync();
        await using var one = await LeafPair.ClientAsync(pair.Leaf);
        var early = await one.SubscribeAsync("early");
        await one.FlushAsync();
        await using var second = await LeafPair.LeafAsync("leaf2", pair.Hub);
        await LeafPair.ConnectedAsync(pair.Hub, 2);
        await using var two = await LeafPair.ClientAsync(second);
        var heard = await two.SubscribeAsync("between.>");
        await two.FlushAsync();
        await LeafPair.HasInterestAsync(pair.Leaf, "between.x");
        await one.PublishAsync("between.x", "hi");
        (await heard.NextAsync()).Text.ShouldBe("hi");
        await LeafPair.HasInterestAsync(second, "early");
        await two.PublishAsync("early", "back");
        (await early.NextAsync()).Text.ShouldBe("back");
    }

    [Theory]
    [InlineData("isolate_leafnode_interest: true", "")]
    [InlineData("", "request_isolation: true")]
    [Upstream("leafnode_test.go", "TestLeafNodeIsolatedLeafSubjectPropagationGlobal")]
    [Upstream("leafnode_test.go", "TestLeafNodeIsolatedLeafSubjectPropagationRequestIsolation")]
    public async Task AnIsolatedLeafHearsNothingOfOthers(string hub, string remote)
    {
        await using var pair = await LeafPair.StartAsync(hub, remote);
        await using var second = await LeafPair.LeafAsync("leaf2", pair.Hub, remote);
        await LeafPair.ConnectedAsync(pair.Hub, 2);
        await using var two = await LeafPair.ClientAsync(second);
        await using var atHub = await LeafPair.ClientAsync(pair.Hub);
        await two.SubscribeAsync("east.west");
        await two.FlushAsync();
        await LeafPair.HasInterestAsync(pair.Hub, "east.west");
        await atHub.SubscribeAsync("north.south");
        await atHub.FlushAsync();
        // What the hub's client wanted later is known, so the other leaf's would be.
        await LeafPair.HasInterestAsync(pair.Leaf, "north.south");
        pair.Leaf.Accounts.Find("A")!.Subscriptions.HasInterest("east.west"u8).ShouldBeFalse();
    }

    [Fact]
    public async Task AccountsAreBoundAtBothEnds()
    {
        await using var pair = await LeafPair.StartAsync(user: "b", account: "A");
        await using var leaf = await LeafPair.ClientAsync(pair.Leaf, "a");
        await using var b = await LeafPair.ClientAsync(pair.Hub, "b");
        var heard = await leaf.SubscribeAsync("x");
        await leaf.FlushAsync();
        await LeafPair.HasInterestAsync(pair.Hub, "x", account: "B");
        pair.Hub.Accounts.Find("A")!.Subscriptions.HasInterest("x"u8).ShouldBeFalse();
        await b.PublishAsync("x", "from b");
        (await heard.NextAsync()).Text.ShouldBe("from b");
    }

    [Fact]
    public async Task WhatIsDeniedDoesNotCross()
    {
        await using var pair = await LeafPair.StartAsync(remote: "deny_imports: [\"in.>\"], deny_exports: [\"out.>\"]");
        await using var atHub = await LeafPair.ClientAsync(pair.Hub);
        await using var atLeaf = await LeafPair.ClientAsync(pair.Leaf);
        var all = await atLeaf.SubscribeAsync("*.*");
        var everything = await atHub.SubscribeAsync("*.*");
        await atLeaf.FlushAsync();
        await atHub.FlushAsync();
        // Each server's own subscription hides that it knows the other's, which a later one shows.
        await atLeaf.SubscribeAsync("leaf");
        await atHub.SubscribeAsync("hub");
        await LeafPair.HasInterestAsync(pair.Hub, "leaf");
        await LeafPair.HasInterestAsync(pair.Leaf, "hub");
        await atHub.PublishAsync("in.x", "no");
        await atHub.PublishAsync("else.x", "yes");
        (await all.NextAsync()).Subject.ShouldBe("else.x");
        (await everything.NextAsync()).Subject.ShouldBe("in.x");
        (await everything.NextAsync()).Subject.ShouldBe("else.x");
        await atLeaf.PublishAsync("out.x", "no");
        await atLeaf.PublishAsync("else.y", "yes");
        (await everything.NextAsync()).Subject.ShouldBe("else.y");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodePermissions")]
    public async Task PermissionsOfTheUserHoldAtBothEnds()
    {
        const string limited = """
            accounts {
              A: { users: [{user: a, password: a, permissions: { publish: { allow: ["up.>", "_INBOX.>"] }, subscribe: { allow: ["down.>", "_INBOX.>"] } }}, {user: free, password: free}] }
            }
            no_auth_user: free

            """;
        await using var hub = await LeafPair.HubAsync(accounts: limited);
        await using var leaf = await LeafPair.LeafAsync("leaf", hub);
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var atHub = await LeafPair.ClientAsync(hub, "free");
        await using var atLeaf = await LeafPair.ClientAsync(leaf);
        var up = await atHub.SubscribeAsync("up.>");
        await atHub.SubscribeAsync("side.>");
        var down = await atLeaf.SubscribeAsync("down.*");
        await atLeaf.SubscribeAsync("secret");
        await atLeaf.FlushAsync();
        await atHub.FlushAsync();
        await LeafPair.HasInterestAsync(hub, "down.x");
        await LeafPair.HasInterestAsync(leaf, "up.x");
        await atLeaf.PublishAsync("side.x", "no");
        await atLeaf.PublishAsync("up.x", "yes");
        (await up.NextAsync()).Subject.ShouldBe("up.x");
        await atHub.PublishAsync("secret", "no");
        await atHub.PublishAsync("down.x", "yes");
        (await down.NextAsync()).Text.ShouldBe("yes");
        hub.LeafNodeCount.ShouldBe(1, "nothing was tried that the hub would have cut off");
    }

    [Fact]
    [Upstream("test/leafnode_test.go", "TestLeafNodeSolicit")]
    [Upstream("test/leafnode_test.go", "TestLeafNodeSendsRemoteSubsOnConnect")]
    public async Task ALeafComesBackAfterItsHub()
    {
        var hub = await LeafPair.HubAsync();
        await using var leaf = await LeafPair.LeafAsync("leaf", hub);
        await LeafPair.ConnectedAsync(leaf, 1);
        var port = hub.LeafNodeEndPoint!.Port;
        await hub.DisposeAsync();
        await LeafPair.ConnectedAsync(leaf, 0);
        await using var client = await LeafPair.ClientAsync(leaf);
        await client.SubscribeAsync("meanwhile");
        await client.FlushAsync();
        await using var again = await TestServer.FromConfigAsync($"server_name: hub\nleafnodes {{ host: 127.0.0.1, port: {port} }}\n{LeafPair.Accounts}");
        await LeafPair.ConnectedAsync(leaf, 1);
        await LeafPair.ConnectedAsync(again, 1);
        await LeafPair.HasInterestAsync(again, "meanwhile");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeNoDuplicateWithinCluster")]
    public async Task ALeafOfAClusterIsKnownToAllOfIt()
    {
        await using var cluster = new TestCluster();
        for (var i = 0; i < 2; i++)
        {
            var routes = i == 0 ? "" : $"routes: [\"nats://127.0.0.1:{cluster[0].ClusterEndPoint!.Port}\"]";
            cluster.Servers.Add(await LeafPair.HubAsync(name: $"hub{i}", more: $"cluster {{ name: HC, host: 127.0.0.1, port: -1, {routes} }}\n"));
        }
        await cluster.WaitForMeshAsync();
        await using var leaf = await LeafPair.LeafAsync("leaf", cluster[0]);
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var far = await LeafPair.ClientAsync(cluster[1]);
        await using var atLeaf = await LeafPair.ClientAsync(leaf);
        var heard = await atLeaf.SubscribeAsync("foo");
        var answers = await far.SubscribeAsync("bar");
        var member = await atLeaf.SubscribeAsync("q", "g");
        await atLeaf.FlushAsync();
        await far.FlushAsync();
        await LeafPair.HasInterestAsync(cluster[1], "foo");
        await LeafPair.HasInterestAsync(cluster[1], "q");
        await LeafPair.HasInterestAsync(leaf, "bar");
        await far.PublishAsync("foo", "down");
        (await heard.NextAsync()).Text.ShouldBe("down");
        await atLeaf.PublishAsync("bar", "up");
        (await answers.NextAsync()).Text.ShouldBe("up");
        await far.PublishAsync("q", "job");
        (await member.NextAsync()).Text.ShouldBe("job");
        heard.Count.ShouldBe(1);
        cluster[1].Accounts.Find("A")!.Subscriptions.Match("foo"u8).Links.Single().Origin.ShouldBe("leaf"u8.ToArray());
    }

    private static async Task FlushAcrossAsync(TestClient here, LeafPair pair, TestClient there)
    {
        var mark = await there.SubscribeAsync("mark");
        await there.FlushAsync();
        await LeafPair.HasInterestAsync(pair.Hub, "mark");
        await here.PublishAsync("mark");
        await mark.NextAsync();
    }
}
