using System.Text;
using System.Text.Json;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>The meta log is cut short by snapshots, and servers that were away learn of what was decided from them.</summary>
public sealed class ClusterMetaSnapshotTests
{
    /// <summary>Those who come back hear of nothing entry by entry.</summary>
    private const string Always = "meta_compact: 1";

    [Theory]
    [InlineData("meta_compact: 5", 5, 7)]
    [InlineData("meta_compact: 10", 10, 12)]
    [InlineData("meta_compact_size: 1", 0, 3)]
    [InlineData("meta_compact_size: 4K", 3, 40)]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterMetaCompactThreshold")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterMetaCompactSizeThreshold")]
    public async Task TheLogGrowsAsLongAsItMay(string limit, int least, int most)
    {
        await using var cluster = await StreamCluster.StartAsync(jetStream: limit);
        await using var client = await cluster.ConnectAsync();
        var core = LeaderOf(cluster);
        var begin = (core.SnapshotIndex, core.AppliedIndex);
        var made = 0;
        for (; core.SnapshotIndex == begin.SnapshotIndex; made++)
        {
            made.ShouldBeLessThanOrEqualTo(most);
            await MakeAsync(client, $"STREAM.CREATE.T{made}", $$"""{"name":"T{{made}}","storage":"memory"}""");
        }
        var length = made + (int)(begin.AppliedIndex - begin.SnapshotIndex);
        length.ShouldBeGreaterThanOrEqualTo(least);
        ((int)(core.AppliedIndex - core.SnapshotIndex)).ShouldBeLessThan(length);
    }

    [Theory]
    [InlineData("")]
    [InlineData(Always)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterDeleteConsumerWhileServerDown")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterMetaSnapshotRecoveryRecreateStream")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterLostConsumers")]
    public async Task WhoWasAwayHasWhatThereIsNowAndNothingElse(string limit)
    {
        await using var cluster = await StreamCluster.StartAsync(jetStream: limit);
        await using var client = await cluster.ConnectAsync(MetaLeaderOf(cluster));
        foreach (var stream in new[] { "T", "W" }) await StreamCluster.CreateAsync(client, stream, 3);
        await MakeAsync(client, "CONSUMER.DURABLE.CREATE.W.DC", """{"stream_name":"W","config":{"durable_name":"DC","ack_policy":"explicit","num_replicas":3}}""");
        for (var i = 0; i < 100; i++) await StreamCluster.PublishAsync(client, "T.a", "before");
        await cluster.WaitForEqualAsync("T", 100);
        var away = (MetaLeaderOf(cluster) + 1) % 3;
        await Wait.Until("it has the consumer", () => Has(cluster, away, "DC"));
        await cluster.StopAsync(away);
        // Who is deleted without a leader has nobody to answer.
        await cluster.LeaderOfAsync("T");
        await Wait.Until("somebody leads the consumer", () => Enumerable.Range(0, 3).Any(server => cluster.HostOf(server, "W")?.Consumers.Find("DC"u8)?.Leads == true), timeout: TimeSpan.FromSeconds(40));
        (await StreamCluster.AskAsync(client, "STREAM.DELETE.T")).GetProperty("success").GetBoolean().ShouldBeTrue();
        await StreamCluster.CreateAsync(client, "T", 3);
        for (var i = 0; i < 5; i++) await StreamCluster.PublishAsync(client, "T.a", "again");
        (await StreamCluster.AskAsync(client, "CONSUMER.DELETE.W.DC")).GetProperty("success").GetBoolean().ShouldBeTrue();
        for (var i = 0; i < 20; i++) await MakeAsync(client, $"CONSUMER.DURABLE.CREATE.W.N{i}", $$"""{"stream_name":"W","config":{"durable_name":"N{{i}}","ack_policy":"explicit","num_replicas":3} }""");
        if (limit.Length > 0) await WaitForSnapshotAsync(cluster);
        await cluster.StartAsync(away);
        await cluster.WaitForEqualAsync("T", 5);
        cluster.HostOf(away, "T")!.State.LastSequence.ShouldBe(5UL);
        await Wait.Until(
            "it knows of the other consumers, and has the old one no more",
            () => ConsumersOf(cluster, away, "W").Count(name => name.StartsWith('N')) == 20 && !ConsumersOf(cluster, away, "W").Contains("DC") && !Has(cluster, away, "DC"),
            () => string.Join(",", ConsumersOf(cluster, away, "W")));
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamRescaleCatchup")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConsumerRescaleCatchup")]
    public async Task WhatShrankAndGrewMeanwhileIsSharedWithWhoWasAway()
    {
        await using var cluster = await StreamCluster.StartAsync(jetStream: Always);
        await using var client = await cluster.ConnectAsync(MetaLeaderOf(cluster));
        foreach (var stream in new[] { "S", "W" }) await StreamCluster.CreateAsync(client, stream, 3);
        await MakeAsync(client, "CONSUMER.DURABLE.CREATE.W.DC", Consumer(3));
        await StreamCluster.PublishAsync(client, "S.a", "one");
        await cluster.WaitForEqualAsync("S", 1);
        var away = (MetaLeaderOf(cluster) + 1) % 3;
        await cluster.StopAsync(away);
        foreach (var replicas in new[] { 1, 3 })
        {
            await MakeAsync(client, "STREAM.UPDATE.S", $$"""{"name":"S","subjects":["S.>"],"storage":"file","num_replicas":{{replicas}}}""");
            await MakeAsync(client, "CONSUMER.DURABLE.CREATE.W.DC", Consumer(replicas));
        }
        await StreamCluster.PublishAsync(client, "S.a", "two");
        await WaitForSnapshotAsync(cluster);
        await cluster.StartAsync(away);
        await cluster.WaitForHoldersAsync("S", 3, 2);
        await Wait.Until(
            "all are of one group of the consumer",
            () => Groups(cluster) is [_, _, _] groups && groups.Distinct().Count() == 1,
            () => string.Join(", ", Groups(cluster)),
            TimeSpan.FromSeconds(60));

        static string[] Groups(StreamCluster cluster) =>
            [.. Enumerable.Range(0, 3).Select(server => cluster.HostOf(server, "W")?.Consumers.Find("DC"u8)?.Group?.Name).OfType<string>()];

        static string Consumer(int replicas) => $$"""{"stream_name":"W","config":{"durable_name":"DC","ack_policy":"explicit","num_replicas":{{replicas}}} }""";
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterMetaSnapshotIdempotentCreatePreservesStream")]
    public async Task WhatIsAskedForAgainWhileItsOnlyServerIsAwayKeepsItsMessages()
    {
        await using var cluster = await StreamCluster.StartAsync(jetStream: Always, each: server => $"server_tags: [ \"s{server}\" ]");
        await using var client = await cluster.ConnectAsync(MetaLeaderOf(cluster));
        var away = (MetaLeaderOf(cluster) + 1) % 3;
        var request = $$"""{"name":"S","subjects":["S"],"storage":"file","num_replicas":1,"placement":{"tags":["s{{away}}"]} }""";
        await MakeAsync(client, "STREAM.CREATE.S", request);
        for (var i = 0; i < 10; i++) await StreamCluster.PublishAsync(client, "S", "x");
        var created = (await StreamCluster.AskAsync(client, "STREAM.INFO.S")).GetProperty("created").GetString();
        await cluster.StopAsync(away);
        var inbox = await client.SubscribeAsync("again");
        await client.PublishAsync("$JS.API.STREAM.CREATE.S", request, inbox.Subject);
        // Something that is certainly decided behind it.
        await MakeAsync(client, "STREAM.CREATE.OTHER", """{"name":"OTHER","num_replicas":1}""");
        await WaitForSnapshotAsync(cluster);
        inbox.Count.ShouldBe(0);
        await cluster.StartAsync(away);
        await cluster.WaitForHoldersAsync("S", 1, 10);
        JsonElement information = default;
        // Until the meta leader hears of its server the stream is offline.
        await Wait.Until("it is told of", async () => ErrorOf(information = await StreamCluster.AskAsync(client, "STREAM.INFO.S")) == 0, () => information.ToString());
        (information.GetProperty("state").GetProperty("messages").GetInt32(), information.GetProperty("created").GetString()).ShouldBe((10, created));
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterLostConsumerAfterInflightConsumerUpdate")]
    public async Task AnUpdateThatIsNotDecidedLosesNoConsumer()
    {
        await using var cluster = await StreamCluster.StartAsync(jetStream: Always);
        var leader = MetaLeaderOf(cluster);
        await using (var client = await cluster.ConnectAsync(leader))
        {
            await StreamCluster.CreateAsync(client, "W", 3);
            await MakeAsync(client, "CONSUMER.DURABLE.CREATE.W.DC", """{"stream_name":"W","config":{"durable_name":"DC"}}""");
            foreach (var other in new[] { (leader + 1) % 3, (leader + 2) % 3 }) await cluster.StopAsync(other);
            var last = LeaderOf(cluster).LastIndex;
            await client.PublishAsync("$JS.API.CONSUMER.DURABLE.CREATE.W.DC", """{"stream_name":"W","config":{"durable_name":"DC","description":"other"}}""", "nobody");
            await Wait.Until("the update is proposed", () => LeaderOf(cluster).LastIndex > last);
        }
        await cluster.StopAsync(leader);
        for (var server = 0; server < 3; server++) await cluster.StartAsync(server);
        await Wait.Until("all know the consumer", () => Enumerable.Range(0, 3).All(server => ConsumersOf(cluster, server, "W").SequenceEqual(["DC"])), timeout: TimeSpan.FromSeconds(60));
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterMetaRecoveryLogic")]
    public async Task WhatWasMadeChangedAndDeletedByTurnsIsAsItWasLast()
    {
        await using var cluster = await StreamCluster.StartAsync();
        string before;
        await using (var client = await cluster.ConnectAsync())
        {
            await MakeAsync(client, "STREAM.CREATE.S", """{"name":"S","subjects":["foo"],"num_replicas":3}""");
            await MakeAsync(client, "STREAM.UPDATE.S", """{"name":"S","subjects":["foo","bar"],"num_replicas":1}""");
            await MakeAsync(client, "STREAM.DELETE.S", "");
            await MakeAsync(client, "STREAM.CREATE.S", """{"name":"S","subjects":["foo"],"num_replicas":3}""");
            await MakeAsync(client, "STREAM.DELETE.S", "");
            await MakeAsync(client, "STREAM.CREATE.S", """{"name":"S","subjects":["baz"],"num_replicas":1}""");
            before = (await StreamCluster.AskAsync(client, "STREAM.INFO.S")).GetProperty("config").ToString();
        }
        for (var server = 0; server < 3; server++) await cluster.StopAsync(server);
        for (var server = 0; server < 3; server++) await cluster.StartAsync(server);
        await cluster.WaitForMetaLeaderAsync();
        await using var again = await cluster.ConnectAsync((MetaLeaderOf(cluster) + 1) % 3);
        (await StreamCluster.AskAsync(again, "STREAM.INFO.S")).GetProperty("config").ToString().ShouldBe(before);
        before.ShouldContain("baz");
    }

    private static async Task MakeAsync(TestClient client, string operation, string request) => ErrorOf(await StreamCluster.PlaceAsync(client, operation, request)).ShouldBe(0, operation);

    private static int MetaLeaderOf(StreamCluster cluster) => Array.FindIndex(cluster.Servers, server => server?.JetStreamService?.Meta?.IsLeading == true);

    private static RaftGroup LeaderOf(StreamCluster cluster) => cluster.Servers[MetaLeaderOf(cluster)]!.JetStreamService!.Meta!.Group.Core;

    private static bool Has(StreamCluster cluster, int server, string consumer) => cluster.HostOf(server, "W")?.Consumers.Find(Encoding.UTF8.GetBytes(consumer)) is not null;

    private static string[] ConsumersOf(StreamCluster cluster, int server, string stream) =>
        [.. (cluster.Servers[server]!.JetStreamService?.Meta?.Assignments.Find("$G", stream)?.Consumers.Keys ?? []).Select(name => name.ToString())];

    /// <summary>Until a snapshot stands for all but an entry of the log.</summary>
    private static Task WaitForSnapshotAsync(StreamCluster cluster) => Wait.Until(
        "a snapshot was taken",
        () => LeaderOf(cluster) is var core && core.SnapshotIndex > 0 && core.AppliedIndex - core.SnapshotIndex <= 1,
        () => $"{LeaderOf(cluster).SnapshotIndex} of {LeaderOf(cluster).AppliedIndex}");
}
