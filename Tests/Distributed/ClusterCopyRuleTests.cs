using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Mirrors and sources in a cluster, beside the other consumers of what they copy.</summary>
public sealed class ClusterCopyRuleTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    public static TheoryData<int, string> Retentions => new() { { 1, "limits" }, { 3, "limits" }, { 1, "interest" }, { 3, "interest" }, { 1, "workqueue" }, { 3, "workqueue" } };

    private string Copy => $"{_name}C";

    [Theory]
    [MemberData(nameof(Retentions))]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterDurableStreamMirror")]
    public async Task AMirrorReadsThroughAConsumerMadeBeforehand(int replicas, string retention)
    {
        await CreateAsync(replicas, retention);
        await MakeAsync("C", $"\"deliver_subject\":\"to.{_name}\",\"num_replicas\":{replicas},\"ack_policy\":\"flow_control\",\"flow_control\":true,\"idle_heartbeat\":1000000000,\"max_ack_pending\":1000");
        (await cluster.PublishAsync($"{_name}.a")).GetProperty("seq").GetInt32().ShouldBe(1);
        await CopyAsync($$"""{"name":"{{_name}}","consumer":{"name":"C","deliver_subject":"to.{{_name}}"} }""", isMirror: true, replicas);
        await WaitForCopyAsync(1);
    }

    [Theory]
    [MemberData(nameof(Retentions))]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterDurableStreamMirrorServerManaged")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterDurableStreamSourceServerManaged")]
    public async Task ACopyReadsBesideAConsumer(int replicas, string retention)
    {
        await CreateAsync(replicas, retention);
        await MakeAsync("C", "\"ack_policy\":\"explicit\"");
        foreach (var isMirror in new[] { true, false })
        {
            // A work queue's copy takes what it has copied.
            await cluster.DoAsync($"STREAM.PURGE.{_name}");
            ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(0);
            await CopyAsync($$"""{"name":"{{_name}}"}""", isMirror, replicas);
            await WaitForCopyAsync(1);
            await cluster.DoAsync($"STREAM.DELETE.{Copy}");
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterActiveActiveSourcedStreams")]
    public async Task TwoStreamsMaySourceTheOthersOwnSubjects()
    {
        var other = NewName();
        foreach (var name in new[] { _name, other }) await cluster.DoAsync($"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","subjects":["{{name}}.>"]}""");
        foreach (var (name, from) in new[] { (_name, other), (other, _name) })
        {
            await cluster.DoAsync($"STREAM.UPDATE.{name}", $$"""{"name":"{{name}}","subjects":["{{name}}.>"],"sources":[{"name":"{{from}}","filter_subject":"{{from}}.>"}]}""");
        }
        foreach (var name in new[] { _name, other }) ErrorOf(await cluster.PublishAsync($"{name}.a")).ShouldBe(0);
        foreach (var name in new[] { _name, other }) await cluster.WaitForMessagesAsync(name, 2);
    }

    private Task WaitForCopyAsync(int count)
    {
        var seen = "";
        return Wait.Until(
            $"{count} messages are copied",
            async () =>
            {
                var information = await cluster.DoAsync($"STREAM.INFO.{Copy}");
                seen = information.ToString();
                return information.GetProperty("state").GetProperty("messages").GetInt32() == count;
            },
            () => seen);
    }

    private Task<JsonElement> CreateAsync(int replicas, string retention) => cluster.DoAsync(
        $"STREAM.CREATE.{_name}",
        $$"""{"name":"{{_name}}","subjects":["{{_name}}.a","{{_name}}.b"],"storage":"file","num_replicas":{{replicas}},"retention":"{{retention}}"}""");

    private Task<JsonElement> CopyAsync(string origin, bool isMirror, int replicas) => cluster.DoAsync(
        $"STREAM.CREATE.{Copy}",
        $$"""{"name":"{{Copy}}","storage":"file","num_replicas":{{replicas}},{{(isMirror ? $"\"mirror\":{origin}" : $"\"sources\":[{origin}]")}} }""");

    private Task<JsonElement> MakeAsync(string consumer, string fields) =>
        cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{_name}.{consumer}", $$"""{"stream_name":"{{_name}}","config":{"durable_name":"{{consumer}}",{{fields}}} }""");
}
