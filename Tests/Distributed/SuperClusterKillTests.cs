using NatsAspire.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>A cluster's processes killed all at once, under load.</summary>
[Collection("alone")]
public sealed class SuperClusterKillTests
{
    [Fact]
    public async Task AClusterThatWasKilledComesBackWithAllThatWasAcknowledged()
    {
        await using var super = await ScenarioCluster.Topology.AsProcesses().StartAsync();
        await super.CreateAsync(new StreamSpec { Name = "KEPT", In = "west", Subjects = ["KEPT.>"], Replicas = 3 });
        await using var load = PublishingLoad.Start([.. super.UrlsOf("east"), .. super.UrlsOf("west"), .. super.UrlsOf("north")], "KEPT");
        await load.GoOnAsync("before", 50);
        await super.KillAsync("west");
        (await super.WaitForMetaLeaderAsync("east")).ShouldNotStartWith("west");
        // The rest makes streams of its own meanwhile.
        await super.CreateAsync(new StreamSpec { Name = "MEANWHILE", In = "east", Subjects = ["MEANWHILE.>"], Replicas = 3 });
        await super.StartAsync("west");
        await super.WaitUntilReadyAsync();
        await super.WaitForGatewaysAsync();
        await super.WaitForLeafsAsync();
        await super.WaitForStreamLeaderAsync("KEPT");
        await load.GoOnAsync("after", 50);
        await load.StopAsync();
        (await super.WaitForCurrentReplicasAsync("KEPT")).ShouldBe(["west-1", "west-2", "west-3"]);
        await using var edge = await TestClient.ConnectAsync(super.UrlsOf("edge")[0]);
        await using var east = await TestClient.ConnectAsync(super.UrlsOf("east")[0]);
        await load.VerifyAsync(east);
        // From the leaf node through its hub to the other cluster.
        await SuperCluster.ReachAsync(edge, await east.SubscribeAsync("across"), "across");
    }
}
