using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Streams of a cluster that keep what consumers have yet to have, and what roll-ups and schedules leave.</summary>
public sealed class ClusterInterestTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private const string Interest = "\"retention\":\"interest\"";
    private readonly string _name = NewName();

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterInterestRetentionWithFilteredConsumers")]
    public async Task WhatNoFilterLetsThroughIsNotKept()
    {
        await CreateAsync(3, Interest);
        await MakeAsync("d1", $"\"filter_subject\":\"{_name}.foo\"");
        await MakeAsync("d2", $"\"filter_subject\":\"{_name}.bar\"");
        await PublishAsync("foo");
        await cluster.WaitForMessagesAsync(_name, 1);
        await TakeAsync("d1", 1);
        await cluster.WaitForMessagesAsync(_name, 0);
        await PublishAsync("bar", "foo");
        await cluster.WaitForMessagesAsync(_name, 2);
        await TakeAsync("d2", 1);
        await cluster.WaitForMessagesAsync(_name, 1);
        await TakeAsync("d1", 1);
        await cluster.WaitForMessagesAsync(_name, 0);
        for (var i = 0; i < 10; i++) await PublishAsync("foo", "bar");
        await cluster.WaitForMessagesAsync(_name, 20);
        foreach (var consumer in new[] { "d1", "d2" }) await cluster.DoAsync($"CONSUMER.DELETE.{_name}.{consumer}");
        await cluster.WaitForMessagesAsync(_name, 0);
        await MakeAsync("dlc", $"\"filter_subject\":\"{_name}.foo\"");
        for (var i = 0; i < 10; i++) await PublishAsync("foo", "bar");
        await cluster.WaitForMessagesAsync(_name, 10);
        await cluster.DoAsync($"CONSUMER.DELETE.{_name}.dlc");
        await cluster.WaitForMessagesAsync(_name, 0);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamInterestOnlyPolicy")]
    public async Task WithoutInterestNothingIsKeptAndSequencesGoOn()
    {
        await CreateAsync(3, Interest);
        await PublishAsync([.. Enumerable.Repeat("a", 10)]);
        (await StateAsync()).GetProperty("messages").GetInt32().ShouldBe(0);
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        await MakeAsync("dlc", $"\"deliver_subject\":\"to.{_name}\"");
        await PublishAsync([.. Enumerable.Repeat("a", 10)]);
        await Wait.Until("all are delivered", () => reader.Count == 10, () => $"{reader.Count}");
        var state = await StateAsync();
        (state.GetProperty("messages").GetInt32(), state.GetProperty("first_seq").GetInt32()).ShouldBe((10, 11));
        // A client that ends its subscription removes the consumer it made for it.
        await cluster.DoAsync($"CONSUMER.DELETE.{_name}.dlc");
        await cluster.RefusedAsync(10014, $"CONSUMER.INFO.{_name}.dlc");
        await cluster.WaitForMessagesAsync(_name, 0);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterConsumerDeleteInterestPolicyMultipleConsumers")]
    public async Task WhatOnlyARemovedConsumerWaitedForLeaves()
    {
        await CreateAsync(3, Interest);
        await cluster.DoAsync($"STREAM.PURGE.{_name}", """{"seq":100000000}""");
        await MakeAsync("C1");
        await MakeAsync("C2");
        await PublishAsync([.. Enumerable.Repeat("a", 100)]);
        await cluster.WaitForMessagesAsync(_name, 100);
        await TakeAsync("C1", 50);
        await cluster.DoAsync($"CONSUMER.DELETE.{_name}.C2");
        await cluster.WaitForMessagesAsync(_name, 50);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterConsumerDeleteAckNoneInterestPolicyWithOthers")]
    public async Task AConsumerThatNeverAcknowledgesHoldsBackToo()
    {
        await CreateAsync(3, Interest);
        await cluster.DoAsync($"STREAM.PURGE.{_name}", """{"seq":100000000}""");
        await MakeAsync("C1");
        await MakeAsync("C2", "\"ack_policy\":\"none\"");
        await PublishAsync([.. Enumerable.Repeat("a", 100)]);
        await cluster.WaitForMessagesAsync(_name, 100);
        await TakeAsync("C1", 100);
        (await StateAsync()).GetProperty("messages").GetInt32().ShouldBe(100);
        await cluster.DoAsync($"CONSUMER.DELETE.{_name}.C2");
        await cluster.WaitForMessagesAsync(_name, 0);
    }

    [Fact]
    public async Task WhatWasDeliveredOftenEnoughStays()
    {
        await CreateAsync(1, Interest);
        foreach (var consumer in new[] { "c1", "c2" }) await MakeAsync(consumer, "\"ack_wait\":10000000,\"max_deliver\":1");
        await PublishAsync("a");
        foreach (var consumer in new[] { "c1", "c2" }) (await cluster.FetchAsync(_name, consumer, 1)).Count.ShouldBe(1);
        foreach (var consumer in new[] { "c1", "c2" })
        {
            JsonElement information = default;
            await Wait.Until("it waits for no acknowledgement", async () => (information = await cluster.DoAsync($"CONSUMER.INFO.{_name}.{consumer}")).GetProperty("num_ack_pending").GetInt32() == 0, () => information.ToString());
            var delivered = information.GetProperty("delivered");
            (delivered.GetProperty("consumer_seq").GetInt32(), delivered.GetProperty("stream_seq").GetInt32()).ShouldBe((1, 1));
            (information.GetProperty("num_redelivered").GetInt32(), information.GetProperty("num_pending").GetInt32()).ShouldBe((0, 0));
        }
        var state = await StateAsync();
        (state.GetProperty("messages").GetInt32(), state.GetProperty("consumer_count").GetInt32()).ShouldBe((1, 2));
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterInterestPolicyAckAll")]
    public async Task OneAcknowledgementOfAllLetsAllGo()
    {
        await CreateAsync(3, Interest);
        await MakeAsync("CONSUMER", "\"ack_policy\":\"all\"");
        await PublishAsync([.. Enumerable.Repeat("a", 100)]);
        await cluster.WaitForMessagesAsync(_name, 100);
        var messages = await cluster.FetchAsync(_name, "CONSUMER", 50);
        messages.Count.ShouldBe(50);
        await cluster.AcknowledgeAsync(messages[^1]);
        await cluster.WaitForMessagesAsync(_name, 50);
        await cluster.Servers.WaitForEqualAsync(_name, 100);
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestClusteredInterestConsumerFilterEdit")]
    public async Task ANarrowerFilterLetsGoWhatItLeavesOut()
    {
        await CreateAsync(3, Interest);
        await MakeAsync("C0", $"\"filter_subject\":\"{_name}.>\"");
        await PublishAsync([.. Enumerable.Range(0, 10).Select(number => $"{number}")]);
        (await StateAsync()).GetProperty("messages").GetInt32().ShouldBe(10);
        await MakeAsync("C0", $"\"filter_subject\":\"{_name}.1\"");
        await cluster.WaitForMessagesAsync(_name, 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterInterestStreamMsgWithNoInterestStillAppliesRollup")]
    public async Task ARollupNobodyWaitsForTakesAwayWhatWasBefore(int replicas)
    {
        await CreateAsync(replicas, Interest + ",\"allow_rollup_hdrs\":true");
        await MakeAsync("CONSUMER", $"\"filter_subject\":\"{_name}.foo\"");
        await PublishAsync("foo");
        (await cluster.PublishAsync($"{_name}.bar", ("Nats-Rollup", "all"))).GetProperty("seq").GetInt32().ShouldBe(2);
        await cluster.WaitForMessagesAsync(_name, 0);
        await ExpectEverywhereAsync(replicas, 3, 2);
    }

    [Theory]
    [InlineData(1, "file")]
    [InlineData(3, "file")]
    [InlineData(1, "memory")]
    [InlineData(3, "memory")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterRollupWithDiscardNewPerSubject")]
    public async Task ARollupFitsWhereItsSubjectIsFull(int replicas, string storage)
    {
        await CreateAsync(replicas, "\"discard\":\"new\",\"discard_new_per_subject\":true,\"max_msgs_per_subject\":1,\"allow_rollup_hdrs\":true", storage);
        await PublishAsync("A", "B");
        await ExpectAsync(2, 1, 2);
        (await cluster.PublishAsync($"{_name}.A", ("Nats-Rollup", "sub"))).GetProperty("seq").GetInt32().ShouldBe(3);
        await ExpectAsync(2, 2, 3);
        (await cluster.DoAsync($"STREAM.MSG.GET.{_name}", $$"""{"last_by_subj":"{{_name}}.A"}""")).GetProperty("message").GetProperty("seq").GetInt32().ShouldBe(3);
        (await cluster.PublishAsync($"{_name}.A", ("Nats-Rollup", "all"))).GetProperty("seq").GetInt32().ShouldBe(4);
        await ExpectAsync(1, 4, 4);

        async Task ExpectAsync(int messages, int first, int last)
        {
            var state = await StateAsync();
            (state.GetProperty("messages").GetInt32(), state.GetProperty("first_seq").GetInt32(), state.GetProperty("last_seq").GetInt32()).ShouldBe((messages, first, last));
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterRollups")]
    public async Task OneMessageStandsForThoseOfItsSubjectOrForAll()
    {
        await CreateAsync(2, "\"max_msgs_per_subject\":10,\"allow_rollup_hdrs\":true");
        for (var i = 0; i < 100; i++) await PublishAsync($"{i % 9}.temp");
        (await CountAsync("5.temp")).ShouldBe(10);
        ErrorOf(await cluster.PublishAsync($"{_name}.5.temp", ("Nats-Rollup", "sub"))).ShouldBe(0);
        (await CountAsync("5.temp")).ShouldBe(1);
        (await StateAsync()).GetProperty("messages").GetInt32().ShouldBe(81);
        ErrorOf(await cluster.PublishAsync($"{_name}.5.temp", ("Nats-Rollup", "all"))).ShouldBe(0);
        (await CountAsync("5.temp")).ShouldBe(1);
        (await StateAsync()).GetProperty("messages").GetInt32().ShouldBe(1);

        async Task<int> CountAsync(string subject) =>
            (await cluster.DoAsync($"CONSUMER.CREATE.{_name}", $$"""{"stream_name":"{{_name}}","config":{"ack_policy":"explicit","filter_subject":"{{_name}}.{{subject}}"} }""")).GetProperty("num_pending").GetInt32();
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterRollupSubjectAndWatchers")]
    public async Task WhoWatchesSeesEachRollupOnce()
    {
        await CreateAsync(2, "\"max_msgs_per_subject\":10,\"allow_rollup_hdrs\":true");
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        await MakeAsync("watcher", $"\"deliver_subject\":\"to.{_name}\"");
        (string Key, bool IsRollup)[] changes = [("name", true), ("age", true), ("name", false), ("age", false), ("age", false), ("name", false), ("name", false), ("age", true)];
        for (var i = 0; i < changes.Length; i++)
        {
            ErrorOf(await cluster.PublishAsync($"{_name}.{changes[i].Key}", changes[i].IsRollup ? [("Nats-Rollup", "sub")] : [])).ShouldBe(0);
            var message = await reader.NextAsync();
            (message.Subject, message.Delivery()).ShouldBe(($"{_name}.{changes[i].Key}", i + 1));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterPurgeScheduleWithInvalidScheduler")]
    public async Task AScheduleEndsByAMessageOfAnotherSubject(int replicas)
    {
        await CreateAsync(replicas, "\"allow_msg_schedules\":true");
        await PublishAsync("normal");
        ErrorOf(await cluster.PublishAsync($"{_name}.schedule", ("Nats-Schedule", "@every 1h"), ("Nats-Schedule-Target", $"{_name}.target"))).ShouldBe(0);
        ErrorOf(await cluster.PublishAsync($"{_name}.schedule", ("Nats-Schedule-Next", "purge"))).ShouldBe(10212);
        foreach (var (subject, scheduler) in new[] { ("schedule", "*"), ("schedule", "schedule"), ("last", "normal") }) ErrorOf(await EndAsync(subject, scheduler)).ShouldBe(10212, scheduler);
        ErrorOf(await EndAsync("last", "schedule")).ShouldBe(0);
        await cluster.DoAsync($"STREAM.PURGE.{_name}", $$"""{"filter":"{{_name}}.normal"}""");
        await cluster.WaitForMessagesAsync(_name, 1);
        await ExpectEverywhereAsync(replicas, 3, 3);
        ErrorOf(await EndAsync("last", "none")).ShouldBe(0);
        var expected = new[] { ("Nats-Expected-Last-Subject-Sequence", "1"), ("Nats-Expected-Last-Subject-Sequence-Subject", $"{_name}.none") };
        var refused = await cluster.PublishAsync($"{_name}.last", [("Nats-Schedule-Next", "purge"), ("Nats-Scheduler", $"{_name}.none"), .. expected]);
        refused.GetProperty("error").GetProperty("description").GetString().ShouldBe("wrong last sequence: 0");

        Task<JsonElement> EndAsync(string subject, string scheduler) => cluster.PublishAsync($"{_name}.{subject}", ("Nats-Schedule-Next", "purge"), ("Nats-Scheduler", $"{_name}.{scheduler}"));
    }

    private Task<JsonElement> CreateAsync(int replicas, string more, string storage = "file") =>
        cluster.DoAsync($"STREAM.CREATE.{_name}", $$"""{"name":"{{_name}}","subjects":["{{_name}}.>"],"storage":"{{storage}}","num_replicas":{{replicas}},{{more}}}""");

    private Task<JsonElement> MakeAsync(string consumer, string more = "")
    {
        var policy = more.Contains("ack_policy", StringComparison.Ordinal) ? "" : ",\"ack_policy\":\"explicit\"";
        return cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.{consumer}", $$"""{"stream_name":"{{_name}}","config":{"durable_name":"{{consumer}}"{{policy}}{{(more.Length == 0 ? "" : "," + more)}}} }""");
    }

    private async Task<JsonElement> StateAsync() => (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("state");

    private async Task PublishAsync(params string[] subjects)
    {
        foreach (var subject in subjects) ErrorOf(await cluster.PublishAsync($"{_name}.{subject}")).ShouldBe(0);
    }

    private async Task TakeAsync(string consumer, int count)
    {
        var messages = await cluster.FetchAsync(_name, consumer, count);
        messages.Count.ShouldBe(count);
        foreach (var message in messages) await cluster.AcknowledgeAsync(message);
    }

    private Task ExpectEverywhereAsync(int replicas, ulong first, ulong last) => Wait.Until(
        $"{_name} is from {first} to {last} on {replicas} servers",
        () => Enumerable.Range(0, 3).Count(server => cluster.Servers.HostOf(server, _name) is { State: var state } && (state.FirstSequence, state.LastSequence) == (first, last)) == replicas,
        () => string.Join("; ", Enumerable.Range(0, 3).Select(server => cluster.Servers.HostOf(server, _name)?.State.ToString())));
}
