using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>What readers of a cluster's streams see of times to live: markers, roll-ups that end, copies.</summary>
public sealed class ClusterTimeToLiveTests(SharedStreamCluster cluster) : IClassFixture<SharedStreamCluster>
{
    private const string Marks = "\"allow_msg_ttl\":true,\"subject_delete_marker_ttl\":1000000000";

    private readonly string _name = NewName();

    [Theory]
    [InlineData("file")]
    [InlineData("memory")]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterSubjectDeleteMarkers")]
    public async Task WhatIsTooOldLeavesOneMarker(string storage)
    {
        var reader = await ReadAsync(storage, $"{Marks},\"max_age\":1000000000");
        ExpectMarker(await reader.NextAsync());
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterSubjectDeleteMarkersTTLRollupWithMaxAge")]
    public async Task ARollupGoesAtTheAgeOfItsStreamIfThatIsSooner()
    {
        var reader = await ReadAsync("file", $"{Marks},\"max_age\":1000000000,\"allow_rollup_hdrs\":true");
        var before = TimeProvider.System.GetUtcNow();
        await RollUpAsync(reader, "2s");
        ExpectMarker(await reader.NextAsync());
        (TimeProvider.System.GetUtcNow() - before).TotalSeconds.ShouldBeInRange(1, 1.95);
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterSubjectDeleteMarkersTTLRollupWithoutMaxAge")]
    public async Task BehindARollupAndItsMarkerNothingIsLeft()
    {
        var reader = await ReadAsync("file", $"{Marks},\"allow_rollup_hdrs\":true");
        await RollUpAsync(reader, "1s");
        ExpectMarker(await reader.NextAsync());
        await cluster.WaitForMessagesAsync(_name, 0);
        (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("state").GetProperty("first_seq").GetInt32().ShouldBe(6);
    }

    [Theory]
    [InlineData("file")]
    [InlineData("memory")]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterSubjectDeleteMarkersTimingWithMaxAge")]
    public async Task EachMessageGoesAtItsTimeNotAtTheAgeOfItsStream(string storage)
    {
        await CreateAsync(_name, storage, $"\"subjects\":[\"{_name}.>\"],{Marks},\"allow_rollup_hdrs\":true,\"max_age\":60000000000");
        for (var round = 0; round < 2; round++)
        {
            (await cluster.PublishAsync($"{_name}.a", ("Nats-TTL", "1s"))).GetProperty("seq").GetInt32().ShouldBe((round * 2) + 1);
            JsonElement last = default;
            var marker = (round * 2) + 2;
            await Wait.Until(
                "the marker is there",
                async () => (last = await LastAsync()).TryGetProperty("message", out var message) && message.GetProperty("seq").GetInt32() == marker,
                () => last.ToString());
            await Wait.Until("the marker is gone", async () => ErrorOf(last = await LastAsync()) == 10037, () => last.ToString());
        }

        Task<JsonElement> LastAsync() => StreamCluster.AskAsync(cluster.Client, $"STREAM.MSG.GET.{_name}", $$"""{"last_by_subj":"{{_name}}.a"}""");
    }

    [Theory]
    [InlineData("sources")]
    [InlineData("mirror")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterMessageTTLWhenSourcing")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterMessageTTLWhenMirroring")]
    public async Task CopiesGoAtTheirTimeWhereTimesToLiveAreAllowed(string kind)
    {
        var origin = $$"""{"name":"{{_name}}"}""";
        var from = kind == "mirror" ? $"\"mirror\":{origin}" : $"\"sources\":[{origin}]";
        await CreateAsync(_name, "file", $"\"subjects\":[\"{_name}.>\"],\"allow_msg_ttl\":true");
        await CreateAsync($"{_name}-on", "file", $"{from},\"allow_msg_ttl\":true");
        await CreateAsync($"{_name}-off", "file", from);
        ErrorOf(await cluster.PublishAsync($"{_name}.a", ("Nats-TTL", "2s"))).ShouldBe(0);
        foreach (var copy in new[] { $"{_name}-on", $"{_name}-off" })
        {
            await cluster.DoAsync($"CONSUMER.DURABLE.CREATE.{copy}.C", $$"""{"stream_name":"{{copy}}","config":{"durable_name":"C","ack_policy":"none"} }""");
            (await cluster.FetchAsync(copy, "C", 1)).Single().Headers!["Nats-TTL"].ShouldBe("2s");
        }
        await cluster.WaitForMessagesAsync($"{_name}-on", 0);
        await cluster.WaitForMessagesAsync($"{_name}-off", 1);
    }

    private static void ExpectMarker(TestMessage message) => (message.Headers!["Nats-Marker-Reason"], message.Headers["Nats-TTL"]).ShouldBe(("MaxAge", "1s"));

    private Task<JsonElement> CreateAsync(string name, string storage, string more) =>
        cluster.DoAsync($"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","storage":"{{storage}}","num_replicas":3,{{more}}}""");

    /// <summary>A stream with three messages, and who has read them.</summary>
    private async Task<TestSubscription> ReadAsync(string storage, string more)
    {
        await CreateAsync(_name, storage, $"\"subjects\":[\"{_name}.>\"],{more}");
        var reader = await cluster.Client.SubscribeAsync($"to.{_name}");
        await cluster.DoAsync($"CONSUMER.CREATE.{_name}.C", $$"""{"stream_name":"{{_name}}","config":{"name":"C","ack_policy":"none","deliver_subject":"to.{{_name}}"} }""");
        for (var i = 0; i < 3; i++) ErrorOf(await cluster.PublishAsync($"{_name}.a")).ShouldBe(0);
        for (var i = 0; i < 3; i++) (await reader.NextAsync()).Text.ShouldBe("x");
        return reader;
    }

    private async Task RollUpAsync(TestSubscription reader, string time)
    {
        (await cluster.PublishAsync($"{_name}.a", ("Nats-TTL", time), ("Nats-Rollup", "sub"))).GetProperty("seq").GetInt32().ShouldBe(4);
        var state = (await cluster.DoAsync($"STREAM.INFO.{_name}")).GetProperty("state");
        (state.GetProperty("messages").GetInt32(), state.GetProperty("first_seq").GetInt32()).ShouldBe((1, 4));
        var message = await reader.NextAsync();
        (message.Headers!["Nats-Rollup"], message.Headers["Nats-TTL"]).ShouldBe(("sub", time));
    }
}
