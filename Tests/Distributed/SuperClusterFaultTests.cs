using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Clusters that go down, are cut apart, and come back: what others still do meanwhile, and that nothing is lost.</summary>
public sealed class SuperClusterFaultTests(ScenarioCluster shared) : IClassFixture<ScenarioCluster>
{
    [Fact]
    public async Task AMirrorServesWhileTheClusterOfItsOriginIsDown()
    {
        var super = shared.Super;
        await using var east = await shared.ConnectAsync("east-1");
        await ScenarioCluster.CreateAsync(east, "ORIGIN", "west");
        await ScenarioCluster.DoAsync(east, "STREAM.CREATE.MIRROR", """{"name":"MIRROR","mirror":{"name":"ORIGIN"},"num_replicas":3,"mirror_direct":true,"allow_direct":true,"placement":{"cluster":"east"}}""");
        await ScenarioCluster.PublishAsync(east, "ORIGIN", 1, 20);
        await ScenarioCluster.HoldsAsync(east, "MIRROR", 20);
        await super.KillAsync("west");
        (await super.WaitForMetaLeaderAsync("east")).ShouldNotStartWith("west");
        // Under its own name, and under the origin's, whose direct gets it answers too.
        await GetAsync(east, "MIRROR", 20);
        await GetAsync(east, "ORIGIN", 7);
        await super.StartAsync("west");
        await super.WaitUntilReadyAsync();
        await super.WaitForStreamLeaderAsync("ORIGIN");
        await ScenarioCluster.PublishAsync(east, "ORIGIN", 21, 40);
        await ScenarioCluster.HoldsAsync(east, "MIRROR", 40);
        (await super.WaitForCurrentReplicasAsync("ORIGIN")).ShouldBe(["west-1", "west-2", "west-3"]);
    }

    [Fact]
    public async Task ClustersCutApartGoOnWithWhatTheyHoldAndBecomeOneAgain()
    {
        var super = shared.Super;
        await using var east = await shared.ConnectAsync("east-1");
        await using var west = await shared.ConnectAsync("west-1");
        await ScenarioCluster.CreateAsync(east, "INWEST", "west");
        await ScenarioCluster.CreateAsync(east, "INEAST", "east");
        await using var westLoad = PublishingLoad.Start(super.UrlsOf("west"), "INWEST", 1);
        await using var eastLoad = PublishingLoad.Start([.. super.UrlsOf("east"), .. super.UrlsOf("west")], "INEAST");
        await westLoad.GoOnAsync("before", 20);
        await eastLoad.GoOnAsync("before", 20);
        await super.CutAsync("west", "east");
        await super.CutAsync("west", "north");
        // The side with most members has a meta leader; the other has its streams.
        (await super.WaitForMetaLeaderAsync("east")).ShouldNotStartWith("west");
        await westLoad.GoOnAsync("in the cut off cluster", 20);
        await eastLoad.GoOnAsync("on the other side", 20);
        await ScenarioCluster.CreateAsync(east, "MEANWHILE", "east", 1);
        await super.HealAsync();
        await super.WaitUntilReadyAsync();
        await super.WaitForGatewaysAsync();
        (await super.WaitForMetaLeaderAsync()).ShouldNotBeEmpty("all of them agree");
        await westLoad.GoOnAsync("after", 20);
        await eastLoad.GoOnAsync("after", 20);
        await westLoad.StopAsync();
        await eastLoad.StopAsync();
        await westLoad.VerifyAsync(east);
        await eastLoad.VerifyAsync(west);
        await ScenarioCluster.PublishAsync(west, "MEANWHILE", 1, 1);
        await super.WaitForCurrentReplicasAsync("INWEST");
        await super.WaitForCurrentReplicasAsync("INEAST");
    }

