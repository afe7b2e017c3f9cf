using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Leaders of streams and consumers that make way, and what every server tells of them.</summary>
public sealed class ClusterLeadTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Theory]
    [InlineData("STREAM.INFO", "STREAM.LEADER.STEPDOWN", "")]
    [InlineData("CONSUMER.INFO", "CONSUMER.LEADER.STEPDOWN", ".cat")]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamLeaderStepDown")]
    public async Task ALeaderMakesWayForOneOfTheOthers(string asked, string said, string of)
    {
        await CreateAsync();
        for (var i = 0; i < 10; i++) ErrorOf(await cluster.PublishAsync(_name)).ShouldBe(0);
        await MakeAsync("cat", "\"ack_policy\":\"explicit\"");
        var before = (await cluster.DoAsync($"{asked}.{_name}{of}")).GetProperty("cluster").GetProperty("leader").GetString();
        (await cluster.DoAsync($"{said}.{_name}{of}")).GetProperty("success").GetBoolean().ShouldBeTrue();
        var seen = "";
        await Wait.Until(
            "another leads, and both others follow",
            async () =>
            {
                var group = (await cluster.DoAsync($"{asked}.{_name}{of}")).GetProperty("cluster");
                seen = group.ToString();
                return group.TryGetProperty("leader", out var leader) && leader.GetString() != before
                    && group.GetProperty("replicas").EnumerateArray().Count(replica => replica.GetProperty("current").GetBoolean()) == 2;
            },
            () => seen,
            TimeSpan.FromSeconds(20));
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterJszRaftLeaderReporting")]
    public async Task EachServerCountsWhatItLeads()
    {
        var before = cluster.Servers.Running.ToDictionary(server => server.Name, Led);
        await CreateAsync();
        await MakeAsync("DURABLE", "\"num_replicas\":3");
        await Wait.Until(
            "one leads the stream, one the consumer",
            () => cluster.Servers.Running.Sum(server => Led(server).Streams - before[server.Name].Streams) == 1
                && cluster.Servers.Running.Sum(server => Led(server).Consumers - before[server.Name].Consumers) == 1,
            () => string.Join("; ", cluster.Servers.Running.Select(server => $"{server.Name}: {before[server.Name]}, then {Led(server)}")));
        var leader = (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("cluster").GetProperty("leader").GetString();
        (Led(cluster.Servers.Running.Single(server => server.Name == leader)).Streams - before[leader!].Streams).ShouldBe(1);

        static (int Streams, int Consumers) Led(NatsAspire.Server.Hosting.NatsServer server)
        {
            var page = server.Jsz(new JszOptions { Raft = true });
            return (page.StreamsLed, page.ConsumersLed);
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterConsumerAckSyncReporting")]
    public async Task EveryServerTellsUpToWhereEverythingIsAcknowledged()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", $$"""{"name":"{{_name}}","subjects":["{{_name}}"],"num_replicas":3,"retention":"workqueue"}""");
        await MakeAsync("mc", "\"ack_policy\":\"explicit\",\"ack_wait\":250000000");
        for (var i = 0; i < 10; i++) ErrorOf(await cluster.PublishAsync(_name)).ShouldBe(0);
        (await cluster.FetchAsync(_name, "mc", 10)).Count.ShouldBe(10);
        // All of them a second time: the consumer's sequences are 11 to 20. They do not come again before all is acknowledged.
        var again = await cluster.FetchAsync(_name, "mc", 10);
        again.Count.ShouldBe(10);
        var ordered = again.OrderBy(message => SequenceOf(message)).ToList();
        foreach (var message in ordered.Where(message => SequenceOf(message) is not (7 or 10)).Reverse()) await cluster.AcknowledgeAsync(message);
        await FloorAsync(6, 6);
        await cluster.AcknowledgeAsync(ordered[6]);
        await FloorAsync(9, 9);
        await cluster.AcknowledgeAsync(ordered[9]);
        await FloorAsync(20, 10);

        // $JS.ACK.stream.consumer.deliveries.stream sequence.consumer sequence.time.pending
        static int SequenceOf(TestMessage message) => int.Parse(message.Reply!.Split('.')[^4], System.Globalization.CultureInfo.InvariantCulture);

        Task FloorAsync(ulong consumer, ulong stream) => ToldAsync($"all up to {consumer} and {stream} is acknowledged", told => told.AckFloor.Consumer == consumer && told.AckFloor.Stream == stream);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterScaleConsumer")]
    public async Task AConsumerIsWhereItWasWhateverItsReplicas()
    {
        await CreateAsync();
        await MakeAsync("DUR", "\"ack_policy\":\"explicit\"");
        for (var i = 0; i < 20; i++) ErrorOf(await cluster.PublishAsync(_name)).ShouldBe(0);
        var next = 1;
        foreach (var replicas in new[] { 1, 3, 1, 0 })
        {
            await MakeAsync("DUR", $"\"ack_policy\":\"explicit\",\"num_replicas\":{replicas}");
            var seen = "";
            await Wait.Until(
                $"it has {replicas} replicas",
                async () =>
                {
                    var information = await StreamCluster.AskAsync(cluster.Client, $"CONSUMER.INFO.{_name}.DUR");
                    seen = information.ToString();
                    if (!information.TryGetProperty("cluster", out var group) || !group.TryGetProperty("leader", out _)) return false;
                    var others = group.TryGetProperty("replicas", out var listed) ? listed.EnumerateArray().ToList() : [];
                    return others.Count == (replicas == 0 ? 3 : replicas) - 1 && others.All(other => other.GetProperty("current").GetBoolean());
                },
                () => seen,
                TimeSpan.FromSeconds(30));
            var message = (await cluster.FetchAsync(_name, "DUR", 1)).ShouldHaveSingleItem();
            await cluster.AcknowledgeAsync(message);
            var now = await cluster.DoAsync($"CONSUMER.INFO.{_name}.DUR");
            foreach (var place in new[] { "delivered", "ack_floor" })
            {
                (now.GetProperty(place).GetProperty("consumer_seq").GetInt32(), now.GetProperty(place).GetProperty("stream_seq").GetInt32()).ShouldBe((next, next), $"{place} with {replicas} replicas");
            }
            next++;
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterPullConsumerLeaderChange")]
    public async Task WhoWaitsIsToldThatAnotherLeadsAndWhoIsDoneIsNot()
    {
        await CreateAsync();
        await MakeAsync("dlc", $"\"ack_policy\":\"explicit\",\"filter_subject\":\"{_name}\"");
        var inbox = await cluster.PullAsync(_name, "dlc", 1, TimeSpan.FromSeconds(20));
        await RecordedAsync(1);
        await DeposeAsync();
        (await inbox.NextAsync()).Headers!.Status.ShouldStartWith("409");
        for (var i = 0; i < 10; i++) ErrorOf(await cluster.PublishAsync(_name)).ShouldBe(0);
        // A request that was served, and one that has expired, are nobody's any more.
        (await cluster.FetchAsync(_name, "dlc", 10)).Count.ShouldBe(10);
        var late = await cluster.PullAsync(_name, "dlc", 10, TimeSpan.FromMilliseconds(250));
        (await late.NextAsync()).Headers!.Status.ShouldStartWith("408");
        await DeposeAsync();
        var mark = await cluster.PullAsync(_name, "dlc", 1, TimeSpan.FromMilliseconds(200));
        (await mark.NextAsync()).Headers!.Status.ShouldStartWith("408");
        (inbox.Count, late.Count).ShouldBe((1, 1));

        Task RecordedAsync(int waiting) => Wait.Until("the request waits", async () => (await cluster.DoAsync($"CONSUMER.INFO.{_name}.dlc")).GetProperty("num_waiting").GetInt32() == waiting);

        async Task DeposeAsync()
        {
            var before = (await cluster.DoAsync($"CONSUMER.INFO.{_name}.dlc")).GetProperty("cluster").GetProperty("leader").GetString();
            await cluster.DoAsync($"CONSUMER.LEADER.STEPDOWN.{_name}.dlc");
            await Wait.Until(
                "another leads",
                async () => (await StreamCluster.AskAsync(cluster.Client, $"CONSUMER.INFO.{_name}.dlc")).TryGetProperty("cluster", out var group) && group.TryGetProperty("leader", out var leader) && leader.GetString() != before,
                timeout: TimeSpan.FromSeconds(20));
        }
    }

    private Task ToldAsync(string what, Func<ConsumerInfo, bool> condition) => Wait.Until(
        what,
        () => cluster.Servers.Running.All(server => Told(server) is { } told && condition(told)),
        () => string.Join("; ", cluster.Servers.Running.Select(server => $"{server.Name}: {Told(server)}")));

    private ConsumerInfo? Told(NatsAspire.Server.Hosting.NatsServer server) => server.Jsz(new JszOptions { Consumer = true, Account = "$G" })
        .AccountDetails!.Single().Streams?.SingleOrDefault(stream => stream.Name == _name)?.Consumers?.SingleOrDefault();

    private Task CreateAsync() => cluster.DoAsync($"STREAM.CREATE.{_name}", $$"""{"name":"{{_name}}","subjects":["{{_name}}"],"num_replicas":3}""");

    private Task MakeAsync(string consumer, string configuration) =>
        cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.{consumer}", $$"""{"stream_name":"{{_name}}","config":{"durable_name":"{{consumer}}",{{configuration}}} }""");
}
