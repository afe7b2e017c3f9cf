using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>Times to live of messages in streams of a cluster, and the markers they leave.</summary>
public sealed class ClusterMarkerTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private readonly string _name = NewName();

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterMessageTTLDisabled")]
    public async Task ATimeToLiveThatIsNotAllowedIsRefusedBeforeItIsProposed()
    {
        await CreateAsync(3, "file", "");
        await cluster.WaitForMessagesAsync(_name, 0);
        ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(0);
        await cluster.Servers.WaitForEqualAsync(_name, 1);
        var group = cluster.Servers.HostOf(await cluster.Servers.LeaderOfAsync(_name), _name)!.Group!;
        var last = group.Status.LastIndex;
        ErrorOf(await cluster.PublishAsync($"{_name}.a", ("Nats-TTL", "1s"))).ShouldBe(10166);
        group.Status.LastIndex.ShouldBe(last);
        (await cluster.PublishAsync($"{_name}.a", ("Nats-Expected-Last-Sequence", "1"))).GetProperty("seq").GetInt32().ShouldBe(2);
        await cluster.Servers.WaitForEqualAsync(_name, 2);
    }

    [Theory]
    [InlineData(1, "file")]
    [InlineData(3, "file")]
    [InlineData(1, "memory")]
    [InlineData(3, "memory")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSubjectDeleteMarkersMinimumTTL")]
    public async Task NothingLivesShorterThanItsMarkerWould(int replicas, string storage)
    {
        await CreateAsync(replicas, storage, "\"subject_delete_marker_ttl\":2000000000,\"allow_msg_ttl\":true");
        var before = TimeProvider.System.GetUtcNow();
        ErrorOf(await cluster.PublishAsync($"{_name}.a", ("Nats-TTL", "1s"))).ShouldBe(0);
        (await HeadersAsync(1))!["Nats-TTL"].ShouldBe("2");
        await WaitUntilGoneAsync(1);
        (TimeProvider.System.GetUtcNow() - before).TotalSeconds.ShouldBeGreaterThan(1.9);
        await ExpectMarkerAsync(2);
        // Behind the marker of the first there is one of the second only if that outlives it.
        (await cluster.PublishAsync($"{_name}.a", ("Nats-TTL", "1s"))).GetProperty("seq").GetInt32().ShouldBe(3);
        await WaitUntilGoneAsync(2);
        await WaitUntilGoneAsync(3);
        await ExpectMarkerAsync(4);
    }

    [Theory]
    [InlineData(1, "file")]
    [InlineData(3, "file")]
    [InlineData(1, "memory")]
    [InlineData(3, "memory")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSubjectDeleteMarkersMinimumTTLExceptionMaxMsgsPer")]
    public async Task WhereASubjectHasOneMessageItLivesAsShortAsItSays(int replicas, string storage)
    {
        await CreateAsync(replicas, storage, "\"subject_delete_marker_ttl\":3600000000000,\"allow_msg_ttl\":true,\"max_msgs_per_subject\":1");
        ErrorOf(await cluster.PublishAsync($"{_name}.a", ("Nats-TTL", "1s"))).ShouldBe(0);
        (await HeadersAsync(1))!["Nats-TTL"].ShouldBe("1s");
        await WaitUntilGoneAsync(1);
        await ExpectMarkerAsync(2);
        (await cluster.PublishAsync($"{_name}.a", ("Nats-TTL", "1s"))).GetProperty("seq").GetInt32().ShouldBe(3);
        await WaitUntilGoneAsync(2);
        await WaitUntilGoneAsync(3);
        await ExpectMarkerAsync(4);
    }

    [Theory]
    [InlineData(1, "file")]
    [InlineData(3, "file")]
    [InlineData(1, "memory")]
    [InlineData(3, "memory")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSubjectDeleteMarkersNoMsgTTLSet")]
    public async Task WhatSaysNoTimeStays(int replicas, string storage)
    {
        await CreateAsync(replicas, storage, "\"subject_delete_marker_ttl\":1000000000,\"allow_msg_ttl\":true");
        ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(0);
        // What comes later and says a time is gone before it.
        ErrorOf(await cluster.PublishAsync($"{_name}.b", ("Nats-TTL", "1s"))).ShouldBe(0);
        await WaitUntilGoneAsync(2);
        (await HeadersAsync(1)).ShouldBeNull();
        await ExpectMarkerAsync(3, "b");
    }

    private Task<JsonElement> CreateAsync(int replicas, string storage, string more) => cluster.DoAsync(
        $"STREAM.CREATE.{_name}",
        $$"""{"name":"{{_name}}","subjects":["{{_name}}.>"],"storage":"{{storage}}","num_replicas":{{replicas}}{{(more.Length == 0 ? "" : "," + more)}}}""");

    private Task<JsonElement> GetAsync(int sequence) => StreamCluster.AskAsync(cluster.Client, $"STREAM.MSG.GET.{_name}", $$"""{"seq":{{sequence}}}""");

    private async Task<TestHeaders?> HeadersAsync(int sequence) =>
        (await GetAsync(sequence)).GetProperty("message").TryGetProperty("hdrs", out var headers) ? TestHeaders.Parse(headers.GetBytesFromBase64()) : null;

    private Task WaitUntilGoneAsync(int sequence) => Wait.Until($"{sequence} is gone", async () => ErrorOf(await GetAsync(sequence)) == 10037);

    private async Task ExpectMarkerAsync(int sequence, string subject = "a")
    {
        await Wait.Until($"{sequence} is there", async () => ErrorOf(await GetAsync(sequence)) == 0);
        (await HeadersAsync(sequence))!["Nats-Marker-Reason"].ShouldBe("MaxAge");
        (await GetAsync(sequence)).GetProperty("message").GetProperty("subject").GetString().ShouldBe($"{_name}.{subject}");
    }
}
