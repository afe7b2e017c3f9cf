using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Requests that come while others wait for a majority of the servers.</summary>
public sealed class ClusterUnderWayTests
{
    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConcurrentStreamUpdate")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConcurrentConsumerCreateWithMaxConsumers")]
    public async Task WhatIsUnderWayCountsForTheNextRequest()
    {
        await using var servers = await StreamCluster.StartAsync();
        var leader = Array.FindIndex(servers.Servers, server => server!.JetStreamService!.Meta!.IsLeading);
        await using var client = await servers.ConnectAsync(leader);
        await StreamCluster.CreateAsync(client, "A", 3);
        await StreamCluster.CreateAsync(client, "B", 3, ",\"max_consumers\":1");
        int[] others = [.. Enumerable.Range(0, 3).Where(server => server != leader)];
        foreach (var other in others) await servers.StopAsync(other);
        // Nobody can agree to these two; those behind them are judged as if they stood.
        await client.PublishAsync("$JS.API.STREAM.UPDATE.A", Stream("true"), "nobody");
        await client.PublishAsync("$JS.API.CONSUMER.DURABLE.CREATE.B.C1", Consumer("C1"), "nobody");
        ErrorOf(await StreamCluster.AskAsync(client, "STREAM.UPDATE.A", Stream("false"))).ShouldBe(10052);
        ErrorOf(await StreamCluster.AskAsync(client, "CONSUMER.DURABLE.CREATE.B.C2", Consumer("C2"))).ShouldBe(10026);
        foreach (var other in others) await servers.StartAsync(other);
        await Wait.Until(
            "the stream is sealed",
            async () => (await StreamCluster.AskAsync(client, "STREAM.INFO.A")).GetProperty("config").GetProperty("sealed").GetBoolean(),
            timeout: TimeSpan.FromSeconds(30));
        await Wait.Until(
            "the first consumer is there",
            async () => (await StreamCluster.AskAsync(client, "CONSUMER.NAMES.B")).GetProperty("consumers").EnumerateArray().Select(name => name.GetString()).SequenceEqual(["C1"]),
            timeout: TimeSpan.FromSeconds(30));
        ErrorOf(await StreamCluster.AskAsync(client, "STREAM.UPDATE.A", Stream("false"))).ShouldBe(10052);
    }

    private static string Stream(string isSealed) => $$"""{"name":"A","subjects":["A.>"],"num_replicas":3,"storage":"file","sealed":{{isSealed}}}""";

    private static string Consumer(string name) => $$"""{"stream_name":"B","config":{"durable_name":"{{name}}","ack_policy":"explicit","num_replicas":1} }""";
}
