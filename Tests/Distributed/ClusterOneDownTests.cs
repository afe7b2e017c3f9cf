using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>A server of a cluster ends, others go on, and it comes back.</summary>
public sealed class ClusterOneDownTests
{
    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterKVWatchersWithServerDown")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStaleDirectGetOnRestart")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterUpdateConsumerShouldNotForceDeleteOnRestart")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamFailTrackingSnapshots")]
    public async Task WhoWasAwayAnswersNothingOldAndForgetsNothing()
    {
        const int Ids = 200;
        await using var cluster = await StreamCluster.StartAsync();
        int away;
        await using (var client = await cluster.ConnectAsync())
        {
            await StreamCluster.CreateAsync(client, "KV", 3, ",\"max_msgs_per_subject\":1,\"allow_direct\":true");
            await StreamCluster.CreateAsync(client, "IDS", 3);
            await StreamCluster.PublishAsync(client, "KV.foo", "bar");
            await MakeAsync(client, "CONSUMER.DURABLE.CREATE.KV.D", Push("_no_bind_"));
            await cluster.WaitForEqualAsync("KV", 1);
            var leader = await cluster.LeaderOfAsync("KV");
            away = new[] { 1, 2 }.First(server => server != leader);
            await PublishTwiceAsync(client, 0, Ids);
            await cluster.StopAsync(away);
            // Watchers of a key come and go.
            for (var i = 0; i < 50; i++)
            {
                await MakeAsync(client, $"CONSUMER.CREATE.KV.w{i}", $$"""{"stream_name":"KV","config":{"name":"w{{i}}","deliver_subject":"w","deliver_policy":"last_per_subject","filter_subject":"KV.foo","ack_policy":"none","num_replicas":1,"mem_storage":true} }""");
                await MakeAsync(client, $"CONSUMER.DELETE.KV.w{i}", "");
            }
            await MakeAsync(client, "CONSUMER.DURABLE.CREATE.KV.D", Push("_d_"));
            foreach (var subject in new[] { "_no_bind_", "_d_" }) await client.SubscribeAsync(subject);
            await StreamCluster.PublishAsync(client, "KV.foo", "baz");
            await PublishTwiceAsync(client, Ids, 2 * Ids);
            foreach (var server in Enumerable.Range(0, 3).Where(server => server != away)) cluster.HostOf(server, "IDS")!.RequestCheckpoint();
            var stopped = false;
            var reading = ReadAsync(client, () => Volatile.Read(ref stopped));
            await cluster.StartAsync(away);
            await cluster.WaitForEqualAsync("KV", 2);
            await cluster.WaitForEqualAsync("IDS", 2 * Ids);
            await using (var there = await cluster.ConnectAsync(away)) await ReadAsync(there, Times(200));
            Volatile.Write(ref stopped, true);
            await Wait.For("the last read", reading);
            ErrorOf(await StreamCluster.AskAsync(client, "CONSUMER.INFO.KV.D")).ShouldBe(0);
        }
        await LeadAsync(cluster, "IDS", away);
        await using var again = await cluster.ConnectAsync();
        await MakeAsync(again, "STREAM.UPDATE.IDS", """{"name":"IDS","subjects":["IDS.>"],"storage":"file","num_replicas":1}""");
        var reader = await again.SubscribeAsync("ids");
        await MakeAsync(again, "CONSUMER.CREATE.IDS.c", """{"stream_name":"IDS","config":{"name":"c","deliver_subject":"ids","ack_policy":"none"}}""");
        for (var i = 0; i < 2 * Ids; i++) (await reader.NextAsync()).Headers!["Nats-Msg-Id"].ShouldBe($"ID:{i}");

        static string Push(string subject) => $$"""{"stream_name":"KV","config":{"durable_name":"D","deliver_subject":"{{subject}}","ack_policy":"none"} }""";
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterMemLeaderRestart")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterUserGivenConsNameWithLeaderChange")]
    public async Task WithoutTheirLeaderTheyGoOnAndWithItAgain()
    {
        await using var cluster = await StreamCluster.StartAsync();
        int away;
        await using (var client = await cluster.ConnectAsync())
        {
            await MakeAsync(client, "STREAM.CREATE.M", """{"name":"M","subjects":["M.>"],"storage":"memory","num_replicas":3}""");
            for (var i = 0; i < 1000; i++) await client.PublishAsync("M.a", "Hello World");
            await StreamCluster.PublishAsync(client, "M.a", "the last one");
            var request = """{"stream_name":"M","config":{"name":"myephemeral","ack_policy":"explicit","filter_subject":"M.a","inactive_threshold":3600000000000,"num_replicas":3}}""";
            var made = await StreamCluster.PlaceAsync(client, "CONSUMER.CREATE.M.myephemeral.M.a", request);
            (made.GetProperty("name").GetString(), made.GetProperty("config").GetProperty("name").GetString()).ShouldBe(("myephemeral", "myephemeral"));
            away = await cluster.LeaderOfAsync("M");
            (await NextAsync(client)).Sequence().ShouldBe(1);
            await Wait.Until(
                "its server leads the consumer as well",
                async () =>
                {
                    if (cluster.HostOf(away, "M")!.Consumers.Find("myephemeral"u8)!.Leads) return true;
                    await StreamCluster.AskAsync(client, "CONSUMER.LEADER.STEPDOWN.M.myephemeral", $$$"""{"placement":{"preferred":"n{{{away + 1}}}"}}""");
                    return false;
                },
                timeout: TimeSpan.FromSeconds(30));
        }
        await cluster.StopAsync(away);
        await using var other = await cluster.ConnectAsync((away + 1) % 3);
        var information = await StreamCluster.AskAsync(other, "STREAM.INFO.M");
        (information.GetProperty("cluster").TryGetProperty("leader", out _), information.GetProperty("state").GetProperty("messages").GetInt32()).ShouldBe((true, 1001));
        (await NextAsync(other)).Sequence().ShouldBe(2);
        await cluster.StartAsync(away);
        await cluster.WaitForEqualAsync("M", 1001);
        (await StreamCluster.AskAsync(other, "STREAM.INFO.M")).GetProperty("cluster").GetProperty("leader").GetString().ShouldNotBeNullOrEmpty();

        static async Task<TestMessage> NextAsync(TestClient client)
        {
            await StreamCluster.HearOfAsync(client, "M", "myephemeral");
            return await client.RequestAsync("$JS.API.CONSUMER.MSG.NEXT.M.myephemeral", """{"batch":1,"expires":20000000000}""", timeout: TimeSpan.FromSeconds(20));
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterParallelStreamCreation")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterParallelStreamCreationDupeRaftGroups")]
    public async Task WhatManyMakeAtOnceIsMadeOnce()
    {
        await using var cluster = await StreamCluster.StartAsync();
        var clients = await Task.WhenAll(Enumerable.Range(0, 30).Select(number => cluster.ConnectAsync(number % 3)));
        var answers = await Task.WhenAll(clients.Select(client => StreamCluster.AskAsync(client, "STREAM.CREATE.S", """{"name":"S","subjects":["S.*.*"],"num_replicas":3,"storage":"file"}""")));
        answers.Select(ErrorOf).ShouldAllBe(error => error == 0);
        foreach (var client in clients) await client.DisposeAsync();
        var leader = await cluster.LeaderOfAsync("S");
        var away = (leader + 1) % 3;
        await cluster.StopAsync(away);
        await using var publisher = await cluster.ConnectAsync(leader);
        for (var i = 0; i < 100; i++) await StreamCluster.PublishAsync(publisher, "S.foo.bar", new string('Z', 128));
        cluster.HostOf(leader, "S")!.RequestCheckpoint();
        await Wait.Until("its log begins later", () => cluster.HostOf(leader, "S")!.Group!.Core.SnapshotIndex > 0);
        await cluster.StartAsync(away);
        await cluster.WaitForEqualAsync("S", 100);
        var state = cluster.HostOf(away, "S")!.State;
        (state.Messages, state.FirstSequence, state.LastSequence).ShouldBe((100UL, 1UL, 100UL));
        cluster.Running.SelectMany(server => server.JetStream!.Groups.Keys).Distinct().Count().ShouldBe(2, "the meta group and the stream's");
        cluster.Servers[away]!.JetStream!.Groups.Count.ShouldBe(2);
    }

    /// <summary>Who led before is not among those that may be chosen.</summary>
    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamUpdateCombinedScaleDownWithSubjectsChange")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamUpdateCombinedScaleDownWithSourcesRemoved")]
    public async Task WhoIsLeftAloneDoesWhatTheStreamIsNow()
    {
        await using var cluster = await StreamCluster.StartAsync();
        var meta = Array.FindIndex(cluster.Servers, server => server!.JetStreamService!.Meta!.IsLeading);
        var leader = (meta + 1) % 3;
        await using var client = await cluster.ConnectAsync(meta);
        await StreamCluster.CreateAsync(client, "S", 3, ",\"sources\":[{\"name\":\"ORIGIN\"}]");
        await StreamCluster.PublishAsync(client, "S.a", "x");
        await LeadAsync(cluster, "S", leader);
        (await StreamCluster.AskAsync(client, "STREAM.INFO.S")).GetProperty("sources").GetArrayLength().ShouldBe(1);
        await cluster.StopAsync(leader);
        await MakeAsync(client, "STREAM.UPDATE.S", """{"name":"S","subjects":["S.>","b"],"storage":"file","num_replicas":1}""");
        await Wait.Until("one server has it", () => Enumerable.Range(0, 3).Count(server => cluster.HostOf(server, "S") is not null) == 1, timeout: TimeSpan.FromSeconds(30));
        (await StreamCluster.PublishAsync(client, "b", "y")).ShouldBe(2UL);
        (await StreamCluster.AskAsync(client, "STREAM.INFO.S")).TryGetProperty("sources", out _).ShouldBeFalse();
    }

    private static async Task MakeAsync(TestClient client, string operation, string request)
    {
        var answer = await StreamCluster.PlaceAsync(client, operation, request);
        ErrorOf(answer).ShouldBe(0, $"{operation}: {answer}");
    }

    private static async Task PublishTwiceAsync(TestClient client, int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            var headers = TestHeaders.Of(("Nats-Msg-Id", $"ID:{i}"));
            await client.PublishAsync("IDS.a", "OK", headers: headers);
            JsonDocument.Parse((await client.RequestAsync("IDS.a", "OK", headers)).Payload).RootElement.GetProperty("duplicate").GetBoolean().ShouldBeTrue();
        }
    }

    /// <summary>Reads the key until told otherwise: it is never what it was before.</summary>
    private static async Task<int> ReadAsync(TestClient client, Func<bool> isOver)
    {
        var reads = 0;
        for (; !isOver(); reads++)
        {
            var answer = await client.RequestAsync("$JS.API.DIRECT.GET.KV.KV.foo");
            if (!answer.IsNoResponders) answer.Text.ShouldBe("baz");
        }
        return reads;
    }

    private static Func<bool> Times(int count) => () => count-- == 0;

    private static Task LeadAsync(StreamCluster cluster, string stream, int server) => Wait.Until(
        $"n{server + 1} leads {stream}",
        async () =>
        {
            if (cluster.HostOf(server, stream) is { Leads: true }) return true;
            await using var client = await cluster.ConnectAsync(server);
            await StreamCluster.AskAsync(client, $"STREAM.LEADER.STEPDOWN.{stream}", $$$"""{"placement":{"preferred":"n{{{server + 1}}}"}}""");
            return false;
        },
        timeout: TimeSpan.FromSeconds(40));
}
