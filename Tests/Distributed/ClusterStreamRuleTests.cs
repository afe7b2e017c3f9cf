using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>What streams of a cluster allow, refuse and tell: seals, roll-ups, expectations, pages, direct gets.</summary>
public sealed class ClusterStreamRuleTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamUpdate")]
    public async Task AnUpdateMakesRoomAndKeepsTheName()
    {
        await CreateAsync(3, "\"max_msgs\":10,\"discard\":\"new\"");
        await PublishAsync("a", 10);
        ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(10077);
        (await cluster.DoAsync($"STREAM.UPDATE.{_name}", Stream(3, "\"max_msgs\":20,\"discard\":\"new\""))).GetProperty("config").GetProperty("max_msgs").GetInt32().ShouldBe(20);
        // One server answers for all.
        var inbox = await cluster.Client.SubscribeAsync($"_INBOX.{_name}");
        await cluster.Client.PublishAsync($"$JS.API.STREAM.UPDATE.{_name}", Stream(3, "\"max_msgs\":20").Replace($"\"name\":\"{_name}\"", "\"name\":\"OTHER\"", StringComparison.Ordinal), inbox.Subject);
        ErrorOf(JsonDocument.Parse((await inbox.NextAsync()).Payload).RootElement).ShouldBe(10056);
        await cluster.DoAsync($"STREAM.INFO.{_name}");
        inbox.Count.ShouldBe(1);
        await PublishAsync("a", 10);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterExtendedStreamInfoSingleReplica")]
    public async Task AStreamOfOneReplicaNamesItsServerOnly()
    {
        await CreateAsync(1);
        await PublishAsync("a", 50);
        var information = (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("cluster");
        information.GetProperty("name").GetString().ShouldBe("C");
        information.GetProperty("leader").GetString().ShouldBe($"n{await cluster.Servers.LeaderOfAsync(_name) + 1}");
        information.TryGetProperty("replicas", out _).ShouldBeFalse();
        (await cluster.DoAsync($"CONSUMER.LIST.{_name}")).GetProperty("consumers").GetArrayLength().ShouldBe(0);
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.dlc", Consumer("\"durable_name\":\"dlc\""));
        (await cluster.DoAsync($"CONSUMER.LIST.{_name}")).GetProperty("consumers").GetArrayLength().ShouldBe(1);
        (await cluster.DoAsync($"CONSUMER.NAMES.{_name}")).GetProperty("consumers").GetArrayLength().ShouldBe(1);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamDirectGetMsg")]
    public async Task TheLastMessageOfASubjectIsReadDirectly()
    {
        await CreateAsync(3, "\"max_msgs_per_subject\":1,\"allow_direct\":true", "memory");
        await PublishAsync("a", 1);
        TestMessage message = null!;
        await Wait.Until("somebody answers", async () => !(message = await cluster.Client.RequestAsync($"$JS.API.DIRECT.GET.{_name}", $$"""{"last_by_subj":"{{_name}}.a"}""")).IsNoResponders);
        message.Text.ShouldBe("x");
        (message.Headers!["Nats-Stream"], message.Headers["Nats-Sequence"], message.Headers["Nats-Subject"]).ShouldBe((_name, "1", $"{_name}.a"));
        message.Headers["Nats-Time-Stamp"].ShouldNotBeNullOrEmpty();
        message.Subject.ShouldNotBe($"{_name}.a");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterSeal")]
    public async Task ASealedStreamIsOnlyReadAndRemoved(int replicas)
    {
        ErrorOf(await StreamCluster.AskAsync(cluster.Client, $"STREAM.CREATE.{_name}", Stream(replicas, "\"sealed\":true", "memory"))).ShouldBe(10052);
        await CreateAsync(replicas, "\"max_age\":60000000000", "memory");
        await PublishAsync("a", 10);
        await cluster.DoAsync($"STREAM.UPDATE.{_name}", Stream(replicas, "\"max_age\":60000000000,\"sealed\":true", "memory"));
        var configuration = (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("config");
        foreach (var flag in new[] { "sealed", "deny_delete", "deny_purge" }) configuration.GetProperty(flag).GetBoolean().ShouldBeTrue(flag);
        (configuration.GetProperty("max_age").GetInt64(), configuration.GetProperty("discard").GetString(), configuration.GetProperty("allow_rollup_hdrs").GetBoolean()).ShouldBe((0L, "new", false));
        ErrorOf(await StreamCluster.AskAsync(cluster.Client, $"STREAM.UPDATE.{_name}", Stream(replicas, "\"sealed\":false", "memory"))).ShouldBe(10052);
        ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(10109);
        await cluster.RefusedAsync(10109, $"STREAM.MSG.DELETE.{_name}", """{"seq":1}""");
        await cluster.RefusedAsync(10109, $"STREAM.PURGE.{_name}");
        await cluster.DoAsync($"STREAM.DELETE.{_name}");
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterAppendOnly")]
    public async Task WhatIsOnlyAddedToStaysSo()
    {
        await CreateAsync(3, "\"deny_delete\":true,\"deny_purge\":true", "memory");
        var configuration = (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("config");
        (configuration.GetProperty("deny_delete").GetBoolean(), configuration.GetProperty("deny_purge").GetBoolean()).ShouldBe((true, true));
        await PublishAsync("a", 10);
        (await StreamCluster.AskAsync(cluster.Client, $"STREAM.MSG.DELETE.{_name}", """{"seq":1}""")).TryGetProperty("error", out _).ShouldBeTrue();
        (await StreamCluster.AskAsync(cluster.Client, $"STREAM.PURGE.{_name}")).TryGetProperty("error", out _).ShouldBeTrue();
        await cluster.RefusedAsync(10052, $"STREAM.UPDATE.{_name}", Stream(3, "\"deny_delete\":false,\"deny_purge\":false", "memory"));
        (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(10);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterLargeHeaders")]
    public async Task HeadersAreNotLargerThanTheyMayBe()
    {
        await CreateAsync(3);
        ErrorOf(await cluster.PublishAsync($"{_name}.a", [.. Enumerable.Range(1, 10).Select(number => ($"LargeHeader-{number}", new string('a', 8 * 1024)))])).ShouldBe(10097);
        await PublishAsync("a", 1);
        await cluster.WaitForMessagesAsync(_name, 1);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterStreamInfoDeletedDetails")]
    public async Task WhatWasDeletedIsListedWhenAsked()
    {
        await CreateAsync(1);
        await PublishAsync("a", 10);
        foreach (var sequence in new[] { 2, 4, 6 }) await cluster.DoAsync($"STREAM.MSG.DELETE.{_name}", $$"""{"seq":{{sequence}}}""");
        var state = (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("state");
        (state.GetProperty("num_deleted").GetInt32(), state.TryGetProperty("deleted", out _)).ShouldBe((3, false));
        state = (await cluster.DoAsync($"STREAM.INFO.{_name}", """{"deleted_details":true}""")).GetProperty("state");
        state.GetProperty("deleted").EnumerateArray().Select(one => one.GetInt32()).ShouldBe([2, 4, 6]);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterMsgIdDuplicateBug")]
    public async Task AnIdIsStoredOnce()
    {
        await CreateAsync(2);
        foreach (var (id, isDuplicate) in new[] { ("1", false), ("1", true), ("2", false) })
        {
            var answer = await cluster.PublishAsync($"{_name}.a", ("Nats-Msg-Id", id));
            (ErrorOf(answer), answer.TryGetProperty("duplicate", out _)).ShouldBe((0, isDuplicate));
        }
        await cluster.WaitForMessagesAsync(_name, 2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterKeyValueLastSeqMismatch")]
    public async Task WhatIsExpectedOfASubjectIsOfThatSubject(int replicas)
    {
        await CreateAsync(replicas, "\"max_msgs_per_subject\":1");
        const string Expected = "Nats-Expected-Last-Subject-Sequence";
        (await cluster.PublishAsync($"{_name}.foo", (Expected, "0"))).GetProperty("seq").GetInt32().ShouldBe(1);
        (await cluster.PublishAsync($"{_name}.bar", (Expected, "0"))).GetProperty("seq").GetInt32().ShouldBe(2);
        var refused = (await cluster.PublishAsync($"{_name}.baz", (Expected, "1"))).GetProperty("error");
        refused.GetProperty("description").GetString().ShouldBe("wrong last sequence: 0");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterApiPagedRequestOffsetValidation")]
    public async Task APageBeginsAtItsBeginningAtTheEarliest(int replicas)
    {
        await CreateAsync(replicas);
        await PublishAsync("a", 1);
        await cluster.DoAsync($"CONSUMER.CREATE.{_name}.CONSUMER", Consumer($"\"name\":\"CONSUMER\",\"num_replicas\":{replicas}"));
        await ExpectOneAsync("STREAM.NAMES", $$"""{"offset":-1,"subject":"{{_name}}.a"}""", "streams");
        await ExpectOneAsync("STREAM.LIST", $$"""{"offset":-1,"subject":"{{_name}}.a"}""", "streams");
        await ExpectOneAsync($"CONSUMER.NAMES.{_name}", """{"offset":-1}""", "consumers");
        await ExpectOneAsync($"CONSUMER.LIST.{_name}", """{"offset":-1}""", "consumers");
        var information = await cluster.DoAsync($"STREAM.INFO.{_name}", """{"offset":-1,"subjects_filter":">"}""");
        (information.GetProperty("total").GetInt32(), information.GetProperty("offset").GetInt32()).ShouldBe((1, 0));
        information.GetProperty("state").GetProperty("subjects").EnumerateObject().Count().ShouldBe(1);

        async Task ExpectOneAsync(string operation, string request, string list)
        {
            var answer = await cluster.DoAsync(operation, request);
            (answer.GetProperty("total").GetInt32(), answer.GetProperty("offset").GetInt32(), answer.GetProperty(list).GetArrayLength()).ShouldBe((1, 0, 1), operation);
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamRecreateChangesRaftGroup")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterConsumerRecreateChangesRaftGroup")]
    public async Task WhatIsMadeAnewHasAnotherGroup()
    {
        await CreateAsync(3);
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.C", Consumer("\"durable_name\":\"C\",\"num_replicas\":3"));
        await PublishAsync("a", 1);
        await cluster.Servers.WaitForEqualAsync(_name, 1);
        var (stream, consumer) = (await GroupOfAsync("STREAM.INFO", ""), await GroupOfAsync("CONSUMER.INFO", ".C"));
        await cluster.DoAsync($"CONSUMER.DELETE.{_name}.C");
        await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.C", Consumer("\"durable_name\":\"C\",\"num_replicas\":3"));
        (await GroupOfAsync("CONSUMER.INFO", ".C")).ShouldNotBe(consumer);
        await cluster.DoAsync($"STREAM.DELETE.{_name}");
        await CreateAsync(3);
        await PublishAsync("a", 2);
        await cluster.Servers.WaitForEqualAsync(_name, 2);
        (await GroupOfAsync("STREAM.INFO", "")).ShouldNotBe(stream);

        async Task<string> GroupOfAsync(string operation, string more) => (await cluster.DoAsync($"{operation}.{_name}{more}")).GetProperty("cluster").GetProperty("raft_group").GetString()!;
    }

    private Task<JsonElement> CreateAsync(int replicas, string more = "", string storage = "file") => cluster.DoAsync($"STREAM.CREATE.{_name}", Stream(replicas, more, storage));

    private string Stream(int replicas, string more = "", string storage = "file") =>
        $$"""{"name":"{{_name}}","subjects":["{{_name}}.>"],"storage":"{{storage}}","num_replicas":{{replicas}}{{(more.Length == 0 ? "" : "," + more)}}}""";

    private string Consumer(string fields) => $$"""{"stream_name":"{{_name}}","config":{"ack_policy":"explicit",{{fields}}} }""";

    private async Task PublishAsync(string subject, int count)
    {
        for (var i = 0; i < count; i++) ErrorOf(await cluster.PublishAsync($"{_name}.{subject}")).ShouldBe(0);
    }
}
