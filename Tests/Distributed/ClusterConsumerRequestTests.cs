using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>What a cluster answers to requests about consumers, right and wrong ones.</summary>
public sealed class ClusterConsumerRequestTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterDefaultMaxAckPending")]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterPullConsumerMaxWaiting")]
    public async Task DefaultsAreFilledInAndSomeFieldsStay()
    {
        await CreateAsync(2);
        (await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.dur", Consumer("\"durable_name\":\"dur\",\"max_waiting\":10"))).GetProperty("config").GetProperty("max_ack_pending").GetInt32().ShouldBe(1000);
        (await cluster.RefusedAsync(10012, $"CONSUMER.DURABLE.CREATE.{_name}.dur", Consumer("\"durable_name\":\"dur\",\"max_waiting\":1"))).ShouldContain("can not be updated");
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterMaxConsumers")]
    public async Task AStreamHasNoMoreConsumersThanItMay()
    {
        await CreateAsync(1, ""","max_consumers":1""");
        (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("config").GetProperty("max_consumers").GetInt32().ShouldBe(1);
        await cluster.DoAsync($"CONSUMER.CREATE.{_name}.one", Consumer("\"name\":\"one\""));
        await cluster.RefusedAsync(10026, $"CONSUMER.CREATE.{_name}.two", Consumer("\"name\":\"two\""));
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSingleMaxConsumerUpdate")]
    public async Task TheOnlyConsumerMayBeChanged()
    {
        await CreateAsync(1, ""","max_consumers":1""");
        await cluster.DoAsync($"CONSUMER.CREATE.{_name}.one", Consumer("\"name\":\"one\",\"max_ack_pending\":1000"));
        (await cluster.DoAsync($"CONSUMER.CREATE.{_name}.one", Consumer("\"name\":\"one\",\"max_ack_pending\":1001"))).GetProperty("config").GetProperty("max_ack_pending").GetInt32().ShouldBe(1001);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterFlowControlRequiresHeartbeats")]
    public async Task FlowControlNeedsHeartbeats()
    {
        await CreateAsync(1);
        await cluster.RefusedAsync(10108, $"CONSUMER.DURABLE.CREATE.{_name}.dlc", Consumer("\"durable_name\":\"dlc\",\"deliver_subject\":\"to\",\"flow_control\":true"));
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterConsumerAndStreamNamesWithPathSeparators")]
    public async Task NamesAreNoPaths()
    {
        await CreateAsync(1);
        await cluster.RefusedAsync(10128, "STREAM.CREATE.usr/bin", """{"name":"usr/bin"}""");
        await cluster.RefusedAsync(10128, @"STREAM.CREATE.Documents\readme", """{"name":"Documents\\readme"}""");
        await cluster.RefusedAsync(10127, $"CONSUMER.DURABLE.CREATE.{_name}.a/b", Consumer("\"durable_name\":\"a/b\""));
        await cluster.RefusedAsync(10127, $@"CONSUMER.DURABLE.CREATE.{_name}.a\b", Consumer("\"durable_name\":\"a\\\\b\""));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterUserGivenConsName")]
    public async Task AConsumerKeepsItsNameAndWhereItStarts(int replicas)
    {
        await CreateAsync(replicas);
        var subject = $"CONSUMER.CREATE.{_name}.cons.{_name}.a";
        var made = await cluster.DoAsync(subject, Consumer($"\"name\":\"cons\",\"filter_subject\":\"{_name}.a\",\"inactive_threshold\":10000000000"));
        made.GetProperty("name").GetString().ShouldBe("cons");
        made.GetProperty("config").GetProperty("name").GetString().ShouldBe("cons");
        (await cluster.RefusedAsync(10012, subject, Consumer($"\"name\":\"cons\",\"filter_subject\":\"{_name}.a\",\"inactive_threshold\":10000000000,\"deliver_policy\":\"new\""))).ShouldBe("deliver policy can not be updated");
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterAddConsumerWithInfo")]
    public async Task ANewConsumerTellsWhatIsPending()
    {
        await CreateAsync(1);
        for (var i = 0; i < 10; i++) await cluster.PublishAsync($"{_name}.a");
        for (var i = 0; i < 20; i++)
        {
            var inbox = await cluster.Client.SubscribeAsync($"in.{_name}.{i}");
            var made = await cluster.DoAsync($"CONSUMER.CREATE.{_name}", Consumer($"\"deliver_subject\":\"in.{_name}.{i}\",\"filter_subject\":\"{_name}.a\""));
            made.GetProperty("num_pending").GetInt32().ShouldBe(10);
            await cluster.DoAsync($"CONSUMER.DELETE.{_name}.{made.GetProperty("name").GetString()}");
            await inbox.UnsubscribeAsync();
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterStreamConsumersCount")]
    public async Task InformationAndListCountConsumers()
    {
        await CreateAsync(3);
        for (var i = 0; i < 10; i++)
        {
            await cluster.Client.SubscribeAsync($"in.{_name}.{i}");
            await cluster.DoAsync($"CONSUMER.CREATE.{_name}", $$"""{"stream_name":"{{_name}}","config":{"deliver_subject":"in.{{_name}}.{{i}}"} }""");
        }
        var counts = (Information: 0, List: 0);
        await Wait.Until(
            "both count ten",
            async () =>
            {
                counts.Information = (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("state").GetProperty("consumer_count").GetInt32();
                var listed = (await cluster.DoAsync("STREAM.LIST", $$"""{"subject":"{{_name}}.a"}""")).GetProperty("streams").EnumerateArray();
                counts.List = listed.Single().GetProperty("state").GetProperty("consumer_count").GetInt32();
                return counts == (10, 10);
            },
            () => counts.ToString());
    }

    private Task CreateAsync(int replicas, string more = "") => StreamCluster.CreateAsync(cluster.Client, _name, replicas, more);

    private string Consumer(string fields) => $$"""{"stream_name":"{{_name}}","config":{"ack_policy":"explicit",{{fields}}} }""";
}
