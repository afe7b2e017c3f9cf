using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>Leaf nodes of clusters, of each other, and of clusters joined by gateways: who hears of what, and gets it once.</summary>
public sealed class LeafTopologyTests
{
    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeInterestPropagationDaisychain")]
    public async Task WhatTheEndOfAChainWantsIsKnownAtItsTopAgainAfterARestart()
    {
        var ports = new NatsAspire.Hosting.FreePorts().Take(1);
        Task<NatsServer> TopAsync() => TestServer.FromConfigAsync($"server_name: top\nleafnodes {{ listen: \"127.0.0.1:{ports[0]}\" }}\n{LeafPair.Accounts}");
        var top = await TopAsync();
        await using var middle = await HubAndLeafAsync("middle", "", top);
        await using var end = await LeafPair.LeafAsync("end", middle);
        await LeafPair.ConnectedAsync(middle, 2);
        await using var client = await LeafPair.ClientAsync(end);
        await client.SubscribeAsync("foo");
        await client.FlushAsync();
        await LeafPair.HasInterestAsync(top, "foo");
        await top.DisposeAsync();
        await LeafPair.ConnectedAsync(middle, 1);
        await using var again = await TopAsync();
        await LeafPair.ConnectedAsync(again, 1);
        await LeafPair.HasInterestAsync(again, "foo");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeNoMsgLoop")]
    public async Task APlainSubscriberBesideAQueueOfAnotherLeafGetsAMessageOnce()
    {
        await using var hubs = await ClusterAsync("hub", 3);
        await using var one = await LeafPair.LeafAsync("one", hubs[0]);
        var two = await LeafPair.LeafAsync("two", hubs[0]);
        await LeafPair.ConnectedAsync(hubs[0], 2);
        await using var plain = await LeafPair.ClientAsync(one);
        var members = await LeafPair.ClientAsync(two);
        await MembersAsync(members);
        await LeafPair.HasInterestAsync(one, "foo");
        var heard = await plain.SubscribeAsync("foo");
        await plain.FlushAsync();
        await LeafPair.HasInterestAsync(two, "foo");
        await plain.PublishAsync("foo", "first");
        (await heard.NextAsync()).Text.ShouldBe("first");
        await members.DisposeAsync();
        await two.DisposeAsync();
        await LeafPair.HasInterestAsync(one, "mark", isWanted: false);
        // Its hub is another server of the cluster now.
        await using var moved = await LeafPair.LeafAsync("two", hubs[1]);
        await using var back = await LeafPair.ClientAsync(moved);
        var works = await MembersAsync(back);
        await LeafPair.HasInterestAsync(one, "mark");
        for (var i = 0; i < 10; i++) await plain.PublishAsync("foo", $"{i}");
        await plain.PublishAsync("mark");
        await works[2].NextAsync();
        await plain.FlushAsync();
        heard.Count.ShouldBe(11);
        (works[0].Count + works[1].Count).ShouldBe(10);

        static async Task<TestSubscription[]> MembersAsync(TestClient client)
        {
            TestSubscription[] all = [await client.SubscribeAsync("foo", "bar"), await client.SubscribeAsync("foo", "bar"), await client.SubscribeAsync("mark")];
            await client.FlushAsync();
            return all;
        }
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeUnsubOnRouteDisconnect")]
    public async Task ALeafThatMovesToAnotherServerOfItsHubIsWantedAndForgottenThere()
    {
        await using var hubs = await ClusterAsync("local", 2);
        await using var mover = await TestServer.FromConfigAsync(
            $"server_name: mover\nleafnodes {{ reconnect: \"50ms\", remotes: [ {{ no_randomize: true, urls: [\"nats-leaf://a:a@127.0.0.1:{hubs[0].LeafNodeEndPoint!.Port}\", \"nats-leaf://a:a@127.0.0.1:{hubs[1].LeafNodeEndPoint!.Port}\"], account: A }} ] }}\n{LeafPair.Accounts}");
        await using var other = await LeafPair.LeafAsync("other", hubs[1]);
        await LeafPair.ConnectedAsync(hubs[0], 1);
        await LeafPair.ConnectedAsync(hubs[1], 1);
        var subscriber = await LeafPair.ClientAsync(mover);
        var heard = await subscriber.SubscribeAsync("foo");
        await subscriber.FlushAsync();
        await LeafPair.HasInterestAsync(other, "foo");
        await using var publisher = await LeafPair.ClientAsync(other);
        await publisher.PublishAsync("foo", "one");
        (await heard.NextAsync()).Text.ShouldBe("one");
        await hubs[0].DisposeAsync();
        await LeafPair.ConnectedAsync(hubs[1], 2);
        await LeafPair.HasInterestAsync(hubs[1], "foo");
        await LeafPair.HasInterestAsync(other, "foo");
        await publisher.PublishAsync("foo", "two");
        (await heard.NextAsync()).Text.ShouldBe("two");
        await subscriber.DisposeAsync();
        await LeafPair.HasInterestAsync(other, "foo", isWanted: false);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeHubWithGateways")]
    public async Task HubsThatDialAndAreJoinedByAGatewayAnswerForTheirLeafs()
    {
        await using var a = await LeafPair.HubAsync(name: "a");
        await using var d = await LeafPair.HubAsync(name: "d");
        await using var super = await SuperCluster.StartAsync(
            more: LeafPair.Accounts,
            each: name => $"leafnodes {{ reconnect: \"50ms\", remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{(name == "A1" ? a : d).LeafNodeEndPoint!.Port}\", account: A, hub: true }} ] }}");
        await LeafPair.ConnectedAsync(a, 1);
        await LeafPair.ConnectedAsync(d, 1);
        await using var service = await LeafPair.ClientAsync(d);
        var requests = await service.SubscribeAsync("service");
        await service.FlushAsync();
        await LeafPair.HasInterestAsync(a, "service");
        await using var client = await LeafPair.ClientAsync(a);
        var answer = client.RequestAsync("service", "request");
        await service.PublishAsync((await requests.NextAsync()).Reply!, "reply");
        (await answer).Text.ShouldBe("reply");
    }

    /// <summary>An answer from another cluster may be there before that cluster has heard of the inbox: it is led back straight.</summary>
    [Fact]
    public async Task AnInboxAtALeafIsFreshToItsHubAsAClientsIs()
    {
        await using var super = await SuperCluster.StartAsync(more: "leafnodes { host: 127.0.0.1, port: -1 }\n" + LeafPair.Accounts);
        await using var leaf = await LeafPair.LeafAsync("leaf", super["A1"]);
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var client = await LeafPair.ClientAsync(leaf);
        await client.SubscribeAsync("inbox.1");
        await Wait.Until("the hub knows the inbox, and that it is new", () => super["A1"].Accounts.Find("A")!.Recent!.Covers("inbox.1"u8));
        super["A1"].Accounts.Find("A")!.Recent!.Covers("inbox.2"u8).ShouldBeFalse();
    }

    [Theory]
    [InlineData("leafA leafB", "leafA")]
    [InlineData("A1 leafB", "A1")]
    [InlineData("B1 leafB", "B1")]
    [InlineData("leafA A1 B1 leafB", "leafA")]
    [InlineData("leafB", "leafB")]
    [Upstream("leafnode_test.go", "TestLeafNodeAndGatewaysSingleMsgPerQueueGroup")]
    public async Task AQueueGroupIsServedOnceAndAsNearAsCanBe(string members, string served)
    {
        await using var super = await SuperCluster.StartAsync(more: "leafnodes { host: 127.0.0.1, port: -1 }\n" + LeafPair.Accounts);
        await using var leafA = await LeafPair.LeafAsync("leafA", super["A1"]);
        await using var leafB = await LeafPair.LeafAsync("leafB", super["B1"]);
        await LeafPair.ConnectedAsync(leafA, 1);
        await LeafPair.ConnectedAsync(leafB, 1);
        var servers = new Dictionary<string, NatsServer> { ["leafA"] = leafA, ["A1"] = super["A1"], ["B1"] = super["B1"], ["leafB"] = leafB };
        var clients = new List<TestClient>();
        var (queues, plains) = (new Dictionary<string, TestSubscription>(), new List<TestSubscription>());
        foreach (var (name, server) in servers)
        {
            var client = await LeafPair.ClientAsync(server);
            clients.Add(client);
            if (members.Split(' ').Contains(name)) queues[name] = await client.SubscribeAsync("foo.*", "q");
            plains.Add(await client.SubscribeAsync("foo.1"));
            await client.SubscribeAsync($"mark.{name}");
            await client.FlushAsync();
        }
        foreach (var name in servers.Keys) await LeafPair.HasInterestAsync(leafA, $"mark.{name}");
        for (var i = 0; i < 20; i++) await clients[0].PublishAsync("foo.1", $"{i}");
        foreach (var plain in plains)
        {
            for (var i = 0; i < 20; i++) (await plain.NextAsync()).Text.ShouldBe($"{i}");
        }
        await Wait.Until("all are served", () => queues.Values.Sum(queue => queue.Count) == 20, () => string.Join(", ", queues.Select(one => $"{one.Key}: {one.Value.Count}")));
        queues[served].Count.ShouldBe(20);
        plains.ShouldAllBe(plain => plain.Count == 20);
        foreach (var client in clients) await client.DisposeAsync();
    }

    [Theory]
    [InlineData(0, 1, 2)]
    [InlineData(0, 0, 2)]
    [Upstream("leafnode_test.go", "TestLeafNodeQueueGroupDistribution")]
    [Upstream("leafnode_test.go", "TestLeafNodeQueueGroupDistributionVariant")]
    public async Task MembersOfALeafClusterAreServedAlikeFromEachHub(params int[] hubOf)
    {
        await using var hubs = await ClusterAsync("HUB", 3);
        await using var leafs = new TestCluster();
        for (var i = 0; i < 3; i++)
        {
            var routes = i == 0 ? "" : $"routes: [\"nats://127.0.0.1:{leafs[0].ClusterEndPoint!.Port}\"]";
            leafs.Servers.Add(await LeafPair.LeafAsync($"leaf{i}", hubs[hubOf[i]], more: $"cluster {{ name: LC, host: 127.0.0.1, port: -1, {routes} }}\n"));
        }
        await leafs.WaitForMeshAsync();
        for (var i = 0; i < 3; i++) await LeafPair.ConnectedAsync(hubs[i], hubOf.Count(hub => hub == i));
        await using var one = await LeafPair.ClientAsync(leafs[0]);
        await using var two = await LeafPair.ClientAsync(leafs[1]);
        TestSubscription[] members = [await one.SubscribeAsync("foo", "q"), await two.SubscribeAsync("foo", "q")];
        await one.FlushAsync();
        await two.FlushAsync();
        foreach (var hub in hubs.Servers) await Wait.Until($"{hub.Name} knows both", () => hub.Accounts.Find("A")!.Subscriptions.Match("foo"u8).Queues is [{ } group] && group.Distant.Concat(group.Links).Sum(link => link.QueueWeight) == 2);
        var before = (0, 0);
        foreach (var hub in hubs.Servers)
        {
            await using var publisher = await LeafPair.ClientAsync(hub);
            for (var i = 0; i < 300; i++) await publisher.PublishAsync("foo", "job");
            await publisher.FlushAsync();
            var expected = before.Item1 + before.Item2 + 300;
            await Wait.Until("all are served", () => members.Sum(member => member.Count) >= expected, () => string.Join(", ", members.Select(member => member.Count)));
            members.Sum(member => member.Count).ShouldBe(expected, "once each");
            (members[0].Count - before.Item1).ShouldBeGreaterThan(30);
            (members[1].Count - before.Item2).ShouldBeGreaterThan(30);
            before = (members[0].Count, members[1].Count);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("leafnode_test.go", "TestLeafNodeIsolatedLeafSubjectPropagationLocalIsolation")]
    public async Task AHubThatDialsMayKeepItsSpokesApart(bool isolated)
    {
        await using var one = await LeafPair.HubAsync(name: "sp1");
        await using var two = await LeafPair.HubAsync(name: "sp2");
        string Remote(NatsServer spoke) => $"{{ url: \"nats-leaf://a:a@127.0.0.1:{spoke.LeafNodeEndPoint!.Port}\", account: A, isolate: {(isolated ? "true" : "false")}, hub: true }}";
        await using var hub = await TestServer.FromConfigAsync($"server_name: h\nleafnodes {{ remotes: [ {Remote(one)}, {Remote(two)} ] }}\n{LeafPair.Accounts}");
        await LeafPair.ConnectedAsync(hub, 2);
        await LeafPair.ConnectedAsync(one, 1);
        await LeafPair.ConnectedAsync(two, 1);
        hub.LeafNodes!.Snapshot().ShouldAllBe(leaf => leaf.IsIsolated == isolated);
        one.LeafNodes!.Snapshot().Single().IsIsolated.ShouldBeFalse();
        await using var atHub = await LeafPair.ClientAsync(hub);
        await using var atOne = await LeafPair.ClientAsync(one);
        await atOne.SubscribeAsync("eastwest");
        await atOne.FlushAsync();
        await LeafPair.HasInterestAsync(hub, "eastwest");
        // Told behind it, and heard by both.
        await atHub.SubscribeAsync("northsouth");
        await atHub.FlushAsync();
        await LeafPair.HasInterestAsync(one, "northsouth");
        await LeafPair.HasInterestAsync(two, "northsouth");
        await LeafPair.HasInterestAsync(two, "eastwest", isWanted: !isolated);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeServerReloadSubjectMappings")]
    public async Task OtherMappingsOfAHubAreToldToItsLeafs()
    {
        string Config(string source, int port) => $"server_name: hub\nleafnodes {{ listen: \"127.0.0.1:{port}\" }}\naccounts {{ A: {{ users: [{{user: a, password: a}}], mappings: {{ \"{source}\": \"target\" }} }} }}\n";
        var port = new NatsAspire.Hosting.FreePorts().Take(1)[0];
        await using var hub = await TestServer.FromConfigAsync(Config("source1", port));
        await using var leaf = await LeafPair.LeafAsync("leaf", hub);
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var subscriber = await LeafPair.ClientAsync(hub);
        var heard = await subscriber.SubscribeAsync("target");
        await subscriber.FlushAsync();
        await LeafPair.HasInterestAsync(leaf, "source1");
        await using var publisher = await LeafPair.ClientAsync(leaf);
        await publisher.PublishAsync("source1", "one");
        (await heard.NextAsync()).Text.ShouldBe("one");
        await hub.ReloadAsync(TestServer.Parse(Config("source2", port)));
        await LeafPair.HasInterestAsync(leaf, "source2");
        await publisher.PublishAsync("source2", "two");
        (await heard.NextAsync()).Text.ShouldBe("two");
        await LeafPair.HasInterestAsync(leaf, "source1", isWanted: false);
    }

    private static Task<NatsServer> HubAndLeafAsync(string name, string more, NatsServer top) => TestServer.FromConfigAsync(
        $"server_name: {name}\nleafnodes {{ listen: \"127.0.0.1:-1\", reconnect: \"100ms\", remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{top.LeafNodeEndPoint!.Port}\", account: A }} ] }}\n{LeafPair.Accounts}{more}");

    private static async Task<TestCluster> ClusterAsync(string name, int servers)
    {
        var cluster = new TestCluster();
        for (var i = 0; i < servers; i++)
        {
            var routes = i == 0 ? "" : $"routes: [\"nats://127.0.0.1:{cluster[0].ClusterEndPoint!.Port}\"]";
            cluster.Servers.Add(await LeafPair.HubAsync(name: $"{name}{i}", more: $"cluster {{ name: {name}, host: 127.0.0.1, port: -1, {routes} }}\n"));
        }
        await cluster.WaitForMeshAsync();
        return cluster;
    }
}
