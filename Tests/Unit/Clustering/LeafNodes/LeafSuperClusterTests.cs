using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>Leaf nodes of two clusters of three that a gateway joins: what is wanted anywhere is known to them, and comes once.</summary>
public sealed class LeafSuperClusterTests(LeafSuperClusterTests.Clusters clusters) : IClassFixture<LeafSuperClusterTests.Clusters>
{
    private const string Tests = "test/leafnode_test.go";
    private const string UserA = """{"user":"a","pass":"a"}""";

    private readonly SuperCluster _super = clusters.Super;

    [Theory]
    [InlineData("A1")]
    [InlineData("A2")]
    [InlineData("B2")]
    [Upstream(Tests, "TestLeafNodeWithRouteAndGateway")]
    [Upstream(Tests, "TestLeafNodeAndRoutes")]
    [Upstream(Tests, "TestLeafNodeSwitchGatewayToInterestModeOnly")]
    public async Task InterestAnywhereIsToldToALeafOnceAndMessagesGoBothWays(string server)
    {
        var (up, down) = ($"up.{server}", $"down.{server}");
        using var client = await RawClient.OpenAsync(_super[server].ClientEndPoint!);
        // Nobody wants it, which the other cluster may say, until a leaf must know what is wanted.
        await client.SendAsync($"PUB {up} 2\r\nno\r\n");
        await client.FlushAsync();
        using var leaf = await LeafProtocolTests.JoinAsync(_super["B1"], UserA);
        for (var turn = 0; turn < 2; turn++)
        {
            await client.SendAsync($"SUB {up} 1\r\n");
            await leaf.ReadThroughAsync($"LS+ {up}\r\n");
            if (turn > 0) break;
            await client.SendAsync($"SUB {up} 2\r\nUNSUB 2\r\nUNSUB 1\r\n");
            // What another test wanted may be taken back meanwhile.
            (await leaf.ReadThroughAsync($"LS- {up}\r\n")).ShouldNotContain($"LS+ {up}\r\n");
        }
        await leaf.SendAsync($"LMSG {up} + myreply 2\r\nOK\r\nLMSG {up} 4\r\nmore\r\nLS+ {down}\r\n");
        await leaf.FlushAsync();
        // Without a queue the reply stands alone.
        await client.ReadThroughAsync($"MSG {up} 1 4\r\nmore\r\n");
        await LeafPair.HasInterestAsync(_super[server], down);
        await client.SendAsync($"PUB {down} 2\r\nOK\r\n");
        var told = await leaf.ReadThroughAsync($"LMSG {down} 2\r\nOK\r\n");
        told.ShouldNotContain($" {up}");
        told.ShouldNotContain($"LS+ {down}");
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeGatewayInterestPropagation")]
    public async Task WhatALeafOfOneClusterWantsIsToldToALeafOfTheOther()
    {
        await using var leaf = await LeafPair.LeafAsync("wants", _super["A2"]);
        await using var client = await LeafPair.ClientAsync(leaf);
        await client.SubscribeAsync("across");
        await client.FlushAsync();
        await LeafPair.HasInterestAsync(_super["B1"], "across");
        var (other, told) = await LeafProtocolTests.JoinTellingAsync(_super["B1"], UserA);
        using var _ = other;
        told.Count(line => line == "LS+ across").ShouldBe(1, string.Join('\n', told));
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeGatewaySendsSystemEvent")]
    public async Task TheOtherClustersSystemAccountHearsOfALeaf()
    {
        await using var system = await LeafPair.ClientAsync(_super["A1"], "sys");
        var heard = await system.SubscribeAsync("$SYS.ACCOUNT.A.LEAFNODE.CONNECT");
        await system.FlushAsync();
        await LeafPair.HasInterestAsync(_super["B1"], "$SYS.ACCOUNT.A.LEAFNODE.CONNECT", account: "SYS");
        using var leaf = await LeafProtocolTests.JoinAsync(_super["B1"], UserA);
        JsonDocument.Parse((await heard.NextAsync()).Payload).RootElement.GetProperty("server").GetProperty("name").GetString().ShouldBe("B1");
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeAndGatewayGlobalRouting")]
    public async Task ALeafAnswersToEveryServerOfTheOtherCluster()
    {
        await using var leaf = await LeafPair.LeafAsync("answers", _super["A2"]);
        await using var service = await LeafPair.ClientAsync(leaf);
        var requests = await service.SubscribeAsync("routed");
        await service.FlushAsync();
        foreach (var server in new[] { "B1", "B2", "B3" })
        {
            await LeafPair.HasInterestAsync(_super[server], "routed");
            await using var client = await LeafPair.ClientAsync(_super[server]);
            // A reply of one token: those of clients' inboxes have three.
            var reply = $"reply{server}";
            var answers = await client.SubscribeAsync(reply);
            await client.PublishAsync("routed", "Hello", reply);
            var request = await requests.NextAsync();
            await service.PublishAsync(request.Reply!, "World");
            (await answers.NextAsync()).Text.ShouldBe("World");
        }
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeServiceImportLikeNGS")]
    public async Task AServiceOfTheOtherClusterIsAskedThroughAnImportFromHereAndFromALeaf()
    {
        await using var service = await LeafPair.ClientAsync(_super["A1"], "ngs");
        var requests = await service.SubscribeAsync("ngs.usage.*", "ngs");
        await service.FlushAsync();
        await LeafPair.HasInterestAsync(_super["B2"], "ngs.usage.dlc", account: "NGS");
        await using var leaf = await LeafPair.LeafAsync("dlc", _super["B2"], user: "dlc");
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var near = await LeafPair.ClientAsync(_super["B2"], "dlc");
        await AskAsync(near, requests, service, "ngs.usage");
        await LeafPair.HasInterestAsync(leaf, "ngs.usage");
        await using var far = await LeafPair.ClientAsync(leaf);
        await AskAsync(far, requests, service, "ngs.usage");
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeServiceImportResponderOnLeaf")]
    public async Task WhoAnswersAnImportMayBeAtALeaf()
    {
        await using var leaf = await LeafPair.LeafAsync("ngs", _super["A2"], user: "ngs");
        await using var service = await LeafPair.ClientAsync(leaf);
        var requests = await service.SubscribeAsync("ngs.usage.*", "ngs");
        await service.FlushAsync();
        await LeafPair.HasInterestAsync(_super["A2"], "ngs.usage.dlc", account: "NGS");
        await using var client = await LeafPair.ClientAsync(_super["A2"], "dlc");
        await AskAsync(client, requests, service, "ngs.usage");
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeDistributedQueueEvenly")]
    public async Task MembersOfAQueueOfOneClusterAreServedAlikeFromALeaf()
    {
        var members = new List<TestClient>();
        var queues = new List<TestSubscription>();
        foreach (var server in new[] { "A1", "A2", "A3" })
        {
            var member = await LeafPair.ClientAsync(_super[server], "ngs");
            members.Add(member);
            queues.Add(await member.SubscribeAsync("ngs.usage.*", "dq"));
            await member.FlushAsync();
        }
        await Wait.Until("the hub knows all three", () => _super["A1"].Accounts.Find("NGS")!.Subscriptions.Match("ngs.usage.dlc"u8) is { Queues: [{ } group] } && group.Local.Length + group.Links.Length == 3);
        await using (var leaf = await LeafPair.LeafAsync("evenly", _super["A1"], user: "dlc"))
        {
            await LeafPair.HasInterestAsync(leaf, "ngs.usage");
            await using var client = await LeafPair.ClientAsync(leaf);
            for (var i = 0; i < 100; i++) await client.PublishAsync("ngs.usage", $"{i}");
            await Wait.Until("all are served", () => queues.Sum(queue => queue.Count) >= 100, () => string.Join(", ", queues.Select(queue => queue.Count)));
        }
        queues.Sum(queue => queue.Count).ShouldBe(100);
        queues.ShouldAllBe(queue => queue.Count >= 10);
        foreach (var member in members) await member.DisposeAsync();
    }

    [Theory]
    [InlineData("A1", "A2")]
    [InlineData("A1", "B1")]
    [Upstream(Tests, "TestLeafNodeCycleWithSolicited")]
    public async Task ALeafClusterThatIsJoinedTwiceAsksOnce(string first, string second)
    {
        await using var leafs = await LeafClusterAsync("SC", first, second);
        await using var atA = await LeafPair.ClientAsync(_super["A3"]);
        await using var atB = await LeafPair.ClientAsync(_super["B3"]);
        TestSubscription[] services = [await atA.SubscribeAsync("cycle", "cycles"), await atB.SubscribeAsync("cycle", "cycles")];
        await atA.FlushAsync();
        await atB.FlushAsync();
        foreach (var server in leafs.Servers) await LeafPair.HasInterestAsync(server, "cycle");
        await using var client = await LeafPair.ClientAsync(leafs[0]);
        var answers = await client.SubscribeAsync("cycle.reply");
        await client.PublishAsync("cycle", "?", "cycle.reply");
        await Wait.Until("it is asked", () => services.Sum(service => service.Count) > 0);
        foreach (var (service, at) in services.Zip(new[] { atA, atB }))
        {
            if (service.Count == 0) continue;
            await LeafPair.HasInterestAsync(_super[at == atA ? "A3" : "B3"], "cycle.reply");
            await at.PublishAsync((await service.NextAsync()).Reply!, "22");
        }
        (await answers.NextAsync()).Text.ShouldBe("22");
        await MarkAsync(client, leafs[0], atA, atB);
        (services.Sum(service => service.Count), answers.Count).ShouldBe((1, 1));
    }

    [Theory]
    [InlineData("A1", "A1", "A1")]
    [InlineData("A1", "A2", "A3")]
    [Upstream(Tests, "TestLeafNodeOriginClusterSingleHub")]
    [Upstream(Tests, "TestLeafNodeOriginCluster")]
    public async Task WhatStaysInALeafClusterDoesNotComeBackThroughItsHubs(params string[] hubs)
    {
        await using var leafs = await LeafClusterAsync("ln22", hubs);
        await using var publisher = await LeafPair.ClientAsync(leafs[0]);
        await using var subscriber = await LeafPair.ClientAsync(leafs[1]);
        var heard = await subscriber.SubscribeAsync("foo.bar");
        await subscriber.FlushAsync();
        foreach (var server in leafs.Servers.Concat(hubs.Distinct().Select(hub => _super[hub]))) await LeafPair.HasInterestAsync(server, "foo.bar");
        foreach (var other in new[] { leafs[0], leafs[2] })
        {
            var match = other.Accounts.Find("A")!.Subscriptions.Match("foo.bar"u8);
            (match.Plain.Length + match.Links.Length + match.Leafs.Length + match.Outer.Length).ShouldBe(1, "only its peer's: what the hub hears of the cluster is not told to it again");
        }
        await publisher.PublishAsync("foo.bar", "one");
        await MarkAsync(publisher, leafs[0], subscriber);
        heard.Count.ShouldBe(1);
        // Drawn to a hub by somebody there, it must not bounce back either.
        await using var atHub = await LeafPair.ClientAsync(_super["A1"]);
        var drawn = await atHub.SubscribeAsync("foo.*");
        await atHub.FlushAsync();
        foreach (var server in leafs.Servers) await LeafPair.HasInterestAsync(server, "foo.other");
        await publisher.PublishAsync("foo.bar", "Hello Headers!", headers: TestHeaders.Of(("Accept-Encoding", "json"), ("Authorization", "s3cr3t")));
        await MarkAsync(publisher, leafs[0], subscriber, atHub);
        (heard.Count, drawn.Count).ShouldBe((2, 1));
        await heard.NextAsync();
        (await heard.NextAsync()).Headers!["Authorization"].ShouldBe("s3cr3t");
    }

    private static async Task AskAsync(TestClient client, TestSubscription requests, TestClient service, string subject)
    {
        var answer = client.RequestAsync(subject, "fingers crossed");
        await service.PublishAsync((await requests.NextAsync()).Reply!, "22");
        (await answer).Text.ShouldBe("22");
    }

    /// <summary>What was published before has reached all of them, or never will.</summary>
    private static async Task MarkAsync(TestClient from, NatsServer server, params TestClient[] to)
    {
        foreach (var client in to)
        {
            var subject = $"mark.{Guid.NewGuid():N}";
            var mark = await client.SubscribeAsync(subject);
            await client.FlushAsync();
            await LeafPair.HasInterestAsync(server, subject);
            await from.PublishAsync(subject);
            await mark.NextAsync();
        }
    }

    private async Task<TestCluster> LeafClusterAsync(string name, params string[] hubs)
    {
        var leafs = new TestCluster();
        var before = hubs.Distinct().ToDictionary(hub => hub, hub => _super[hub].LeafNodeCount);
        for (var i = 0; i < hubs.Length; i++)
        {
            var routes = i == 0 ? "" : $"routes: [\"nats://127.0.0.1:{leafs[0].ClusterEndPoint!.Port}\"]";
            leafs.Servers.Add(await LeafPair.LeafAsync($"{name}{i}", _super[hubs[i]], more: $"cluster {{ name: {name}, host: 127.0.0.1, port: -1, {routes} }}\n"));
        }
        await leafs.WaitForMeshAsync();
        foreach (var server in leafs.Servers) await LeafPair.ConnectedAsync(server, 1);
        return leafs;
    }

    /// <summary>What all its tests share.</summary>
    public sealed class Clusters : IAsyncLifetime
    {
        public SuperCluster Super { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Super = await SuperCluster.StartAsync(
            servers: 3,
            more: """
                leafnodes { host: 127.0.0.1, port: -1 }
                accounts {
                  SYS: { users: [{user: sys, password: sys}] }
                  A: { users: [{user: a, password: a}] }
                  NGS: { users: [{user: ngs, password: ngs}], exports: [ { service: "ngs.usage.*" } ] }
                  DLC: { users: [{user: dlc, password: dlc}], imports: [ { service: { account: NGS, subject: "ngs.usage.dlc" }, to: "ngs.usage" } ] }
                }
                system_account: SYS
                no_auth_user: a

                """);

        public ValueTask DisposeAsync() => Super.DisposeAsync();
    }
}