    [Fact]
    public async Task ALeafNodeCutOffGoesOnAndItsMirrorCatchesUp()
    {
        var super = shared.Super;
        await using var edge = await shared.ConnectAsync("edge-1");
        await using var north = await shared.ConnectAsync("north-1");
        await ScenarioCluster.DoAsync(edge, "STREAM.CREATE.LOCAL", """{"name":"LOCAL","subjects":["LOCAL.>"]}""");
        await ScenarioCluster.DoAsync(north, "STREAM.CREATE.COPY", """{"name":"COPY","mirror":{"name":"LOCAL","external":{"api":"$JS.edge.API"}},"placement":{"cluster":"east"},"num_replicas":3}""");
        await ScenarioCluster.PublishAsync(edge, "LOCAL", 1, 10);
        await ScenarioCluster.HoldsAsync(north, "COPY", 10);
        await super.IsolateAsync("edge");
        await ScenarioCluster.PublishAsync(edge, "LOCAL", 11, 30);
        await ScenarioCluster.HoldsAsync(north, "COPY", 10);
        var hears = await north.SubscribeAsync("from.edge");
        await north.FlushAsync();
        await super.HealAsync();
        await super.WaitForLeafsAsync();
        await ScenarioCluster.HoldsAsync(north, "COPY", 30);
        await SuperCluster.ReachAsync(edge, hears, "from.edge");
        // Its own API from the other end of the super-cluster.
        await ScenarioCluster.HoldsAsync(north, "LOCAL", 30, "$JS.edge.API");
    }

    [Fact]
    public async Task InterestIsToldAnewToWhoeverCameBack()
    {
        var super = shared.Super;
        await using var east = await shared.ConnectAsync("east-2");
        await using var west = await shared.ConnectAsync("west-2");
        var (inEast, inWest) = (await east.SubscribeAsync("news"), await west.SubscribeAsync("news"));
        await super.StopAsync("north");
        await super.StopAsync("west-3");
        await super.StartAsync("north");
        await super.StartAsync("west-3");
        await super.WaitUntilReadyAsync();
        foreach (var server in new[] { "north-1", "west-3" })
        {
            await using var publisher = await shared.ConnectAsync(server);
            await SuperCluster.ReachAsync(publisher, inEast, "news");
            await SuperCluster.ReachAsync(publisher, inWest, "news");
            while (inEast.TryTake() is not null || inWest.TryTake() is not null)
            {
            }
        }
        // And theirs to the others.
        await using var back = await shared.ConnectAsync("north-1");
        var here = await back.SubscribeAsync("more.news");
        await back.FlushAsync();
        await SuperCluster.ReachAsync(east, here, "more.news");
        await SuperCluster.ReachAsync(west, here, "more.news");
    }

    [Fact]
    public async Task AQueueGroupIsServedNearbyWhileItCanBe()
    {
        var super = shared.Super;
        await using var near = await shared.ConnectAsync("west-3");
        await using var far = await shared.ConnectAsync("east-3");
        await using var asks = await shared.ConnectAsync("west-1");
        var (inWest, inEast) = (await near.SubscribeAsync("work", "workers"), await far.SubscribeAsync("work", "workers"));
        await near.FlushAsync();
        await far.FlushAsync();
        await SuperCluster.ReachAsync(asks, inWest, "work");
        await using var asksThere = await shared.ConnectAsync("east-1");
        await SuperCluster.ReachAsync(asksThere, inEast, "work");
        for (var i = 0; i < 50; i++) await asks.PublishAsync("work", $"{i}");
        await asks.FlushAsync();
        for (var i = 0; i < 50; i++) (await inWest.NextAsync()).Text.ShouldBe($"{i}");
        inEast.TryTake().ShouldBeNull("it was served in its own cluster");
        await near.DisposeAsync();
        await SuperCluster.ReachAsync(asks, inEast, "work");
        super.Running.Count.ShouldBe(8);
    }

    private static async Task GetAsync(TestClient client, string stream, int sequence)
    {
        var answer = await client.RequestAsync($"$JS.API.DIRECT.GET.{stream}", $$"""{"seq":{{sequence}}}""");
        (answer.Text, answer.Headers!["Nats-Sequence"]).ShouldBe(($"{sequence}", $"{sequence}"));
    }
}
