using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>JetStream of several clusters, which have one meta group: where streams come to be, and their use from elsewhere.</summary>
public sealed class SuperClusterStreamTests
{
    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterBasics")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterPullConsumerAndHeaders")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterGetNextRewrite")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterGWReplyRewrite")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterStreamTagPlacement")]
    public async Task StreamsAreWhereTheyAreWantedAndUsedFromEverywhere()
    {
        await using var super = await StartAsync();
        await using var a = await super.ConnectAsync("A1");
        await using var b = await super.ConnectAsync("B2");
        // In the cluster that is named, in the client's own, and where the tag is.
        await PlaceAsync(a, "FAR", 2, """, "placement":{"cluster":"B"}""");
        await PlaceAsync(a, "NEAR", 2, "");
        await PlaceAsync(a, "TAGGED", 1, """, "placement":{"tags":["at:B1"]}""");
        await HeldBy(super, "FAR", "B1", "B2");
        await HeldBy(super, "NEAR", "A1", "A2");
        (await StreamCluster.AskAsync(a, "STREAM.CREATE.NOWHERE", """{"name":"NOWHERE","subjects":["n"],"placement":{"cluster":"Z"}}""")).GetProperty("error").GetProperty("err_code").GetInt32().ShouldBe(10005);
        await HeldBy(super, "TAGGED", "B1");
        for (var i = 1; i <= 20; i++) (await StreamCluster.PublishAsync(i % 2 == 0 ? a : b, "FAR.x", $"{i}")).ShouldBe((ulong)i);
        var info = await StreamCluster.AskAsync(a, "STREAM.INFO.FAR");
        info.GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(20);
        info.GetProperty("cluster").GetProperty("name").GetString().ShouldBe("B");
        // A consumer is used across, each request from an inbox that nobody there knows yet.
        (await StreamCluster.AskAsync(a, "CONSUMER.CREATE.FAR.D", """{"stream_name":"FAR","config":{"durable_name":"D","ack_policy":"explicit"}}""")).TryGetProperty("error", out _).ShouldBeFalse();
        for (var i = 1; i <= 5; i++)
        {
            await using var fresh = await super.ConnectAsync(i % 2 == 0 ? "A1" : "A2");
            await StreamCluster.HearOfAsync(fresh, "FAR", "D");
            var inbox = await fresh.SubscribeAsync($"pull.{i}");
            await fresh.PublishAsync("$JS.API.CONSUMER.MSG.NEXT.FAR.D", """{"batch":1,"expires":10000000000}""", $"pull.{i}");
            var message = await inbox.NextAsync();
            message.Subject.ShouldBe("FAR.x");
            message.Text.ShouldBe($"{i}");
            (await fresh.RequestAsync(message.Reply!, "+ACK")).Payload.ShouldBeEmpty();
        }
        await Wait.Until("all is acknowledged", async () =>
            (await StreamCluster.AskAsync(b, "CONSUMER.INFO.FAR.D")).GetProperty("ack_floor").GetProperty("consumer_seq").GetInt32() == 5);
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterPushConsumerInterest")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterCrossClusterConsumerInterest")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterEphemeralCleanup")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterStreamAlternates")]
    public async Task WhatIsDeliveredAndCopiedCrosses()
    {
        await using var super = await StartAsync();
        await using var a = await super.ConnectAsync("A2");
        await using var b = await super.ConnectAsync("B1");
        await PlaceAsync(b, "ORIGIN", 1, "");
        for (var i = 1; i <= 10; i++) await StreamCluster.PublishAsync(b, "ORIGIN.x", $"{i}");
        var delivered = await a.SubscribeAsync("deliver.here");
        (await StreamCluster.AskAsync(a, "CONSUMER.CREATE.ORIGIN", """{"stream_name":"ORIGIN","config":{"deliver_subject":"deliver.here","ack_policy":"explicit","inactive_threshold":1000000000}}""")).TryGetProperty("error", out _).ShouldBeFalse();
        for (var i = 1; i <= 10; i++)
        {
            var message = await delivered.NextAsync();
            message.Text.ShouldBe($"{i}");
            message.Subject.ShouldBe("ORIGIN.x");
            await a.PublishAsync(message.Reply!, "+ACK");
        }
        foreach (var (copy, from) in new[] { ("MIRROR", "\"mirror\":{\"name\":\"ORIGIN\"}"), ("SOURCED", "\"sources\":[{\"name\":\"ORIGIN\"}]") })
        {
            (await StreamCluster.PlaceAsync(a, $"STREAM.CREATE.{copy}", $$"""{"name":"{{copy}}","placement":{"cluster":"A"},{{from}}}""")).TryGetProperty("error", out var error).ShouldBeFalse($"{error}");
            await Wait.Until($"{copy} is whole", async () => (await StreamCluster.AskAsync(a, $"STREAM.INFO.{copy}")).GetProperty("state").GetProperty("messages").GetInt32() == 10, timeout: TimeSpan.FromSeconds(40));
            super.HoldersOf(copy).Single().ShouldStartWith("A");
        }
        // Who asks is told which of them is nearest to him.
        foreach (var (client, first) in new[] { (a, "MIRROR:A"), (b, "ORIGIN:B") })
        {
            var alternates = (await StreamCluster.AskAsync(client, "STREAM.INFO.ORIGIN")).GetProperty("alternates").EnumerateArray().ToList();
            alternates.Count.ShouldBe(2);
            $"{alternates[0].GetProperty("name").GetString()}:{alternates[0].GetProperty("cluster").GetString()}".ShouldBe(first);
        }
        // Nobody listens across any more: the consumer goes.
        await delivered.UnsubscribeAsync();
        await a.FlushAsync();
        await Wait.Until("the consumer is gone", async () => (await StreamCluster.AskAsync(b, "CONSUMER.NAMES.ORIGIN")).GetProperty("consumers").ToString() is var left && !left.Contains("deliver", StringComparison.Ordinal) && JsonDocument.Parse(left).RootElement.EnumerateArray().Count() <= 2, timeout: TimeSpan.FromSeconds(40));
    }

    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterMovingR1Stream")]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterMovingStreamsAndConsumers")]
    public async Task AStreamMovesToTheOtherClusterAndBack()
    {
        await using var super = await StartAsync();
        await using var a = await super.ConnectAsync("A1");
        await PlaceAsync(a, "MOVING", 2, """, "placement":{"cluster":"A"}""");
        for (var i = 1; i <= 20; i++) await StreamCluster.PublishAsync(a, "MOVING.x", $"{i}");
        (await StreamCluster.AskAsync(a, "CONSUMER.CREATE.MOVING.D", """{"stream_name":"MOVING","config":{"durable_name":"D","ack_policy":"explicit"}}""")).TryGetProperty("error", out _).ShouldBeFalse();
        var last = 20UL;
        foreach (var (cluster, servers) in new[] { ("B", new[] { "B1", "B2" }), ("A", ["A1", "A2"]) })
        {
            var answer = await StreamCluster.PlaceAsync(a, "STREAM.UPDATE.MOVING", $$"""{"name":"MOVING","subjects":["MOVING.>"],"num_replicas":2,"placement":{"cluster":"{{cluster}}"} }""");
            answer.TryGetProperty("error", out _).ShouldBeFalse(answer.ToString());
            last = await StreamCluster.PublishAsync(a, "MOVING.x", $"towards {cluster}");
            await Wait.Until(
                $"it has moved to {cluster}",
                () => super.HoldersOf("MOVING").Order().SequenceEqual(servers) && servers.All(server => super.HostOf(server, "MOVING")!.State.LastSequence == last),
                () => string.Join(", ", super.HoldersOf("MOVING")),
                TimeSpan.FromSeconds(60));
        }
        last.ShouldBe(22UL);
        var inbox = await a.SubscribeAsync("pull.here");
        await Wait.Until("the consumer is there", async () => (await StreamCluster.AskAsync(a, "CONSUMER.INFO.MOVING.D")).TryGetProperty("num_pending", out var pending) && pending.GetInt32() == 22);
        await StreamCluster.HearOfAsync(a, "MOVING", "D");
        await a.PublishAsync("$JS.API.CONSUMER.MSG.NEXT.MOVING.D", """{"batch":22,"expires":10000000000}""", "pull.here");
        for (var i = 1; i <= 20; i++) (await inbox.NextAsync()).Text.ShouldBe($"{i}");
    }

    private static async Task<SuperCluster> StartAsync()
    {
        var super = await SuperCluster.StartAsync(clusters: 2, servers: 2, jetStream: "", each: name => $"server_tags: [\"at:{name}\"]");
        await super.WaitForMetaLeaderAsync();
        return super;
    }

    private static async Task PlaceAsync(TestClient client, string name, int replicas, string more)
    {
        var answer = await StreamCluster.PlaceAsync(client, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","subjects":["{{name}}.>"],"num_replicas":{{replicas}}{{more}}}""");
        answer.TryGetProperty("error", out _).ShouldBeFalse(answer.ToString());
    }

    private static Task HeldBy(SuperCluster super, string stream, params string[] servers) => Wait.Until(
        $"{stream} is held by {string.Join(", ", servers)}",
        () => super.HoldersOf(stream).Order().SequenceEqual(servers),
        () => string.Join(", ", super.HoldersOf(stream)),
        TimeSpan.FromSeconds(30));
}
