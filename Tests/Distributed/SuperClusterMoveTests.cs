using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Where streams of a super-cluster come to be, and go to.</summary>
public sealed class SuperClusterMoveTests(ScenarioCluster shared) : IClassFixture<ScenarioCluster>
{
    private static readonly string[] West = ["west-1", "west-2", "west-3"], East = ["east-1", "east-2", "east-3"];

    [Fact]
    public async Task AStreamMovesToTheOtherClusterUnderLoad()
    {
        var super = shared.Super;
        await using var client = await shared.ConnectAsync("north-1");
        await ScenarioCluster.CreateAsync(client, "MOVING", "west");
        await using var load = PublishingLoad.Start([.. super.UrlsOf("west"), .. super.UrlsOf("east")], "MOVING");
        await load.GoOnAsync("before", 20);
        await MoveAsync(client, "MOVING", "east");
        await Wait.Until("it is in the east", async () => (await super.WaitForCurrentReplicasAsync("MOVING")).SequenceEqual(East), timeout: TimeSpan.FromSeconds(60));
        await load.GoOnAsync("after", 20);
        await load.StopAsync();
        await load.VerifyAsync(client);
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterMoveCancel")]
    public async Task AMoveThatCannotEndIsCancelled()
    {
        var super = shared.Super;
        await using var client = await shared.ConnectAsync("north-1");
        await using var system = await shared.ConnectSystemAsync("north-1");
        await ScenarioCluster.CreateAsync(client, "STAYS", "west");
        await ScenarioCluster.DoAsync(client, "CONSUMER.CREATE.STAYS.D", """{"stream_name":"STAYS","config":{"durable_name":"D","ack_policy":"explicit"}}""");
        await ScenarioCluster.PublishAsync(client, "STAYS", 1, 10);
        await shared.LeadFromNorthAsync(system);
        // The new members cannot be reached by the old ones, but the meta leader reaches both.
        await super.CutAsync("west", "east", silently: true);
        await MoveAsync(client, "STAYS", "east");
        await Wait.Until("others are to hold it", async () => await MembersAsync(client) > 3, timeout: TimeSpan.FromSeconds(20));
        await ScenarioCluster.DoAsync(system, "ACCOUNT.STREAM.CANCEL_MOVE.$G.STAYS");
        await super.HealAsync();
        await super.WaitForGatewaysAsync();
        await Wait.Until("it is in the west alone", async () => (await super.WaitForCurrentReplicasAsync("STAYS")).SequenceEqual(West), timeout: TimeSpan.FromSeconds(60));
        await Wait.Until("three members are left", async () => await MembersAsync(client) == 3);
        await ScenarioCluster.PublishAsync(client, "STAYS", 11, 12);
        (await ScenarioCluster.DoAsync(client, "CONSUMER.INFO.STAYS.D")).GetProperty("cluster").GetProperty("leader").GetString().ShouldStartWith("west");
        var again = await StreamCluster.AskAsync(system, "ACCOUNT.STREAM.CANCEL_MOVE.$G.STAYS");
        again.GetProperty("error").GetProperty("err_code").GetInt32().ShouldBe(10129, "no move is in progress");
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterOverflowPlacement")]
    public async Task WhatDoesNotFitHereGoesElsewhere()
    {
        await using var west = await shared.ConnectAsync("west-1");
        // West has 1 GiB a server, east has 4.
        await ScenarioCluster.DoAsync(west, "STREAM.CREATE.BIG", """{"name":"BIG","subjects":["BIG.>"],"num_replicas":3,"max_bytes":2147483648}""");
        (await shared.Super.WaitForCurrentReplicasAsync("BIG")).ShouldBe(East);
        await ScenarioCluster.DoAsync(west, "STREAM.CREATE.SMALL", """{"name":"SMALL","subjects":["SMALL.>"],"num_replicas":3,"max_bytes":1048576}""");
        (await shared.Super.WaitForCurrentReplicasAsync("SMALL")).ShouldBe(West);
        await RefusedAsync("FORCED", """, "placement":{"cluster":"west"}, "max_bytes":2147483648""");
        await RefusedAsync("BIGGEST", """, "max_bytes":8589934592""");

        async Task RefusedAsync(string name, string more)
        {
            var answer = await StreamCluster.AskAsync(west, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","subjects":["{{name}}.>"],"num_replicas":3{{more}} }""");
            answer.GetProperty("error").GetProperty("err_code").GetInt32().ShouldBe(10005, answer.ToString());
        }
    }

    private static Task MoveAsync(TestClient client, string stream, string cluster) => ScenarioCluster.DoAsync(
        client, $"STREAM.UPDATE.{stream}", $$"""{"name":"{{stream}}","subjects":["{{stream}}.>"],"num_replicas":3,"allow_direct":true,"placement":{"cluster":"{{cluster}}"} }""");

    private static async Task<int> MembersAsync(TestClient client) =>
        (await ScenarioCluster.DoAsync(client, "STREAM.INFO.STAYS")).GetProperty("cluster").GetProperty("replicas").GetArrayLength() + 1;
}
