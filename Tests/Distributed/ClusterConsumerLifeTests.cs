using System.Diagnostics;
using System.Text;
using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Consumers of a cluster while their streams, leaders and readers change.</summary>
public sealed class ClusterConsumerLifeTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterInterestStreamConsumer")]
    public async Task WhatAllHaveAcknowledgedInAnyOrderIsGone()
    {
        const int Consumers = 5, Messages = 10;
        await CreateAsync(3, ",\"retention\":\"interest\"");
        for (var i = 0; i < Consumers; i++) await MakeAsync($"d{i}");
        await PublishAsync(Messages);
        var all = new List<TestMessage>();
        for (var i = 0; i < Consumers; i++) all.AddRange(await cluster.FetchAsync(_name, $"d{i}", Messages));
        all.Count.ShouldBe(Consumers * Messages);
        var order = all.ToArray();
        new Random(6).Shuffle(order);
        foreach (var message in order) await cluster.AcknowledgeAsync(message);
        await cluster.WaitForMessagesAsync(_name, 0);
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterInterestPolicyStreamForConsumersToMatchRFactor")]
    public async Task WhereInterestCountsAConsumerHasAsManyReplicasAsItsStream()
    {
        await CreateAsync(3, ",\"retention\":\"interest\"");
        await cluster.RefusedAsync(10134, $"CONSUMER.DURABLE.CREATE.{_name}.XX", Consumer("XX", "\"num_replicas\":1"));
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterWorkQueueConsumerReplicatedAfterScaleUp")]
    public async Task TheConsumerOfAWorkQueueGrowsWithIt()
    {
        await CreateAsync(1, ",\"retention\":\"workqueue\"");
        await cluster.Client.SubscribeAsync($"to.{_name}");
        var made = await cluster.DoAsync($"CONSUMER.CREATE.{_name}", $$"""{"stream_name":"{{_name}}","config":{"ack_policy":"explicit","deliver_subject":"to.{{_name}}"} }""");
        var name = made.GetProperty("name").GetString()!;
        await UpdateAsync(3, ",\"retention\":\"workqueue\"");
        await Wait.Until(
            "its members are three, and one of them leads",
            () => Enumerable.Range(0, 3).Select(server => Find(server, name)).ToList() is var members && members.All(member => member?.Group is not null) && members.Count(member => member!.Leads) == 1,
            timeout: TimeSpan.FromSeconds(40));
        var information = await cluster.DoAsync($"CONSUMER.INFO.{_name}.{name}");
        information.GetProperty("config").GetProperty("num_replicas").GetInt32().ShouldBeOneOf(0, 3);
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterOrphanConsumerSubjects")]
    public async Task AConsumerOfASubjectItsStreamNoLongerHasStaysWhereItsStreamIs()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", $$"""{"name":"{{_name}}","subjects":["{{_name}}.foo.>","{{_name}}.bar.>"],"num_replicas":3}""");
        await MakeAsync("consumer_foo", $"\"filter_subject\":\"{_name}.foo.something\"");
        foreach (var replicas in new[] { 3, 1, 3 })
        {
            await cluster.DoAsync($"STREAM.UPDATE.{_name}", $$"""{"name":"{{_name}}","subjects":["{{_name}}.bar.>"],"num_replicas":{{replicas}}}""");
            await cluster.Servers.WaitForHoldersAsync(_name, replicas, 0);
        }
        JsonElement told = default;
        await Wait.Until(
            "it has a leader and two others",
            async () => (told = (await cluster.DoAsync($"CONSUMER.INFO.{_name}.consumer_foo")).GetProperty("cluster")).TryGetProperty("leader", out _) && told.TryGetProperty("replicas", out var others) && others.GetArrayLength() == 2,
            () => told.ToString());
    }

    /// <summary>Who led it first must not remove it by what it saw.</summary>
    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterDurableConsumerInactiveThresholdLeaderSwitch")]
    public async Task WhatIsUsedStaysThoughAnotherLedItBefore()
    {
        var threshold = TimeSpan.FromSeconds(2);
        await CreateAsync(3);
        await PublishAsync(1);
        await MakeAsync("dlc", $"\"inactive_threshold\":{threshold.Ticks * 100}");
        var since = Stopwatch.StartNew();
        await cluster.DoAsync($"CONSUMER.LEADER.STEPDOWN.{_name}.dlc");
        await cluster.AcknowledgeAsync((await cluster.FetchAsync(_name, "dlc", 1)).Single());
        while (since.Elapsed < 1.5 * threshold)
        {
            await cluster.Client.RequestAsync($"$JS.API.CONSUMER.MSG.NEXT.{_name}.dlc", """{"batch":1,"no_wait":true}""");
            ErrorOf(await StreamCluster.AskAsync(cluster.Client, $"CONSUMER.INFO.{_name}.dlc")).ShouldBe(0, $"after {since.Elapsed}");
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterAckFloorBetweenLeaderAndFollowers")]
    public async Task AllReplicasKnowHowFarItIsAcknowledged()
    {
        const int Rounds = 5, Messages = 50;
        var random = new Random(6);
        await CreateAsync(3, ",\"retention\":\"interest\"");
        await MakeAsync("consumer");
        for (var round = 1; round <= Rounds; round++)
        {
            await PublishAsync(Messages);
            var messages = (await cluster.FetchAsync(_name, "consumer", Messages)).ToArray();
            messages.Length.ShouldBe(Messages);
            random.Shuffle(messages);
            foreach (var message in messages) await cluster.AcknowledgeAsync(message);
            var expected = (0, (ulong)(round * Messages), (ulong)(round * Messages));
            await Wait.Until(
                $"all know that {round * Messages} are acknowledged",
                () => States().All(state => state == expected),
                () => string.Join("; ", States()));
        }

        (int, ulong, ulong)[] States() =>
            [.. Enumerable.Range(0, 3).Select(server => Find(server, "consumer")!.Replica).Select(replica => (replica.AckPending, replica.AckFloor.Consumer, replica.AckFloor.Stream))];
    }

    [Theory]
    [InlineData("limits", true)]
    [InlineData("limits", false)]
    [InlineData("interest", true)]
    [InlineData("interest", false)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterInterestPolicyEphemeral")]
    public async Task WhoIsListenedToStaysAndGoesWithTheListener(string retention, bool isDurable)
    {
        var threshold = TimeSpan.FromMilliseconds(400);
        await CreateAsync(3, $",\"retention\":\"{retention}\"");
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        var name = isDurable ? "\"durable_name\":\"c\"," : "";
        await cluster.DoAsync($"CONSUMER.CREATE.{_name}.c", $$"""{"stream_name":"{{_name}}","config":{"name":"c",{{name}}"ack_policy":"explicit","deliver_subject":"to.{{_name}}","inactive_threshold":{{threshold.Ticks * 100}}} }""");
        var since = Stopwatch.StartNew();
        var sent = 0;
        for (; since.Elapsed < 2 * threshold; sent++)
        {
            await PublishAsync(1);
            await cluster.AcknowledgeAsync(await reader.NextAsync());
        }
        (await cluster.DoAsync($"CONSUMER.INFO.{_name}.c")).GetProperty("delivered").GetProperty("stream_seq").GetInt32().ShouldBe(sent);
        await reader.UnsubscribeAsync();
        await Wait.Until("it is removed", async () => ErrorOf(await StreamCluster.AskAsync(cluster.Client, $"CONSUMER.INFO.{_name}.c")) == 10014);
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterPullConsumerAcksExtendInactivityThreshold")]
    public async Task WhatIsSaidOfMessagesIsUse()
    {
        var threshold = TimeSpan.FromSeconds(1.2);
        await CreateAsync(3);
        await PublishAsync(10);
        await MakeAsync("d", $"\"ack_wait\":{threshold.Ticks * 100},\"inactive_threshold\":{threshold.Ticks * 100}");
        var messages = await cluster.FetchAsync(_name, "d", 5);
        var since = Stopwatch.StartNew();
        var steps = new Queue<string>(["+ACK", "-NAK", "+TERM", "+WPI"]);
        await Wait.Until(
            "all is said, a third of the threshold apart",
            async () =>
            {
                if (since.Elapsed < (5 - steps.Count) * threshold / 3) return false;
                await cluster.Client.RequestAsync(messages[steps.Count].Reply!, steps.Dequeue());
                return steps.Count == 0;
            });
        since.Elapsed.ShouldBeGreaterThan(threshold);
        ErrorOf(await StreamCluster.AskAsync(cluster.Client, $"CONSUMER.INFO.{_name}.d")).ShouldBe(0);
        await Wait.Until("it is removed", async () => ErrorOf(await StreamCluster.AskAsync(cluster.Client, $"CONSUMER.INFO.{_name}.d")) == 10014);
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConsumerAssignmentSameIdentity")]
    public async Task AChangedConsumerIsTheSameAndOneMadeAnewIsNot()
    {
        await CreateAsync(3);
        await MakeAsync("C", "\"num_replicas\":1");
        var first = Identity();
        await MakeAsync("C", "\"num_replicas\":1,\"inactive_threshold\":3600000000000");
        Identity().ShouldBe(first);
        await cluster.DoAsync($"CONSUMER.DELETE.{_name}.C");
        await MakeAsync("C", "\"num_replicas\":1");
        Identity().ShouldNotBe(first);

        (string Created, string Group) Identity()
        {
            var leader = cluster.Servers.Running.Single(server => server.JetStreamService!.Meta!.IsLeading).JetStreamService!.Meta!;
            var assignment = leader.Assignments.Find("$G", _name)!.Consumers["C"].Assignment;
            return ($"{assignment.Created}", assignment.Group.Name);
        }
    }

    private Server.JetStream.Runtime.Consumers.ConsumerHost? Find(int server, string consumer) => cluster.Servers.HostOf(server, _name)?.Consumers.Find(Encoding.UTF8.GetBytes(consumer));

    private Task<JsonElement> CreateAsync(int replicas, string more = "") => cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(replicas, more));

    private Task<JsonElement> UpdateAsync(int replicas, string more = "") => cluster.DoAsync($"STREAM.UPDATE.{_name}", Stream(replicas, more));

    private string Stream(int replicas, string more) => $$"""{"name":"{{_name}}","subjects":["{{_name}}.>"],"num_replicas":{{replicas}}{{more}}}""";

    private Task<JsonElement> MakeAsync(string consumer, string fields = "") => cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.{consumer}", Consumer(consumer, fields));

    private string Consumer(string consumer, string fields) => $$"""{"stream_name":"{{_name}}","config":{"durable_name":"{{consumer}}","ack_policy":"explicit"{{(fields.Length == 0 ? "" : "," + fields)}}} }""";

    private async Task PublishAsync(int count)
    {
        for (var i = 0; i < count; i++) ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(0);
    }
}
