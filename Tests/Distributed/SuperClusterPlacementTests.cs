using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Leaders that go where they are wanted, and streams that go to other clusters by tags.</summary>
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
        const int Count = 2_000;
        await using var client = await shared.ConnectAsync("north-1");
        var name = $"BACK{replicas}";
        await ScenarioCluster.DoAsync(client, $"STREAM.CREATE.{name}", Configuration("west"));
        // Until the client's cluster has heard who takes them, they would be nobody's.
        await StreamCluster.PublishAsync(client, name, "HELLO WORLD");
        for (var i = 1; i < Count; i++) await client.PublishAsync(name, "HELLO WORLD");
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
}
