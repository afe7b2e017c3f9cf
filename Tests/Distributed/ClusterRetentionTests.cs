using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>What leaves streams of a cluster, and what stays: limits, interest, work queues, purges.</summary>
public sealed class ClusterRetentionTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterInterestRetention")]
    public async Task WithItsLastConsumerInterestEnds()
    {
        await CreateAsync(3, "\"retention\":\"interest\"");
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.dlc", Consumer($"\"durable_name\":\"dlc\",\"deliver_subject\":\"to.{_name}\""));
        await PublishAsync(1);
        await cluster.AcknowledgeAsync(await reader.NextAsync());
        await cluster.WaitForMessagesAsync(_name, 0);
        await PublishAsync(50);
        await Wait.Until("all are delivered", () => reader.Count == 51, () => $"{reader.Count}");
        await cluster.DoAsync($"CONSUMER.DELETE.{_name}.dlc");
        await cluster.WaitForMessagesAsync(_name, 0);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterWorkQueueRetention")]
    public async Task AcknowledgedWorkLeaves()
    {
        await CreateAsync(2, "\"retention\":\"workqueue\"");
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.test", Consumer("\"durable_name\":\"test\""));
        await PublishAsync(1);
        await cluster.WaitForMessagesAsync(_name, 1);
        await cluster.AcknowledgeAsync((await cluster.FetchAsync(_name, "test", 1)).Single());
        await cluster.WaitForMessagesAsync(_name, 0);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamLimits")]
    public async Task LimitsRefuseAndAgeMakesRoom()
    {
        await cluster.RefusedAsync(10005, $"STREAM.CREATE.{_name}", $$"""{"name":"{{_name}}","num_replicas":5}""");
        await CreateAsync(3, "\"discard\":\"new\",\"max_msg_size\":11,\"max_msgs\":5,\"max_age\":1000000000");
        ErrorOf(System.Text.Json.JsonDocument.Parse((await cluster.Client.RequestAsync($"{_name}.a", "0123456789ZZZ")).Payload).RootElement).ShouldBe(10054);
        await PublishAsync(5);
        ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(10077);
        await cluster.WaitForMessagesAsync(_name, 0);
        ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(0);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterConsumerAckNoneInterestPolicyShouldNotRetainAfterDelivery")]
    public async Task WhatNeedsNoAcknowledgementLeavesWhenItIsDelivered()
    {
        await CreateAsync(3, "\"retention\":\"interest\"");
        await cluster.DoAsync($"STREAM.PURGE.{_name}", """{"seq":100000000}""");
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.C1", Consumer("\"durable_name\":\"C1\"", "none"));
        await PublishAsync(100);
        await cluster.WaitForMessagesAsync(_name, 100);
        (await cluster.FetchAsync(_name, "C1", 100)).Count.ShouldBe(100);
        await cluster.WaitForMessagesAsync(_name, 0);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterPurgeBySequence")]
    public async Task ASubjectIsPurgedUpToASequence()
    {
        await CreateAsync(2, "\"max_msgs_per_subject\":5");
        for (var i = 0; i < 20; i++) await cluster.PublishAsync($"{_name}.user");
        for (var i = 0; i < 20; i++) await cluster.PublishAsync($"{_name}.password");
        await ExpectAsync("user", 16, 17, 18, 19, 20);
        await ExpectAsync("password", 36, 37, 38, 39, 40);
        await cluster.DoAsync($"STREAM.PURGE.{_name}", $$"""{"filter":"{{_name}}.user","seq":18}""");
        await ExpectAsync("user", 18, 19, 20);

        async Task ExpectAsync(string subject, params ulong[] sequences)
        {
            var consumer = (await cluster.DoAsync($"CONSUMER.CREATE.{_name}", Consumer($"\"filter_subject\":\"{_name}.{subject}\""))).GetProperty("name").GetString()!;
            (await cluster.FetchAsync(_name, consumer, sequences.Length)).Select(message => ulong.Parse(message.Reply!.Split('.')[5], System.Globalization.CultureInfo.InvariantCulture)).ShouldBe(sequences);
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterWorkQueueLosingMessagesOnConsumerDelete")]
    public async Task WorkStaysWhenItsConsumerGoes()
    {
        await CreateAsync(3, "\"retention\":\"workqueue\"");
        foreach (var subject in new[] { 2, 5, 7, 9 })
        {
            for (var i = 0; i < 10; i++) await cluster.PublishAsync($"{_name}.{subject}");
        }
        var reader = await cluster.Client.SubscribeAsync($"bob.{_name}");
        var filters = string.Join(',', Enumerable.Range(6, 5).Select(subject => $"\"{_name}.{subject}\""));
        for (var round = 1; round <= 5; round++)
        {
            await cluster.DoAsync($"CONSUMER.CREATE.{_name}.test", Consumer($"\"name\":\"test\",\"filter_subjects\":[{filters}],\"deliver_subject\":\"bob.{_name}\",\"ack_wait\":60000000000,\"max_ack_pending\":1"));
            await Wait.Until("it delivers", () => reader.Count == round, () => $"{reader.Count}");
            await cluster.DoAsync($"CONSUMER.DELETE.{_name}.test");
        }
        await cluster.WaitForMessagesAsync(_name, 40);
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterWQRoundRobinSubjectRetention")]
    public async Task WorkOfOneSubjectLeavesHolesOnly()
    {
        await CreateAsync(3, "\"retention\":\"workqueue\"");
        for (var i = 0; i < 100; i++) await cluster.PublishAsync($"{_name}.{(i % 5) + 1}");
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.five", Consumer($"\"durable_name\":\"five\",\"num_replicas\":3,\"filter_subject\":\"{_name}.5\""));
        for (var batch = 0; batch < 4; batch++)
        {
            foreach (var message in await cluster.FetchAsync(_name, "five", 5)) await cluster.AcknowledgeAsync(message);
        }
        await cluster.WaitForMessagesAsync(_name, 80);
        var state = (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("state");
        (state.GetProperty("num_deleted").GetInt32(), state.GetProperty("num_subjects").GetInt32()).ShouldBe((20, 4));
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterWorkQueueAfterScaleUp")]
    public async Task WorkLeavesAfterReplicasWereAdded()
    {
        await CreateAsync(1, "\"retention\":\"workqueue\"");
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.d1", Consumer($"\"durable_name\":\"d1\",\"deliver_subject\":\"to.{_name}\""));
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        await cluster.DoAsync($"STREAM.UPDATE.{_name}", Stream(3, "\"retention\":\"workqueue\""));
        await StreamCluster.PublishAsync(cluster.Client, $"{_name}.a", "work");
        await cluster.AcknowledgeAsync(await reader.NextAsync(TimeSpan.FromSeconds(30)));
        await cluster.WaitForMessagesAsync(_name, 0);
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterInterestStreamFilteredConsumersWithNoInterest")]
    public async Task EachMessageWaitsOnlyForThoseItIsFor()
    {
        await CreateAsync(3, "\"retention\":\"interest\"");
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}.*");
        foreach (var subject in new[] { "foo", "bar", "baz" }) await cluster.DoAsync($"CONSUMER.CREATE.{_name}", Consumer($"\"filter_subject\":\"{_name}.{subject}\",\"deliver_subject\":\"to.{_name}.{subject}\""));
        for (var i = 0; i < 100; i++) await cluster.PublishAsync($"{_name}.{(i * 7 % 3 == 0 ? "foo" : "bar")}");
        for (var i = 0; i < 100; i++) await cluster.AcknowledgeAsync(await reader.NextAsync());
        await cluster.WaitForMessagesAsync(_name, 0);
    }

    [Theory]
    [InlineData("memory", 1)]
    [InlineData("file", 1)]
    [InlineData("memory", 3)]
    [InlineData("file", 3)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterDiscardNewAndMaxMsgsPerSubject")]
    public async Task ASubjectIsFullBeforeTheStreamIs(string storage, int replicas)
    {
        (await cluster.RefusedAsync(10052, $"STREAM.CREATE.{_name}", Stream("\"discard_new_per_subject\":true"))).ShouldContain("discard new per subject requires discard new policy");
        (await cluster.RefusedAsync(10052, $"STREAM.CREATE.{_name}", Stream("\"discard_new_per_subject\":true,\"discard\":\"new\""))).ShouldContain("discard new per subject requires max msgs per subject > 0");
        await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream("\"discard_new_per_subject\":true,\"discard\":\"new\",\"max_msgs_per_subject\":1"));
        ErrorOf(await cluster.PublishAsync($"{_name}.foo")).ShouldBe(0);
        (await cluster.PublishAsync($"{_name}.foo")).GetProperty("error").GetProperty("description").GetString().ShouldBe("maximum messages per subject exceeded");

        string Stream(string more) => $$"""{"name":"{{_name}}","subjects":["{{_name}}.>"],"storage":"{{storage}}","num_replicas":{{replicas}},"allow_direct":true,"max_msgs":10,{{more}}}""";
    }

    private async Task CreateAsync(int replicas, string more) => await cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(replicas, more));

    private string Stream(int replicas, string more) => $$"""{"name":"{{_name}}","subjects":["{{_name}}.>"],"storage":"file","num_replicas":{{replicas}},{{more}}}""";

    private string Consumer(string fields, string acknowledgement = "explicit") => $$"""{"stream_name":"{{_name}}","config":{"ack_policy":"{{acknowledgement}}",{{fields}}} }""";

    private async Task PublishAsync(int count)
    {
        for (var i = 0; i < count; i++) ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(0);
    }
}
