using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Simple things that a cluster does as a server alone does them.</summary>
public sealed class ClusterBasicTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterDeleteMsgEOF")]
    public async Task WhatIsNotThereCannotBeDeleted(int replicas)
    {
        await CreateAsync(replicas, "");
        ErrorOf(await cluster.PublishAsync(_name)).ShouldBe(0);
        (await cluster.RefusedAsync(10057, $"STREAM.MSG.DELETE.{_name}", """{"seq":0}""")).ShouldBe("no message found");
        await cluster.DoAsync($"STREAM.MSG.DELETE.{_name}", """{"seq":1}""");
        (await cluster.RefusedAsync(10057, $"STREAM.MSG.DELETE.{_name}", """{"seq":1}""")).ShouldBe("no message found");
        (await cluster.RefusedAsync(10057, $"STREAM.MSG.DELETE.{_name}", """{"seq":2}""")).ShouldBe("stream store EOF");
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterQueueSubConsumer")]
    public async Task AQueueAtAnotherServerIsDeliveredToOnce()
    {
        await CreateAsync(1, "");
        var inbox = $"to.{_name}";
        await MakeAsync("ivan", $"\"deliver_subject\":\"{inbox}\",\"deliver_group\":\"queue\",\"ack_policy\":\"explicit\",\"ack_wait\":300000000");
        var leader = (await cluster.DoAsync($"CONSUMER.INFO.{_name}.ivan")).GetProperty("cluster").GetProperty("leader").GetString();
        await using var other = await cluster.Servers.ConnectAsync(Array.FindIndex(cluster.Servers.Servers, server => server!.Name != leader));
        var queue = await other.SubscribeAsync(inbox, "queue");
        await other.FlushAsync();
        ErrorOf(await cluster.PublishAsync(_name)).ShouldBe(0);
        await other.PublishAsync((await queue.NextAsync()).Reply!);
        // Acknowledged: behind the next one nothing of the first comes.
        await Wait.Until("it is acknowledged", async () => (await cluster.DoAsync($"CONSUMER.INFO.{_name}.ivan")).GetProperty("ack_floor").GetProperty("stream_seq").GetInt32() == 1);
        queue.Count.ShouldBe(1);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterMirrorAndSourceWorkQueues")]
    public async Task AWorkQueueIsTakenByItsCopies()
    {
        await CreateAsync(2, ",\"retention\":\"workqueue\"");
        var (mirror, sourcing) = await CopyAsync();
        ErrorOf(await cluster.PublishAsync(_name)).ShouldBe(0);
        await cluster.WaitForMessagesAsync(mirror, 1);
        await cluster.WaitForMessagesAsync(sourcing, 1);
        await cluster.WaitForMessagesAsync(_name, 0);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterMirrorAndSourceInterestPolicyStream")]
    public async Task CopiesAreInterestLikeAnyOther()
    {
        await CreateAsync(3, ",\"retention\":\"interest\"");
        var (mirror, sourcing) = await CopyAsync();
        ErrorOf(await cluster.PublishAsync(_name)).ShouldBe(0);
        await cluster.WaitForMessagesAsync(mirror, 1);
        await cluster.WaitForMessagesAsync(sourcing, 1);
        await cluster.WaitForMessagesAsync(_name, 0);
        await MakeAsync("also", "\"ack_policy\":\"explicit\"");
        await KnownAsync(3);
        ErrorOf(await cluster.PublishAsync(_name)).ShouldBe(0);
        await cluster.WaitForMessagesAsync(mirror, 2);
        await cluster.WaitForMessagesAsync(sourcing, 2);
        await cluster.WaitForMessagesAsync(_name, 1);
    }

    [Theory]
    [InlineData(1, "file")]
    [InlineData(3, "memory")]
    [InlineData(3, "file")]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterScheduledIntervalMessage")]
    public async Task WhatComesEverySoOftenEndsWithItsSchedule(int replicas, string storage)
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}", $$"""{"name":"{{_name}}","subjects":["{{_name}}.*"],"storage":"{{storage}}","num_replicas":{{replicas}},"allow_msg_schedules":true}""");
        ErrorOf(await cluster.PublishAsync($"{_name}.schedule", ("Nats-Schedule", "@every 1s"), ("Nats-Schedule-Target", $"{_name}.publish"))).ShouldBe(0);
        await PublishedAsync(2);
        await cluster.DoAsync($"STREAM.PURGE.{_name}", $$"""{"filter":"{{_name}}.schedule"}""");
        var ended = await CountAsync("publish");
        // Behind another schedule, two turns later, nothing of the first has followed but what was under way.
        var late = TimeProvider.System.GetUtcNow().AddSeconds(2.5).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture);
        ErrorOf(await cluster.PublishAsync($"{_name}.later", ("Nats-Schedule", $"@at {late}"), ("Nats-Schedule-Target", $"{_name}.mark"))).ShouldBe(0);
        await Wait.Until("the other has come", async () => await CountAsync("mark") == 1, timeout: TimeSpan.FromSeconds(15));
        (await CountAsync("publish")).ShouldBeLessThanOrEqualTo(ended + 1);

        Task PublishedAsync(int count) => Wait.Until($"{count} have come", async () => await CountAsync("publish") >= count, timeout: TimeSpan.FromSeconds(15));

        async Task<int> CountAsync(string subject) =>
            (await cluster.DoAsync($"STREAM.INFO.{_name}", $$"""{"subjects_filter":"{{_name}}.{{subject}}"}""")).GetProperty("state").TryGetProperty("subjects", out var subjects)
                && subjects.TryGetProperty($"{_name}.{subject}", out var count) ? count.GetInt32() : 0;
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterMirrorOrSourceNotActiveReporting")]
    public async Task AMirrorThatHasHeardNothingYetSaysSo()
    {
        await CreateAsync(3, "");
        var made = await cluster.DoAsync($"STREAM.CREATE.{_name}M", $$"""{"name":"{{_name}}M","mirror":{"name":"{{_name}}"} }""");
        made.GetProperty("mirror").GetProperty("active").GetInt64().ShouldBeInRange(-1, 10_000_000_000);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterConsumerUpgrade")]
    public async Task APushedConsumerIsMadeAgainAsItIs()
    {
        await CreateAsync(1, "");
        ErrorOf(await cluster.PublishAsync(_name)).ShouldBe(0);
        for (var i = 0; i < 2; i++) await MakeAsync("dlc", $"\"deliver_subject\":\"to.{_name}\"");
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterInterestRetentionWithFilteredConsumersExtra")]
    public async Task EachMessageWaitsForTheConsumerItIsForAndAllAreGoneThen()
    {
        const int Each = 200;
        await cluster.DoAsync($"STREAM.CREATE.{_name}", $$"""{"name":"{{_name}}","subjects":["{{_name}}.*"],"retention":"interest","num_replicas":3}""");
        foreach (var subject in new[] { "bar", "baz" }) await MakeAsync(subject, $"\"ack_policy\":\"explicit\",\"filter_subject\":\"{_name}.{subject}\"");
        await KnownAsync(2);
        for (var i = 0; i < Each - 1; i++)
        {
            foreach (var subject in new[] { "bar", "baz" }) await cluster.Client.PublishAsync($"{_name}.{subject}", "FILTERED");
        }
        foreach (var subject in new[] { "bar", "baz" }) ErrorOf(await cluster.PublishAsync($"{_name}.{subject}")).ShouldBe(0);
        await cluster.WaitForMessagesAsync(_name, 2 * Each);
        foreach (var subject in new[] { "bar", "baz" })
        {
            var messages = await cluster.FetchAsync(_name, subject, Each);
            messages.Count.ShouldBe(Each);
            foreach (var message in messages) await cluster.AcknowledgeAsync(message);
        }
        await cluster.WaitForMessagesAsync(_name, 0);
    }

    /// <summary>Who leads a stream goes by the consumers he knows.</summary>
    private Task KnownAsync(int consumers) => Wait.Until(
        "all servers know the consumers",
        () => Enumerable.Range(0, 3).Select(server => cluster.Servers.HostOf(server, _name)).OfType<NatsAspire.Server.JetStream.Runtime.StreamHost>().All(host => host.Consumers.Snapshot().Length == consumers),
        timeout: TimeSpan.FromSeconds(20));

    private async Task<(string Mirror, string Sourcing)> CopyAsync()
    {
        await cluster.DoAsync($"STREAM.CREATE.{_name}M", $$"""{"name":"{{_name}}M","num_replicas":2,"mirror":{"name":"{{_name}}"} }""");
        await cluster.DoAsync($"STREAM.CREATE.{_name}S", $$"""{"name":"{{_name}}S","num_replicas":2,"sources":[{"name":"{{_name}}"}]}""");
        await KnownAsync(2);
        return ($"{_name}M", $"{_name}S");
    }

    private Task CreateAsync(int replicas, string more) => cluster.DoAsync($"STREAM.CREATE.{_name}", $$"""{"name":"{{_name}}","subjects":["{{_name}}"],"num_replicas":{{replicas}}{{more}}}""");

    private Task MakeAsync(string consumer, string configuration) =>
        cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.{consumer}", $$"""{"stream_name":"{{_name}}","config":{"durable_name":"{{consumer}}",{{configuration}}} }""");
}
