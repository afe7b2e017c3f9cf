using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Leaders that go where they are wanted, streams that go to other clusters by tags, and what is said of those that are down.</summary>
public sealed class SuperClusterPlacementTests(ScenarioCluster shared) : IClassFixture<ScenarioCluster>
{
    private const int NoPeers = 10005;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterStreamStepDown")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterConsumerStepDown")]
    public async Task ALeaderMakesWayForWhoeverIsWanted(bool ofConsumer)
    {
        await using var client = await shared.ConnectAsync("east-2");
        var name = ofConsumer ? "STEPC" : "STEPS";
        await ScenarioCluster.DoAsync(client, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","subjects":["{{name}}.>"],"num_replicas":3,"retention":"interest","placement":{"cluster":"west","tags":["region:west"]} }""");
        await ScenarioCluster.DoAsync(client, $"CONSUMER.CREATE.{name}.C", $$"""{"stream_name":"{{name}}","config":{"name":"C","durable_name":"C","ack_policy":"explicit"} }""");
        var (stepDown, info) = ofConsumer ? ($"CONSUMER.LEADER.STEPDOWN.{name}.C", $"CONSUMER.INFO.{name}.C") : ($"STREAM.LEADER.STEPDOWN.{name}", $"STREAM.INFO.{name}");
        foreach (var nowhere in new[] { """{"cluster":"nowhere"}""", """{"preferred":"nobody"}""", """{"tags":["none:such"]}""", """{"cluster":"east"}""", $$"""{"preferred":"{{await LeaderAsync()}}"}""" })
        {
            await ScenarioCluster.RefusedAsync(client, NoPeers, stepDown, $$"""{"placement":{{nowhere}} }""");
        }
        var (other, third) = (await OtherAsync(), "");
        await LedByAsync($$"""{"preferred":"{{other}}"}""", leader => leader == other);
        await LedByAsync("""{"cluster":"west"}""", leader => leader.StartsWith("west-", StringComparison.Ordinal) && leader != other);
        third = await OtherAsync();
        await LedByAsync($$"""{"tags":["node:{{third[^1]}}"]}""", leader => leader == third);
        third = await OtherAsync();
        await LedByAsync($$"""{"tags":["node:{{third[^1]}}","region:west"]}""", leader => leader == third);
        third = await OtherAsync();
        await LedByAsync($$"""{"cluster":"west","tags":["node:{{third[^1]}}","region:west"]}""", leader => leader == third);

        async Task LedByAsync(string placement, Func<string, bool> isWanted)
        {
            await ScenarioCluster.DoAsync(client, stepDown, $$"""{"placement":{{placement}} }""");
            var leader = "";
            await Wait.Until($"the leader fits {placement}", async () => isWanted(leader = await LeaderAsync()), () => leader, TimeSpan.FromSeconds(30));
        }

        async Task<string> OtherAsync() => await LeaderAsync() is var leader && leader == "west-1" ? "west-2" : leader == "west-2" ? "west-3" : "west-1";

        async Task<string> LeaderAsync()
        {
            var leader = "";
            await Wait.Until("somebody leads", async () => (leader = ScenarioCluster.LeaderIn(await ScenarioCluster.DoAsync(client, info))).Length > 0, timeout: TimeSpan.FromSeconds(30));
            return leader;
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterMovingStreamAndMoveBack")]
    public async Task AStreamMovesByItsTagsAndBack(int replicas)
    {
        const int Count = 10_000;
        await using var client = await shared.ConnectAsync("north-1");
        var name = $"BACK{replicas}";
        await ScenarioCluster.DoAsync(client, $"STREAM.CREATE.{name}", Configuration("west"));
        for (var i = 0; i < Count; i++) await client.PublishAsync(name, "HELLO WORLD");
        await ScenarioCluster.HoldsAsync(client, name, Count);
        foreach (var cluster in new[] { "east", "west" })
        {
            await ScenarioCluster.DoAsync(client, $"STREAM.UPDATE.{name}", Configuration(cluster));
            var seen = "";
            await Wait.Until($"it is in {cluster}", async () =>
            {
                var info = await ScenarioCluster.DoAsync(client, $"STREAM.INFO.{name}");
                seen = info.GetProperty("cluster").ToString();
                var others = info.GetProperty("cluster").TryGetProperty("replicas", out var list) ? list.GetArrayLength() : 0;
                return info.GetProperty("cluster").GetProperty("name").GetString() == cluster && ScenarioCluster.LeaderIn(info).StartsWith(cluster, StringComparison.Ordinal)
                    && others == replicas - 1 && info.GetProperty("state").GetProperty("messages").GetInt32() == Count;
            }, () => seen, TimeSpan.FromSeconds(60));
        }

        string Configuration(string region) => $$"""{"name":"{{name}}","subjects":["{{name}}"],"num_replicas":{{replicas}},"placement":{"tags":["region:{{region}}"]} }""";
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterRemovedPeersAndStreamsListAndDelete")]
    public async Task WhatIsDownIsNamedAndCanBeDeleted()
    {
        await using var client = await shared.ConnectAsync("north-1");
        await using var system = await shared.ConnectSystemAsync("north-1");
        await ScenarioCluster.CreateAsync(client, "GONE", "west");
        await ScenarioCluster.CreateAsync(client, "HERE", "east");
        await ScenarioCluster.DoAsync(client, "CONSUMER.CREATE.GONE.D", """{"stream_name":"GONE","config":{"durable_name":"D","ack_policy":"explicit"}}""");
        await ScenarioCluster.PublishAsync(client, "GONE", 1, 20);
        await shared.LeadFromNorthAsync(system);
        await shared.Super.StopAsync("west");
        await Wait.Until("it is missing from the list", async () => Missing(await ScenarioCluster.DoAsync(client, "STREAM.LIST")).Contains("GONE"), timeout: TimeSpan.FromSeconds(30));
        Missing(await ScenarioCluster.DoAsync(client, "STREAM.LIST")).ShouldNotContain("HERE");
        Missing(await ScenarioCluster.DoAsync(client, "CONSUMER.LIST.GONE")).ShouldBe(["D"]);
        await ScenarioCluster.RefusedAsync(client, 10118, "STREAM.INFO.GONE");
        await ScenarioCluster.RefusedAsync(client, 10119, "CONSUMER.INFO.GONE.D");
        await ScenarioCluster.DoAsync(client, "CONSUMER.DELETE.GONE.D");
        await ScenarioCluster.DoAsync(client, "STREAM.DELETE.GONE");
        await ScenarioCluster.RefusedAsync(client, 10059, "STREAM.INFO.GONE");
        await shared.Super.StartAsync("west");
        await shared.Super.WaitUntilReadyAsync();
        await ScenarioCluster.RefusedAsync(client, 10059, "STREAM.INFO.GONE");

        static IEnumerable<string> Missing(JsonElement answer) =>
            answer.TryGetProperty("missing", out var missing) && missing.ValueKind == JsonValueKind.Array ? missing.EnumerateArray().Select(one => one.GetString()!) : [];
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterR1StreamPeerRemove")]
    public async Task TheOnlyReplicaIsNotRemoved()
    {
        await using var client = await shared.ConnectAsync("east-1");
        await ScenarioCluster.CreateAsync(client, "ALONE", "west", replicas: 1);
        var leader = ScenarioCluster.LeaderIn(await ScenarioCluster.DoAsync(client, "STREAM.INFO.ALONE"));
        await ScenarioCluster.RefusedAsync(client, 10075, "STREAM.PEER.REMOVE.ALONE", $$"""{"peer":"{{leader}}"}""");
        await ScenarioCluster.PublishAsync(client, "ALONE", 1, 1);
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterStatszActiveServers")]
    public async Task ServersKnowHowManyThereAre()
    {
        await using var system = await shared.ConnectSystemAsync("west-2");
        await ActiveAsync(7);
        await shared.Super.StopAsync("north");
        await ActiveAsync(6);
        await shared.Super.StartAsync("north");
        await ActiveAsync(7);
        await shared.Super.WaitUntilReadyAsync();

        async Task ActiveAsync(int count)
        {
            var seen = 0;
            await Wait.Until($"{count} servers are active", async () =>
            {
                using var answer = JsonDocument.Parse((await system.RequestAsync("$SYS.REQ.SERVER.PING")).Payload);
                return (seen = answer.RootElement.GetProperty("statsz").GetProperty("active_servers").GetInt32()) == count;
            }, () => $"{seen}", TimeSpan.FromSeconds(30));
        }
    }
}
