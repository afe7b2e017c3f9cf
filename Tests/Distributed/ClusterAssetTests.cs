using System.Text;
using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>What a cluster makes of requests for streams and consumers: where they begin, where they are, what is told of them.</summary>
public sealed class ClusterAssetTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterConsumeWithStartSequence")]
    public async Task WhoBeginsAtASequenceGetsItFirst(int replicas)
    {
        const string Begin = "\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":5";
        await CreateAsync(replicas);
        for (var i = 1; i <= 10; i++) (await cluster.PublishAsync($"{_name}.{i}", ("Nats-Msg-Id", $"id{i}"))).GetProperty("seq").GetInt32().ShouldBe(i);
        await MakeAsync("durable", $"{Begin},\"durable_name\":\"durable\",\"num_replicas\":{replicas}");
        await MakeAsync("ephemeral", Begin);
        foreach (var consumer in new[] { "durable", "ephemeral" }) Expect((await cluster.FetchAsync(_name, consumer, 1)).Single());
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        await MakeAsync("push", $"{Begin},\"deliver_subject\":\"to.{_name}\"");
        Expect(await reader.NextAsync());
        foreach (var request in new[] { """{"seq":5}""", $$"""{"last_by_subj":"{{_name}}.5"}""" })
        {
            var message = (await cluster.DoAsync($"STREAM.MSG.GET.{_name}", request)).GetProperty("message");
            message.GetProperty("seq").GetInt32().ShouldBe(5);
            TestHeaders.Parse(message.GetProperty("hdrs").GetBytesFromBase64())["Nats-Msg-Id"].ShouldBe("id5");
        }

        static void Expect(TestMessage message) => (message.Sequence(), message.Headers!["Nats-Msg-Id"]).ShouldBe((5, "id5"));
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterConsumerOverrides")]
    public async Task AConsumerMayHaveFewerReplicasAndItsStateInMemory()
    {
        await CreateAsync(3);
        await cluster.RefusedAsync(10126, $"CONSUMER.DURABLE.CREATE.{_name}.d", Consumer("d", "\"durable_name\":\"d\",\"num_replicas\":5"));
        await MakeAsync("d", "\"durable_name\":\"d\",\"num_replicas\":1");
        await WaitForHoldersAsync("d", 1);
        await MakeAsync("m", "\"durable_name\":\"m\",\"num_replicas\":3,\"mem_storage\":true");
        await WaitForHoldersAsync("m", 3);
        var made = await cluster.DoAsync($"CONSUMER.INFO.{_name}.m");
        made.GetProperty("config").GetProperty("mem_storage").GetBoolean().ShouldBeTrue();
        made.GetProperty("cluster").GetProperty("raft_group").GetString()!.ShouldStartWith("C-R3M-");
        await MakeAsync("d22", "\"durable_name\":\"d22\"");
        await WaitForConsumersAsync(3);
        await cluster.DoAsync($"CONSUMER.DELETE.{_name}.d");
        await WaitForConsumersAsync(2);
        await cluster.DoAsync($"CONSUMER.DELETE.{_name}.m");
        await WaitForConsumersAsync(1);
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterCreateConsumerWithReplicaOneGetsResponse")]
    public async Task AConsumerThatShrinksToOneReplicaIsAnswered()
    {
        await CreateAsync(3);
        await MakeAsync("C", "\"durable_name\":\"C\"");
        ErrorOf(await MakeAsync("C", "\"durable_name\":\"C\",\"num_replicas\":1")).ShouldBe(0);
        await WaitForHoldersAsync("C", 1);
        var information = await cluster.DoAsync($"CONSUMER.INFO.{_name}.C");
        information.GetProperty("config").GetProperty("num_replicas").GetInt32().ShouldBe(1);
        information.GetProperty("cluster").TryGetProperty("replicas", out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConsumerInactiveThreshold")]
    public async Task WhoIsNotUsedForLongIsRemoved(int replicas)
    {
        const string Soon = "\"inactive_threshold\":50000000";
        const string Push = "\"deliver_subject\":\"_no_bind_\"";
        await CreateAsync(replicas);
        await PublishAsync(10);
        foreach (var (consumer, fields) in new[] { ("e1", Push), ("e2", "\"max_waiting\":5"), ("d1", $"\"durable_name\":\"d1\",{Push}"), ("d3", "\"durable_name\":\"d3\"") })
        {
            await MakeAsync(consumer, $"{fields},{Soon}");
            await WaitUntilGoneAsync(consumer);
        }
        foreach (var (consumer, fields) in new[] { ("d2", $"\"durable_name\":\"d2\",{Push}"), ("d4", "\"durable_name\":\"d4\"") })
        {
            await MakeAsync(consumer, fields);
            await MakeAsync(consumer, $"{fields},{Soon}");
            await WaitUntilGoneAsync(consumer);
        }

        Task WaitUntilGoneAsync(string consumer) => Wait.Until($"{consumer} is gone", async () => ErrorOf(await StreamCluster.AskAsync(cluster.Client, $"CONSUMER.INFO.{_name}.{consumer}")) == 10014);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterAccountInfo")]
    public async Task OneServerTellsOfTheAccount()
    {
        await using var client = await cluster.Servers.ConnectAsync(2);
        var inbox = await client.SubscribeAsync($"_INBOX.{_name}");
        await client.PublishAsync("$JS.API.INFO", "", inbox.Subject);
        var answer = JsonDocument.Parse((await inbox.NextAsync()).Payload).RootElement;
        (ErrorOf(answer), answer.TryGetProperty("limits", out _), answer.TryGetProperty("storage", out _)).ShouldBe((0, true, true));
        await StreamCluster.AskAsync(client, "INFO");
        inbox.Count.ShouldBe(1);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamInfoList")]
    public async Task TheListTellsWhatEachStreamHolds()
    {
        int[] counts = [3, 10, 17];
        for (var i = 0; i < counts.Length; i++)
        {
            var name = $"{_name}-{i}";
            await cluster.DoAsync($"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","subjects":["{{_name}}.{{i}}"]}""");
            for (var sent = 0; sent < counts[i]; sent++) ErrorOf(await cluster.PublishAsync($"{_name}.{i}")).ShouldBe(0);
        }
        JsonElement list = default;
        await Wait.Until(
            "all three are told",
            async () => (list = await cluster.DoAsync("STREAM.LIST", $$"""{"subject":"{{_name}}.*"}""")).GetProperty("streams").GetArrayLength() == 3,
            () => list.ToString());
        list.GetProperty("streams").EnumerateArray().OrderBy(stream => stream.GetProperty("config").GetProperty("name").GetString(), StringComparer.Ordinal)
            .Select(stream => stream.GetProperty("state").GetProperty("messages").GetInt32()).ShouldBe(counts);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterConsumerInfoList")]
    public async Task TheListTellsHowFarEachConsumerIs()
    {
        (string Name, int Delivered, int Acknowledged)[] expected = [("bar", 2, 0), ("baz", 8, 6), ("foo", 4, 2)];
        await CreateAsync(3);
        await PublishAsync(10);
        foreach (var (consumer, delivered, acknowledged) in expected)
        {
            await MakeAsync(consumer, $"\"durable_name\":\"{consumer}\"");
            var messages = await cluster.FetchAsync(_name, consumer, delivered);
            foreach (var message in messages.Take(acknowledged)) await cluster.AcknowledgeAsync(message);
        }
        var list = (await cluster.DoAsync($"CONSUMER.LIST.{_name}")).GetProperty("consumers").EnumerateArray();
        list.Select(one => (one.GetProperty("name").GetString()!, Of(one, "delivered"), Of(one, "ack_floor"))).Order().ShouldBe(expected);

        static int Of(JsonElement consumer, string place) => consumer.GetProperty(place).GetProperty("consumer_seq").GetInt32();
    }

    [Fact]
    public async Task AStreamOfThreeIsReadByWhoeverSubscribesAndWhoeverPulls()
    {
        await CreateAsync(3, "\"max_bytes\":1024");
        await PublishAsync(10);
        (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(10);
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        await MakeAsync("push", $"\"deliver_subject\":\"to.{_name}\"");
        await Wait.Until("all come", () => reader.Count == 10, () => $"{reader.Count}");
        var made = await MakeAsync("dlc", "\"durable_name\":\"dlc\"");
        (made.GetProperty("name").GetString(), made.GetProperty("stream_name").GetString(), made.GetProperty("num_pending").GetInt32()).ShouldBe(("dlc", _name, 10));
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterNAKBackoffs")]
    public async Task WhatIsRefusedForATimeComesBackBehindIt()
    {
        await CreateAsync(2);
        await PublishAsync(1);
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        await MakeAsync("dlc", $"\"durable_name\":\"dlc\",\"deliver_subject\":\"to.{_name}\",\"ack_wait\":5000000000");
        await RefuseAsync("-NAK 200ms", 200, stepsDown: false);
        await RefuseAsync("-NAK 1s", 1000, stepsDown: true);
        await RefuseAsync("""-NAK  {"delay":20000000}""", 20, stepsDown: false);
        (await reader.NextAsync()).Delivery().ShouldBe(4);

        // At once would be too soon, behind the time for acknowledgements too late.
        async Task RefuseAsync(string refusal, int expected, bool stepsDown)
        {
            var message = await reader.NextAsync();
            var before = TimeProvider.System.GetTimestamp();
            await cluster.Client.RequestAsync(message.Reply!, refusal);
            if (stepsDown) await cluster.DoAsync($"CONSUMER.LEADER.STEPDOWN.{_name}.dlc");
            await Wait.Until("it comes again", () => reader.Messages.Count > 0);
            TimeProvider.System.GetElapsedTime(before).TotalMilliseconds.ShouldBeInRange(expected - 10, 4500, refusal);
        }
    }

    private Task<JsonElement> CreateAsync(int replicas, string more = "") => cluster.DoAsync(
        $"STREAM.CREATE.{_name}",
        $$"""{"name":"{{_name}}","subjects":["{{_name}}.>"],"num_replicas":{{replicas}}{{(more.Length == 0 ? "" : "," + more)}}}""");

    private Task<JsonElement> MakeAsync(string consumer, string fields) => cluster.DoAsync($"CONSUMER.CREATE.{_name}.{consumer}", Consumer(consumer, fields));

    private string Consumer(string consumer, string fields) => $$"""{"stream_name":"{{_name}}","config":{"name":"{{consumer}}","ack_policy":"explicit",{{fields}}} }""";

    private async Task PublishAsync(int count)
    {
        for (var i = 0; i < count; i++) ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(0);
    }

    private Task WaitForHoldersAsync(string consumer, int count) => Wait.Until(
        $"{count} servers have {consumer}",
        () => Enumerable.Range(0, 3).Count(server => cluster.Servers.HostOf(server, _name)?.Consumers.Find(Encoding.UTF8.GetBytes(consumer)) is not null) == count,
        timeout: TimeSpan.FromSeconds(30));

    private Task WaitForConsumersAsync(int count) => Wait.Until(
        $"{count} consumers are told",
        async () => (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("state").GetProperty("consumer_count").GetInt32() == count);
}
