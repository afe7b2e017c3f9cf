using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Streams that several servers hold.</summary>
public sealed class StreamClusterTests
{
    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterMultiReplicaStreams")]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamPurge")]
    public async Task EveryMemberHoldsTheSame()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync(1);
        await StreamCluster.CreateAsync(client, "ONE", 1);
        (await StreamCluster.PublishAsync(client, "ONE.a", "alone")).ShouldBe(1UL);
        await StreamCluster.CreateAsync(client, "THREE", 3);
        for (var i = 1; i < 500; i++) await client.PublishAsync($"THREE.{i % 7}", $"message {i}");
        (await StreamCluster.PublishAsync(client, "THREE.last", "message 500")).ShouldBe(500UL);
        await cluster.WaitForEqualAsync("THREE", 500);
        (await StreamCluster.AskAsync(client, "STREAM.MSG.DELETE.THREE", """{"seq":250}""")).GetProperty("success").GetBoolean().ShouldBeTrue();
        (await StreamCluster.AskAsync(client, "STREAM.PURGE.THREE", """{"filter":"THREE.3"}""")).GetProperty("purged").GetUInt64().ShouldBe(71UL);
        await StreamCluster.PublishAsync(client, "THREE.after", "the purge");
        await cluster.WaitForEqualAsync("THREE", 501);
        var info = await StreamCluster.AskAsync(client, "STREAM.INFO.THREE");
        info.GetProperty("state").GetProperty("messages").GetUInt64().ShouldBe(500UL - 71 - (250 % 7 == 3 ? 0u : 1u) + 1);
        var members = info.GetProperty("cluster");
        members.GetProperty("replicas").EnumerateArray().Select(replica => replica.GetProperty("name").GetString()).Append(members.GetProperty("leader").GetString())
            .Order().ShouldBe(["n1", "n2", "n3"]);
        (await StreamCluster.AskAsync(client, "STREAM.NAMES")).GetProperty("streams").EnumerateArray().Select(name => name.GetString()).ShouldBe(["ONE", "THREE"]);
        (await StreamCluster.AskAsync(client, "STREAM.LIST")).GetProperty("streams").EnumerateArray().Select(stream => stream.GetProperty("config").GetProperty("name").GetString()).ShouldBe(["ONE", "THREE"]);
        (await StreamCluster.AskAsync(client, "STREAM.DELETE.THREE")).GetProperty("success").GetBoolean().ShouldBeTrue();
        await Wait.Until("it is gone everywhere", () => Enumerable.Range(0, 3).All(server => cluster.HostOf(server, "THREE") is null));
        (await StreamCluster.AskAsync(client, "STREAM.INFO.THREE")).GetProperty("error").GetProperty("err_code").GetInt32().ShouldBe(10059);
    }

    [Fact]
    public async Task LeadershipIsHandedOn()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 3);
        await StreamCluster.PublishAsync(client, "S.a", "before");
        var before = await cluster.LeaderOfAsync("S");
        (await StreamCluster.AskAsync(client, "STREAM.LEADER.STEPDOWN.S")).GetProperty("success").GetBoolean().ShouldBeTrue();
        await Wait.Until("another one leads", () => Enumerable.Range(0, 3).Any(server => server != before && cluster.HostOf(server, "S") is { Leads: true }));
        (await StreamCluster.PublishAsync(client, "S.a", "after")).ShouldBe(2UL);
        await cluster.WaitForEqualAsync("S", 2);
    }

    [Fact]
    public async Task DirectGetsAreAnsweredOnceByAnyMemberThatIsCurrent()
    {
        const int Requests = 30;
        await using var cluster = await StreamCluster.StartAsync();
        await using (var client = await cluster.ConnectAsync())
        {
            await StreamCluster.CreateAsync(client, "S", 3, ",\"allow_direct\":true");
            await StreamCluster.PublishAsync(client, "S.a", "message 1");
        }
        await Wait.Until("all members answer", () => Enumerable.Range(0, 3).All(server => cluster.HostOf(server, "S") is { AnswersDirectGets: true }));
        for (var server = 0; server < 3; server++)
        {
            await using var client = await cluster.ConnectAsync(server);
            var inbox = await client.SubscribeAsync("inbox");
            for (var i = 0; i < Requests; i++) await client.PublishAsync("$JS.API.DIRECT.GET.S.S.a", "", "inbox");
            for (var i = 0; i < Requests; i++) (await inbox.NextAsync()).Text.ShouldBe("message 1");
            // A second answer to any of them would come before this one.
            await client.PublishAsync("$JS.API.DIRECT.GET.S", "{\"seq\":2}", "inbox");
            (await inbox.NextAsync()).Headers!.Status!.ShouldStartWith("404");
        }
        var first = await cluster.LeaderOfAsync("S");
        await cluster.StopAsync(first);
        var second = await cluster.LeaderOfAsync("S");
        await cluster.StopAsync(second);
        var last = 3 - first - second;
        await Wait.Until("who has lost its leader answers no more", () => cluster.HostOf(last, "S") is { AnswersDirectGets: false }, timeout: TimeSpan.FromSeconds(30));
        await using var alone = await cluster.ConnectAsync(last);
        (await alone.RequestAsync("$JS.API.DIRECT.GET.S.S.a", "")).IsNoResponders.ShouldBeTrue();
    }

    /// <summary>Elections begin by themselves after four seconds at the earliest.</summary>
    [Fact]
    public async Task WhoStopsHandsOnWhatItLeads()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        for (var i = 0; i < 6; i++) await StreamCluster.CreateAsync(client, $"S{i}", 3);
        var leader = await cluster.LeaderOfAsync("S0");
        var led = Enumerable.Range(0, 6).Where(i => cluster.HostOf(leader, $"S{i}") is { Leads: true }).ToArray();
        var stopping = cluster.StopAsync(leader);
        await Wait.Until(
            "others lead all it has led, and the cluster",
            () => led.All(i => Enumerable.Range(0, 3).Any(server => server != leader && cluster.HostOf(server, $"S{i}") is { Leads: true }))
                && Enumerable.Range(0, 3).Any(server => server != leader && cluster.Servers[server]?.JetStreamService?.Meta is { IsLeading: true }),
            timeout: TimeSpan.FromSeconds(3));
        await stopping;
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamNormalCatchup")]
    public async Task WhatWasAcknowledgedSurvivesTheLeader()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using (var client = await cluster.ConnectAsync())
        {
            await StreamCluster.CreateAsync(client, "S", 3);
            for (var i = 1; i <= 50; i++) (await StreamCluster.PublishAsync(client, "S.a", $"message {i}")).ShouldBe((ulong)i);
        }
        var leader = await cluster.LeaderOfAsync("S");
        await cluster.StopAsync(leader);
        await using var other = await cluster.ConnectAsync((leader + 1) % 3);
        for (var i = 51; i <= 100; i++) await StreamCluster.PublishAsync(other, "S.a", $"message {i}");
        await cluster.StartAsync(leader);
        await cluster.WaitForEqualAsync("S", 100);
        var last = (await StreamCluster.AskAsync(other, "STREAM.INFO.S")).GetProperty("state").GetProperty("last_seq").GetUInt64();
        for (var sequence = 1UL; sequence <= 50; sequence++)
        {
            var message = (await StreamCluster.AskAsync(other, "STREAM.MSG.GET.S", $"{{\"seq\":{sequence}}}")).GetProperty("message");
            System.Text.Encoding.UTF8.GetString(message.GetProperty("data").GetBytesFromBase64()).ShouldBe($"message {sequence}");
        }
        last.ShouldBeGreaterThanOrEqualTo(100UL);
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterStreamSnapshotCatchup")]
    public async Task AServerThatLostItsDiskFetchesEverything()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 3);
        for (var i = 1; i < 2000; i++) await client.PublishAsync($"S.{i % 10}", $"message {i}");
        await StreamCluster.PublishAsync(client, "S.end", "the last one");
        await StreamCluster.AskAsync(client, "STREAM.MSG.DELETE.S", """{"seq":7}""");
        await cluster.WaitForEqualAsync("S", 2000);
        var lost = Enumerable.Range(1, 2).First(server => cluster.HostOf(server, "S") is { Leads: false });
        await cluster.StopAsync(lost);
        Directory.Delete(cluster.FolderOf(lost), recursive: true);
        // The log is let go, so that it is fetched from the stream itself.
        foreach (var server in Enumerable.Range(0, 3).Where(server => server != lost)) cluster.HostOf(server, "S")!.RequestCheckpoint();
        await Wait.Until("the log begins later", () => Enumerable.Range(0, 3).Where(server => server != lost).All(server => cluster.HostOf(server, "S")!.Group!.Core.SnapshotIndex > 0));
        await cluster.StartAsync(lost);
        await cluster.WaitForEqualAsync("S", 2000);
        cluster.HostOf(lost, "S")!.State.Messages.ShouldBe(1999UL);
        (await StreamCluster.PublishAsync(client, "S.more", "goes on")).ShouldBeGreaterThan(2000UL);
        await cluster.WaitForEqualAsync("S", 2001);
    }

    [Fact]
    public async Task AllServersMayEndAndComeBack()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using (var client = await cluster.ConnectAsync())
        {
            await StreamCluster.CreateAsync(client, "S", 3);
            for (var i = 1; i <= 20; i++) await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        }
        for (var i = 0; i < 3; i++) await cluster.StopAsync(i);
        for (var i = 0; i < 3; i++) await cluster.StartAsync(i);
        await using var again = await cluster.ConnectAsync(2);
        (await StreamCluster.PublishAsync(again, "S.a", "after")).ShouldBe(21UL);
        await cluster.WaitForEqualAsync("S", 21);
    }
}
