using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>What every server of a cluster tells of the streams and consumers that it holds, led by it or not.</summary>
public sealed class ClusterMonitoringTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConsumerInfoForJszForFollowers")]
    public async Task EveryServerTellsOfItsReplicas()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", $$"""{"name":"{{_name}}","subjects":["{{_name}}"],"num_replicas":3}""");
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.worker", $$"""{"stream_name":"{{_name}}","config":{"durable_name":"worker","ack_policy":"explicit"} }""");
        for (var i = 0; i < 5; i++) await cluster.PublishAsync(_name);
        var fetched = await cluster.FetchAsync(_name, "worker", 3);
        await cluster.AcknowledgeAsync(fetched[0]);
        var names = cluster.Servers.Running.Select(server => server.Name).Order(StringComparer.Ordinal).ToList();
        await Wait.Until(
            "every server knows of three deliveries and one acknowledgement",
            () => cluster.Servers.Running.All(server => Told(server) is { Consumers: [{ AckPending: 2, Pending: 2, Delivered: { Consumer: 3, Stream: 3 }, AckFloor: { Consumer: 1, Stream: 1 } }] }),
            () => string.Join("; ", cluster.Servers.Running.Select(server => $"{server.Name}: {Told(server)?.Consumers?.FirstOrDefault()}")));

        foreach (var server in cluster.Servers.Running)
        {
            var told = Told(server)!;
            var leads = told.Cluster!.Leader == server.Name;
            told.Cluster.Replicas.Select(replica => replica.Name).ShouldBe(names.Where(name => name != server.Name));
            (told.Cluster.LeaderSince is not null).ShouldBe(leads);
            told.RaftGroup.ShouldBe(told.Cluster.RaftGroup);
            told.ConsumerRaftGroups.ShouldBe([new JszRaftGroup("worker", told.Consumers![0].Cluster!.RaftGroup!)]);
            (Told(server, new JszOptions { Consumer = true, StreamLeaderOnly = true }) is not null).ShouldBe(leads);
        }
        cluster.Servers.Running.Count(server => Told(server)!.Cluster!.LeaderSince is not null).ShouldBe(1);
    }

    private JszStream? Told(NatsAspire.Server.Hosting.NatsServer server, JszOptions? options = null) =>
        server.Jsz((options ?? new JszOptions { Consumer = true, Raft = true, Config = true }) with { Account = "$G" }).AccountDetails!.Single().Streams?.SingleOrDefault(stream => stream.Name == _name);
}
