using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Servers of a cluster end in order and come back, one or all.</summary>
public sealed class ClusterRestartTests
{
    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterDeleteMsgAndRestart")]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterPurgeReplayAfterRestart")]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterConsumerDeliverNewMaxRedeliveriesAndServerRestart")]
    public async Task WhatWasDeletedPurgedAndGivenUpStaysSo()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using (var client = await cluster.ConnectAsync())
        {
            foreach (var (stream, replicas) in new[] { ("D", 2), ("P", 3), ("N", 3) }) await StreamCluster.CreateAsync(client, stream, replicas);
            for (var i = 1; i <= 10; i++) await StreamCluster.PublishAsync(client, "D.a", "x");
            (await StreamCluster.AskAsync(client, "STREAM.MSG.DELETE.D", """{"seq":1}""")).GetProperty("success").GetBoolean().ShouldBeTrue();
            for (var i = 1; i <= 10; i++) await StreamCluster.PublishAsync(client, "P.a", "x");
            (await StreamCluster.AskAsync(client, "STREAM.PURGE.P")).GetProperty("purged").GetInt32().ShouldBe(10);
            for (var i = 1; i <= 10; i++) await StreamCluster.PublishAsync(client, "P.a", "x");
            var reader = await client.SubscribeAsync("to.N");
            await StreamCluster.AskAsync(client, "CONSUMER.DURABLE.CREATE.N.dur", """{"stream_name":"N","config":{"durable_name":"dur","ack_policy":"explicit","deliver_subject":"to.N","deliver_policy":"new","max_deliver":3,"ack_wait":250000000,"filter_subject":"N.bar"}}""");
            await StreamCluster.PublishAsync(client, "N.bar", "x");
            await Wait.Until("it has come three times, and is given up", async () => reader.Count == 3 && (await FigureAsync(client, "num_ack_pending")) == 0, () => $"{reader.Count}", TimeSpan.FromSeconds(30));
        }
        await RestartAllAsync(cluster);
        await using var again = await cluster.ConnectAsync();
        var readerAgain = await again.SubscribeAsync("to.N");
        (await MessagesAsync(again, "D")).ShouldBe(9);
        (await MessagesAsync(again, "P")).ShouldBe(10);
        await StreamCluster.PublishAsync(again, "N.bar", "the next one");
        (await readerAgain.NextAsync(TimeSpan.FromSeconds(30))).Text.ShouldBe("the next one");

        static async Task<int> FigureAsync(TestClient client, string name) => (await StreamCluster.AskAsync(client, "CONSUMER.INFO.N.dur")).GetProperty(name).GetInt32();
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterPubAckSequenceDupe")]
    public async Task DuplicatesAreKnownAfterRestarts()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using (var client = await cluster.ConnectAsync()) await StreamCluster.CreateAsync(client, "S", 3, ""","duplicate_window":60000000000""");
        for (var i = 1; i < 10; i++)
        {
            if (i % 3 == 0) await RestartAllAsync(cluster);
            await using var first = await cluster.ConnectAsync(i % 3);
            await using var second = await cluster.ConnectAsync((i + 1) % 3);
            (await PublishAsync(first, i)).ShouldBe(((ulong)i, false));
            (await PublishAsync(second, i)).ShouldBe(((ulong)i, true));
        }

        static async Task<(ulong Sequence, bool IsDuplicate)> PublishAsync(TestClient client, int id)
        {
            var answer = default(TestMessage);
            await Wait.Until("an acknowledgement", async () => !(answer = await client.RequestAsync($"S.{id}", "...", TestHeaders.Of(("Nats-Msg-Id", $"{id}")))).IsNoResponders, timeout: TimeSpan.FromSeconds(30));
            var acknowledgement = System.Text.Json.JsonDocument.Parse(answer!.Payload).RootElement;
            return (acknowledgement.GetProperty("seq").GetUInt64(), acknowledgement.TryGetProperty("duplicate", out var duplicate) && duplicate.GetBoolean());
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterMetaSnapshotsAndCatchup")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterScaleDownDuringServerOffline")]
    public async Task WhoWasAwayLearnsWhatWasMadeChangedAndDeleted()
    {
        string[] names = ["T1", "T2", "T3", "T4"];
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 3);
        for (var i = 0; i < 100; i++) await StreamCluster.PublishAsync(client, "S.a", "hello");
        await cluster.StopAsync(2);
        foreach (var name in names) await StreamCluster.CreateAsync(client, name, 2);
        (await StreamCluster.AskAsync(client, "STREAM.UPDATE.S", """{"name":"S","subjects":["S.>"],"storage":"file","num_replicas":1}""")).TryGetProperty("error", out _).ShouldBeFalse();
        await cluster.StartAsync(2);
        // Whoever comes back when the others have left the group already waits a minute to hear from it.
        await Wait.Until("it holds no replica of what shrank", () => cluster.HostOf(2, "S") is null && cluster.Servers[2]!.JetStream is not null, timeout: TimeSpan.FromSeconds(90));
        (await MessagesAsync(client, "S")).ShouldBe(100);
        await cluster.StopAsync(2);
        foreach (var name in names) await StreamCluster.AskAsync(client, $"STREAM.DELETE.{name}");
        await cluster.StartAsync(2);
        await using var there = await cluster.ConnectAsync(2);
        await Wait.Until("all say that they are gone", async () => (await StreamCluster.AskAsync(there, "STREAM.NAMES")).GetProperty("total").GetInt32() == 1, timeout: TimeSpan.FromSeconds(30));
        (await MessagesAsync(there, "S")).ShouldBe(100);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamSynchedTimeStamps")]
    public async Task AMessageIsAsOldOnEveryServer()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        var made = await StreamCluster.AskAsync(client, "STREAM.CREATE.S", """{"name":"S","subjects":["S.>"],"storage":"memory","num_replicas":3}""");
        made.TryGetProperty("error", out _).ShouldBeFalse(made.ToString());
        await StreamCluster.PublishAsync(client, "S.a", "x");
        await cluster.WaitForEqualAsync("S", 1);
        var before = await TimeAsync(client);
        var leader = Enumerable.Range(0, 3).Single(server => cluster.HostOf(server, "S")!.Leads);
        await cluster.StopAsync(leader);
        await using var other = await cluster.ConnectAsync((leader + 1) % 3);
        (await TimeAsync(other)).ShouldBe(before);

        static async Task<string?> TimeAsync(TestClient client) => (await StreamCluster.AskAsync(client, "STREAM.MSG.GET.S", """{"seq":1}""")).GetProperty("message").GetProperty("time").GetString();
    }

    private static async Task RestartAllAsync(StreamCluster cluster)
    {
        for (var server = 0; server < 3; server++) await cluster.StopAsync(server);
        for (var server = 0; server < 3; server++) await cluster.StartAsync(server);
        await cluster.WaitForMetaLeaderAsync();
    }

    private static async Task<int> MessagesAsync(TestClient client, string stream) =>
        (await StreamCluster.AskAsync(client, $"STREAM.INFO.{stream}")).GetProperty("state").GetProperty("messages").GetInt32();
}
