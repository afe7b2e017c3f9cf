using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Mirrors and consumers that are used from other clusters than those they are in.</summary>
public sealed class SuperClusterAcrossTests(ScenarioCluster shared) : IClassFixture<ScenarioCluster>
{
    private static readonly HttpClient Http = new();

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterStreamDirectGetMirrorQueueGroup")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterMirrorInheritsAllowDirect")]
    public async Task DirectGetsAreAnsweredByTheMirrorOfTheOwnCluster()
    {
        await using var client = await shared.ConnectAsync("west-2");
        await ScenarioCluster.DoAsync(client, "STREAM.CREATE.DIRECT", """{"name":"DIRECT","subjects":["kv.>"],"max_msgs_per_subject":1,"allow_direct":true,"num_replicas":3,"storage":"memory","placement":{"cluster":"west"}}""");
        for (var i = 0; i < 100; i++) (await StreamCluster.PublishAsync(client, $"kv.{i}", "VAL")).ShouldBe((ulong)i + 1);
        foreach (var (name, cluster, replicas) in new[] { ("DIRECT1", "north", 1), ("DIRECT3", "east", 3) })
        {
            // Whether it answers for its origin it takes from there.
            var made = await ScenarioCluster.DoAsync(client, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","mirror":{"name":"DIRECT"},"num_replicas":{{replicas}},"storage":"memory","placement":{"cluster":"{{cluster}}"} }""");
            made.GetProperty("config").GetProperty("mirror_direct").GetBoolean().ShouldBeTrue();
            await ScenarioCluster.HoldsAsync(client, name, 100);
        }
        foreach (var (server, stream) in new[] { ("west-1", "DIRECT"), ("north-1", "DIRECT1"), ("east-1", "DIRECT3"), ("east-2", "DIRECT3") })
        {
            await using var local = await shared.ConnectAsync(server);
            var answerer = "";
            await Wait.Until($"{stream} answers at {server}", async () =>
            {
                var answer = await local.RequestAsync("$JS.API.DIRECT.GET.DIRECT", """{"last_by_subj":"kv.22"}""");
                (answer.Text, answer.Headers!["Nats-Sequence"], answer.Headers!["Nats-Subject"]).ShouldBe(("VAL", "23", "kv.22"));
                return (answerer = answer.Headers!["Nats-Stream"]) == stream;
            }, () => answerer);
        }
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterStateOnRestartPreventsConsumerRecovery")]
    public async Task AConsumerOfAStreamWhoseSourceIsGoneIsThereAfterARestart()
    {
        var super = shared.Super;
        await using var client = await shared.ConnectAsync("north-1");
        await ScenarioCluster.DoAsync(client, "STREAM.CREATE.UP", """{"name":"UP","subjects":["up.foo","up.bar"],"num_replicas":3,"placement":{"cluster":"west"}}""");
        await ScenarioCluster.DoAsync(client, "STREAM.CREATE.DOWN", """{"name":"DOWN","subjects":["down"],"sources":[{"name":"UP"}],"num_replicas":3,"placement":{"cluster":"east"}}""");
        await ScenarioCluster.DoAsync(client, "CONSUMER.CREATE.DOWN.D", """{"stream_name":"DOWN","config":{"durable_name":"D","ack_policy":"explicit","filter_subject":"up.foo","deliver_subject":"delivered"}}""");
        for (var i = 0; i < 100; i++) await StreamCluster.PublishAsync(client, "up.foo", "HELLO");
        await (await client.SubscribeAsync("delivered")).NextAsync();
        var leader = ScenarioCluster.LeaderIn(await ScenarioCluster.DoAsync(client, "CONSUMER.INFO.DOWN.D"));
        await ScenarioCluster.DoAsync(client, "STREAM.DELETE.UP");
        await super.StopAsync(leader);
        await super.StartAsync(leader);
        await super.WaitUntilReadyAsync();
        var health = await Http.GetAsync($"{Monitor(leader)}/healthz?account=$G&stream=DOWN&consumer=D", TestContext.Current.CancellationToken);
        health.IsSuccessStatusCode.ShouldBeTrue(await health.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterR1StreamPeerRemove")]
    public async Task TheOnlyReplicaIsNotTakenOut()
    {
        await using var client = await shared.ConnectAsync("west-1");
        await ScenarioCluster.CreateAsync(client, "ONLY", "north", replicas: 1);
        await StreamCluster.PublishAsync(client, "ONLY.x", "kept");
        (await client.RequestAsync("$JS.API.STREAM.PEER.REMOVE.ONLY", """{"peer":"north-1"}""")).Text.ShouldContain("\"err_code\":10075");
        (await ScenarioCluster.DoAsync(client, "STREAM.INFO.ONLY")).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(1);
    }

    private string Monitor(string server) => shared.Super.Topology.Servers.First(one => one.Name == server).MonitorUrl;
}
