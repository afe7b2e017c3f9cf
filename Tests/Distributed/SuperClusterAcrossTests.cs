using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Streams, mirrors and consumers that are used from other clusters than those they are in.</summary>
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
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterGetNextSubRace")]
    public async Task APullOfALeafNodesConsumerIsAnsweredAcrossAGatewayThatDoesNotKnowTheInboxYet()
    {
        var super = shared.Super;
        // Only two servers of west are left, so one of the three in east is dialled by neither.
        var idle = await FindAsync("west", "leafz", page => page.GetProperty("leafnodes").GetInt32() == 0);
        await super.StopAsync(idle);
        await super.WaitForMetaLeaderAsync();
        var undialled = await FindAsync("east", "gatewayz", page => !page.GetProperty("inbound_gateways").TryGetProperty("west", out var dialled) || dialled.GetArrayLength() == 0);
        await using var client = await shared.ConnectAsync(undialled);
        await AskAsync("STREAM.CREATE.PULLED", """{"name":"PULLED"}""");
        await AskAsync("CONSUMER.CREATE.PULLED.D", """{"stream_name":"PULLED","config":{"durable_name":"D","ack_policy":"explicit"}}""");
        for (var i = 0; i < 100; i++) (await client.RequestAsync("PULLED", "ok")).IsNoResponders.ShouldBeFalse();
        for (var i = 0; i < 100; i++)
        {
            var inbox = await client.SubscribeAsync($"_INBOX.next.{i}");
            await client.PublishAsync("$JS.edge.API.CONSUMER.MSG.NEXT.PULLED.D", """{"batch":1,"expires":5000000000}""", inbox.Subject);
            (await inbox.NextAsync()).Text.ShouldBe("ok", $"pull {i}");
            await inbox.UnsubscribeAsync();
        }
        await super.StartAsync(idle);
        await super.WaitUntilReadyAsync();

        async Task AskAsync(string operation, string request)
        {
            using var answer = JsonDocument.Parse((await client.RequestAsync($"$JS.edge.API.{operation}", request)).Payload);
            answer.RootElement.TryGetProperty("error", out var error).ShouldBeFalse($"{error}");
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
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterConsumerPauseAdvisories")]
    public async Task APausedConsumerIsToldOfAcrossClusters()
    {
        await using var client = await shared.ConnectAsync("east-3");
        await ScenarioCluster.CreateAsync(client, "PAUSED", "west");
        var told = await client.SubscribeAsync("$JS.EVENT.ADVISORY.CONSUMER.PAUSE.PAUSED.C");
        await client.FlushAsync();
        var until = In(TimeSpan.FromSeconds(1));
        await ScenarioCluster.DoAsync(client, "CONSUMER.CREATE.PAUSED.C", $$"""{"stream_name":"PAUSED","action":"create","config":{"name":"C","num_replicas":3,"ack_policy":"explicit","pause_until":"{{until}}"} }""");
        await ToldAsync(true);
        await ToldAsync(false);
        until = In(TimeSpan.FromSeconds(1));
        await PauseAsync();
        await ToldAsync(true);
        await ToldAsync(false);
        until = In(TimeSpan.FromHours(1));
        await PauseAsync();
        await ToldAsync(true);
        told.TryTake().ShouldBeNull();

        async Task PauseAsync() =>
            (await ScenarioCluster.DoAsync(client, "CONSUMER.PAUSE.PAUSED.C", $$"""{"pause_until":"{{until}}"}""")).GetProperty("pause_until").GetDateTimeOffset().ShouldBe(DateTimeOffset.Parse(until));

        async Task ToldAsync(bool isPaused)
        {
            using var advisory = JsonDocument.Parse((await told.NextAsync()).Payload);
            var (root, seen) = (advisory.RootElement, advisory.RootElement.ToString());
            (root.GetProperty("stream").GetString(), root.GetProperty("consumer").GetString()).ShouldBe(("PAUSED", "C"));
            root.GetProperty("paused").GetBoolean().ShouldBe(isPaused, seen);
            root.GetProperty("pause_until").GetDateTimeOffset().ShouldBe(DateTimeOffset.Parse(until), seen);
        }

        static string In(TimeSpan time) => TimeProvider.System.GetUtcNow().Add(time).ToString("O");
    }

    private string Monitor(string server) => shared.Super.Topology.Servers.First(one => one.Name == server).MonitorUrl;

    /// <summary>A server of a cluster whose page is like that.</summary>
    private async Task<string> FindAsync(string cluster, string page, Func<JsonElement, bool> isWanted)
    {
        var found = "";
        await Wait.Until($"a server of {cluster} with such a /{page}", async () =>
        {
            foreach (var server in shared.Super.Topology[cluster].Servers)
            {
                using var read = JsonDocument.Parse(await Http.GetStringAsync($"{server.MonitorUrl}/{page}"));
                if (isWanted(read.RootElement)) found = server.Name;
            }
            return found.Length > 0;
        });
        return found;
    }
}
