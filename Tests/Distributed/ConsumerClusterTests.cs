using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Consumers of streams that several servers hold.</summary>
public sealed class ConsumerClusterTests
{
    [Fact]
    public async Task WhatWasConfirmedDoesNotComeAgain()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 3);
        for (var i = 1; i <= 100; i++) await client.PublishAsync("S.a", $"message {i}");
        await StreamCluster.PublishAsync(client, "S.a", "message 101");
        await CreateConsumerAsync(client, "S", "C", "");
        var confirmed = new HashSet<string>();
        for (var i = 0; i < 40; i++) confirmed.Add(await TakeAsync(client, "S", "C"));
        var leader = await LeaderOfAsync(cluster, "S", "C");
        await cluster.StopAsync(leader);
        await using var other = await cluster.ConnectAsync((leader + 1) % 3);
        await Wait.Until("another server leads the consumer", () => Enumerable.Range(0, 3).Any(server => server != leader && Leads(cluster, server, "S", "C")), timeout: TimeSpan.FromSeconds(40));
        for (var i = confirmed.Count; i < 101; i++) confirmed.Add(await TakeAsync(other, "S", "C")).ShouldBeTrue("it was confirmed before");
        confirmed.Count.ShouldBe(101);
        var info = await StreamCluster.AskAsync(other, "CONSUMER.INFO.S.C");
        (info.GetProperty("num_pending").GetUInt64(), info.GetProperty("ack_floor").GetProperty("stream_seq").GetUInt64()).ShouldBe((0UL, 101UL));
        await cluster.StartAsync(leader);
        await Wait.Until(
            "the server that was away knows it too",
            () => cluster.HostOf(leader, "S")?.Consumers.Find("C"u8)?.Replica.AckFloor.Stream == 101,
            () => $"{cluster.HostOf(leader, "S")?.Consumers.Find("C"u8)?.Replica.AckFloor}",
            TimeSpan.FromSeconds(40));
    }

    [Theory]
    [InlineData("workqueue")]
    [InlineData("interest")]
    public async Task WhatIsDoneIsGoneEverywhere(string retention)
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync(2);
        await StreamCluster.CreateAsync(client, "S", 3, $",\"retention\":\"{retention}\"");
        await CreateConsumerAsync(client, "S", "C", "");
        for (var i = 1; i < 30; i++) await client.PublishAsync("S.a", $"message {i}");
        await StreamCluster.PublishAsync(client, "S.a", "message 30");
        for (var i = 0; i < 20; i++) await TakeAsync(client, "S", "C");
        await Wait.Until(
            "ten are left on every server",
            () => Enumerable.Range(0, 3).All(server => cluster.HostOf(server, "S")?.State is { Messages: 10, FirstSequence: 21 }),
            () => string.Join("; ", Enumerable.Range(0, 3).Select(server => cluster.HostOf(server, "S")?.State)));
    }

    [Fact]
    public async Task OneReplicaOfManyServesAlone()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 3);
        await StreamCluster.PublishAsync(client, "S.a", "only");
        await CreateConsumerAsync(client, "S", "C", ",\"num_replicas\":1");
        (await TakeAsync(client, "S", "C")).ShouldBe("only");
        Enumerable.Range(0, 3).Count(server => cluster.HostOf(server, "S")!.Consumers.Find("C"u8) is not null).ShouldBe(1);
        (await StreamCluster.AskAsync(client, "CONSUMER.LIST.S")).GetProperty("consumers").EnumerateArray().Select(consumer => consumer.GetProperty("name").GetString()).ShouldBe(["C"]);
        (await StreamCluster.AskAsync(client, "CONSUMER.DELETE.S.C")).GetProperty("success").GetBoolean().ShouldBeTrue();
        (await StreamCluster.AskAsync(client, "CONSUMER.INFO.S.C")).GetProperty("error").GetProperty("err_code").GetInt32().ShouldBe(10014);
    }

    /// <summary>Its leader says it, and nobody besides.</summary>
    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterConsumerPauseAdvisories")]
    public async Task LifeAndPauseOfAConsumerAreToldOnce()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 3);
        var told = await client.SubscribeAsync("$JS.EVENT.ADVISORY.CONSUMER.*.S.C");
        var until = TimeProvider.System.GetUtcNow().AddMinutes(5).UtcDateTime.ToString("o");
        await CreateConsumerAsync(client, "S", "C", $",\"pause_until\":\"{until}\"");
        (await StreamCluster.AskAsync(client, "CONSUMER.PAUSE.S.C")).GetProperty("paused").GetBoolean().ShouldBeFalse();
        (await StreamCluster.AskAsync(client, "CONSUMER.DELETE.S.C")).GetProperty("success").GetBoolean().ShouldBeTrue();
        // Whatever else another member may say comes before what it says of the second consumer.
        await CreateConsumerAsync(client, "S", "C", "");
        var seen = new List<string>();
        while (seen.Count(one => one == "CREATED") < 2)
        {
            var message = await told.NextAsync();
            var what = message.Subject.Split('.')[4];
            seen.Add(what == "PAUSE" ? message.Text.Contains("\"paused\":true", StringComparison.Ordinal) ? "PAUSED" : "RESUMED" : what);
        }
        foreach (var one in new[] { "PAUSED", "RESUMED", "DELETED" }) seen.Count(what => what == one).ShouldBe(1, string.Join(", ", seen));
    }

    [Fact]
    [Upstream("jetstream_cluster_2_test.go", "TestJetStreamClusterR1ConsumerAdvisory")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterConsumerPauseSurvivesRestart")]
    public async Task APauseOutlivesRestarts()
    {
        await using var cluster = await StreamCluster.StartAsync();
        string[] names = ["R1", "R3"];
        await using (var client = await cluster.ConnectAsync())
        {
            await StreamCluster.CreateAsync(client, "S", 3);
            await StreamCluster.PublishAsync(client, "S.a", "x");
            var told = await client.SubscribeAsync("$JS.EVENT.ADVISORY.CONSUMER.CREATED.>");
            foreach (var name in names)
            {
                await CreateConsumerAsync(client, "S", name, $",\"pause_until\":\"2100-01-01T00:00:00Z\",\"num_replicas\":{name[1]}");
                (await told.NextAsync()).Subject.ShouldBe($"$JS.EVENT.ADVISORY.CONSUMER.CREATED.S.{name}");
            }
        }
        var leader = Enumerable.Range(0, 3).Single(server => Leads(cluster, server, "S", "R3"));
        await cluster.StopAsync(leader);
        await cluster.StartAsync(leader);
        await ExpectRestAsync();
        for (var i = 0; i < 3; i++) await cluster.StopAsync(i);
        for (var i = 0; i < 3; i++) await cluster.StartAsync(i);
        await ExpectRestAsync();

        async Task ExpectRestAsync()
        {
            await using var client = await cluster.ConnectAsync();
            foreach (var name in names)
            {
                await Wait.Until($"{name} is served", () => Enumerable.Range(0, 3).Any(server => Leads(cluster, server, "S", name)), timeout: TimeSpan.FromSeconds(40));
                (await StreamCluster.AskAsync(client, $"CONSUMER.INFO.S.{name}")).GetProperty("paused").GetBoolean().ShouldBeTrue();
                await StreamCluster.HearOfAsync(client, "S", name);
                (await client.RequestAsync($"$JS.API.CONSUMER.MSG.NEXT.S.{name}", """{"batch":1,"no_wait":true}""")).Headers!.Status.ShouldStartWith("404");
            }
        }
    }

    private static async Task CreateConsumerAsync(TestClient client, string stream, string name, string more)
    {
        var answer = await StreamCluster.AskAsync(client, $"CONSUMER.CREATE.{stream}.{name}", $$$"""{"stream_name":"{{{stream}}}","config":{"durable_name":"{{{name}}}","ack_policy":"explicit","ack_wait":2000000000{{{more}}}}}""");
        answer.TryGetProperty("error", out _).ShouldBeFalse(answer.ToString());
    }

    /// <summary>Takes one message, and returns when its acknowledgement is confirmed.</summary>
    private static async Task<string> TakeAsync(TestClient client, string stream, string consumer)
    {
        var (taken, seen) = ("", "");
        await Wait.Until(
            "a message is taken and confirmed",
            async () =>
            {
                try
                {
                    seen = "no message";
                    var message = await client.RequestAsync($"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", """{"batch":1,"expires":2000000000}""", timeout: TimeSpan.FromSeconds(3));
                    seen = $"{message.Headers} {message.Text}";
                    if (message.IsNoResponders || message.Reply is null) return false;
                    (taken, seen) = (message.Text, $"{message.Text}, not confirmed: {message.Reply}");
                    await client.RequestAsync(message.Reply, "+ACK", timeout: TimeSpan.FromSeconds(2));
                    return true;
                }
                catch (TimeoutException)
                {
                    return false;
                }
            },
            () => seen,
            TimeSpan.FromSeconds(40));
        return taken;
    }

    private static bool Leads(StreamCluster cluster, int server, string stream, string consumer) =>
        cluster.HostOf(server, stream)?.Consumers.Serves(System.Text.Encoding.UTF8.GetBytes(consumer)) == true;

    private static async Task<int> LeaderOfAsync(StreamCluster cluster, string stream, string consumer)
    {
        var leader = -1;
        await Wait.Until("the consumer has a leader", () => (leader = Enumerable.Range(0, 3).FirstOrDefault(server => Leads(cluster, server, stream, consumer), -1)) >= 0, timeout: TimeSpan.FromSeconds(40));
        return leader;
    }
}
