using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Streams and consumers whose servers change while they are used.</summary>
public sealed class MemberChangeTests
{
    [Fact]
    public async Task AStreamIsSharedAndAloneAgain()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 1);
        await CreateConsumerAsync(client, "S", "C");
        for (var i = 1; i <= 100; i++) (await StreamCluster.PublishAsync(client, "S.a", $"message {i}")).ShouldBe((ulong)i);
        await AcknowledgeAsync(client, "S", "C", 10);
        await ScaleAsync(client, "S", 3);
        (await StreamCluster.PublishAsync(client, "S.a", "message 101")).ShouldBe(101UL);
        await cluster.WaitForHoldersAsync("S", 3, 101);
        var info = await StreamCluster.AskAsync(client, "STREAM.INFO.S");
        info.GetProperty("cluster").GetProperty("replicas").GetArrayLength().ShouldBe(2);
        await WaitForReplicasAsync(client, "S", "C", 2);
        (await FloorOfAsync(client, "S", "C")).ShouldBe(10UL);
        await AcknowledgeAsync(client, "S", "C", 10);
        await ScaleAsync(client, "S", 1);
        await cluster.WaitForHoldersAsync("S", 1, 101);
        await WaitForReplicasAsync(client, "S", "C", 0);
        (await FloorOfAsync(client, "S", "C")).ShouldBe(20UL);
        (await StreamCluster.PublishAsync(client, "S.a", "message 102")).ShouldBe(102UL);
        await ScaleAsync(client, "S", 3);
        (await StreamCluster.PublishAsync(client, "S.a", "message 103")).ShouldBe(103UL);
        await cluster.WaitForHoldersAsync("S", 3, 103);
        await ExpectMessagesAsync(client, "S", 103);
    }

    [Fact]
    public async Task WhatCameOfAScalingOutlivesAllServers()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using (var client = await cluster.ConnectAsync())
        {
            await StreamCluster.CreateAsync(client, "UP", 1);
            await StreamCluster.CreateAsync(client, "DOWN", 3);
            await CreateConsumerAsync(client, "UP", "C");
            await CreateConsumerAsync(client, "DOWN", "C");
            for (var i = 1; i <= 50; i++)
            {
                await StreamCluster.PublishAsync(client, "UP.a", $"message {i}");
                await StreamCluster.PublishAsync(client, "DOWN.a", $"message {i}");
            }
            await AcknowledgeAsync(client, "UP", "C", 5);
            await AcknowledgeAsync(client, "DOWN", "C", 5);
            await ScaleAsync(client, "UP", 3);
            await ScaleAsync(client, "DOWN", 1);
            await cluster.WaitForHoldersAsync("UP", 3, 50);
            await cluster.WaitForHoldersAsync("DOWN", 1, 50);
            await WaitForReplicasAsync(client, "UP", "C", 2);
            await WaitForReplicasAsync(client, "DOWN", "C", 0);
        }
        for (var i = 0; i < 3; i++) await cluster.StopAsync(i);
        for (var i = 0; i < 3; i++) await cluster.StartAsync(i);
        await using var again = await cluster.ConnectAsync();
        foreach (var stream in new[] { "UP", "DOWN" })
        {
            (await StreamCluster.PublishAsync(again, $"{stream}.a", "message 51")).ShouldBe(51UL);
            await ExpectMessagesAsync(again, stream, 51);
            (await FloorOfAsync(again, stream, "C")).ShouldBe(5UL);
        }
        await cluster.WaitForHoldersAsync("UP", 3, 51);
        await cluster.WaitForHoldersAsync("DOWN", 1, 51);
    }

    [Fact]
    public async Task FiveServersHoldItThenThree()
    {
        await using var cluster = await StreamCluster.StartAsync(5);
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 3);
        await CreateConsumerAsync(client, "S", "C");
        for (var i = 1; i <= 50; i++) await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        await AcknowledgeAsync(client, "S", "C", 7);
        await ScaleAsync(client, "S", 5);
        await cluster.WaitForHoldersAsync("S", 5, 50);
        await WaitForReplicasAsync(client, "S", "C", 4);
        (await StreamCluster.PublishAsync(client, "S.a", "message 51")).ShouldBe(51UL);
        await ScaleAsync(client, "S", 3);
        (await StreamCluster.PublishAsync(client, "S.a", "message 52")).ShouldBe(52UL);
        await cluster.WaitForHoldersAsync("S", 3, 52);
        await WaitForReplicasAsync(client, "S", "C", 2);
        (await FloorOfAsync(client, "S", "C")).ShouldBe(7UL);
        await ExpectMessagesAsync(client, "S", 52);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnotherServerTakesThePlaceOfOneThatIsTakenOut(bool isLeader)
    {
        await using var cluster = await StreamCluster.StartAsync(4);
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 3);
        await CreateConsumerAsync(client, "S", "C");
        for (var i = 1; i <= 50; i++) await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        await AcknowledgeAsync(client, "S", "C", 7);
        var before = await cluster.WaitForHoldersAsync("S", 3, 50);
        var leader = await cluster.LeaderOfAsync("S");
        var victim = isLeader ? leader : before.First(server => server != leader);
        (await StreamCluster.AskAsync(client, "STREAM.PEER.REMOVE.S", $$"""{"peer":"n{{victim + 1}}"}""")).GetProperty("success").GetBoolean().ShouldBeTrue();
        await Wait.Until("the server has let it go", () => cluster.HostOf(victim, "S") is null, timeout: TimeSpan.FromSeconds(60));
        (await StreamCluster.PublishAsync(client, "S.a", "message 51")).ShouldBe(51UL);
        (await cluster.WaitForHoldersAsync("S", 3, 51)).ShouldNotContain(victim);
        await WaitForReplicasAsync(client, "S", "C", 2);
        (await FloorOfAsync(client, "S", "C")).ShouldBe(7UL);
        await ExpectMessagesAsync(client, "S", 51);
    }

    [Fact]
    public async Task AStreamMovesByItsTags()
    {
        await using var cluster = await StreamCluster.StartAsync(4, each: server => $"server_tags: [ \"{(server < 2 ? "old" : "new")}\" ]");
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 2, ""","placement":{"tags":["old"]}""");
        await CreateConsumerAsync(client, "S", "C");
        for (var i = 1; i <= 50; i++) await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        await AcknowledgeAsync(client, "S", "C", 7);
        (await cluster.WaitForHoldersAsync("S", 2, 50)).ShouldBe([0, 1]);
        var answer = await StreamCluster.AskAsync(client, "STREAM.UPDATE.S", """{"name":"S","subjects":["S.>"],"num_replicas":2,"storage":"file","placement":{"tags":["new"]}}""");
        answer.TryGetProperty("error", out _).ShouldBeFalse(answer.ToString());
        await Wait.Until("the old servers have let it go", () => cluster.HostOf(0, "S") is null && cluster.HostOf(1, "S") is null, timeout: TimeSpan.FromSeconds(90));
        (await StreamCluster.PublishAsync(client, "S.a", "message 51")).ShouldBe(51UL);
        (await cluster.WaitForHoldersAsync("S", 2, 51)).ShouldBe([2, 3]);
        await WaitForReplicasAsync(client, "S", "C", 1);
        (await FloorOfAsync(client, "S", "C")).ShouldBe(7UL);
        await ExpectMessagesAsync(client, "S", 51);
    }

    [Fact]
    public async Task TheSystemAccountMovesAStreamAndTakesServersOut()
    {
        await using var cluster = await StreamCluster.StartAsync(4, more: "accounts { $SYS { users: [ { user: s, password: s } ] } }");
        await using var client = await cluster.ConnectAsync();
        await using var system = await cluster.ConnectAsync(0, "s");
        await StreamCluster.CreateAsync(client, "S", 1);
        await CreateConsumerAsync(client, "S", "C");
        for (var i = 1; i <= 50; i++) await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        await AcknowledgeAsync(client, "S", "C", 7);
        var first = (await cluster.WaitForHoldersAsync("S", 1, 50))[0];
        var answer = await StreamCluster.AskAsync(system, "ACCOUNT.STREAM.MOVE.$G.S", $$"""{"server":"n{{first + 1}}"}""");
        answer.TryGetProperty("error", out _).ShouldBeFalse(answer.ToString());
        await Wait.Until("the first server has let it go", () => cluster.HostOf(first, "S") is null, timeout: TimeSpan.FromSeconds(90));
        (await StreamCluster.PublishAsync(client, "S.a", "message 51")).ShouldBe(51UL);
        await WaitForReplicasAsync(client, "S", "C", 0);
        (await FloorOfAsync(client, "S", "C")).ShouldBe(7UL);
        await ScaleAsync(client, "S", 3);
        var holders = await cluster.WaitForHoldersAsync("S", 3, 51);
        var victim = holders.First(server => server != 0);
        await cluster.StopAsync(victim);
        (await StreamCluster.AskAsync(system, "SERVER.REMOVE", $$"""{"peer":"n{{victim + 1}}"}""")).GetProperty("success").GetBoolean().ShouldBeTrue();
        (await StreamCluster.PublishAsync(client, "S.a", "message 52")).ShouldBe(52UL);
        (await cluster.WaitForHoldersAsync("S", 3, 52)).ShouldNotContain(victim);
        await ExpectMessagesAsync(client, "S", 52);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task AnArchiveBecomesAStreamOfTheCluster(int replicas)
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 1);
        await CreateConsumerAsync(client, "S", "C");
        for (var i = 1; i <= 50; i++) await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        await AcknowledgeAsync(client, "S", "C", 7);
        await using var holder = await cluster.ConnectAsync(await cluster.LeaderOfAsync("S"));
        var (_, archive) = await holder.SnapshotAsync("S");
        (await StreamCluster.AskAsync(client, "STREAM.DELETE.S")).GetProperty("success").GetBoolean().ShouldBeTrue();
        var answer = await client.RestoreAsync("S", $$"""{"name":"S","subjects":["S.>"],"num_replicas":{{replicas}},"storage":"file"}""", archive);
        answer.TryGetProperty("error", out _).ShouldBeFalse(answer.ToString());
        await cluster.WaitForHoldersAsync("S", replicas, 50);
        await ExpectMessagesAsync(client, "S", 50);
        await WaitForReplicasAsync(client, "S", "C", replicas - 1);
        (await FloorOfAsync(client, "S", "C")).ShouldBe(7UL);
        await AcknowledgeAsync(client, "S", "C", 3);
        (await StreamCluster.PublishAsync(client, "S.a", "message 51")).ShouldBe(51UL);
        await cluster.WaitForHoldersAsync("S", replicas, 51);
    }

    internal static async Task ScaleAsync(TestClient client, string stream, int replicas)
    {
        var answer = await StreamCluster.PlaceAsync(client, $"STREAM.UPDATE.{stream}", $$"""{"name":"{{stream}}","subjects":["{{stream}}.>"],"num_replicas":{{replicas}},"storage":"file"}""");
        answer.TryGetProperty("error", out _).ShouldBeFalse(answer.ToString());
        answer.GetProperty("config").GetProperty("num_replicas").GetInt32().ShouldBe(replicas);
    }

    internal static async Task CreateConsumerAsync(TestClient client, string stream, string name, string more = "")
    {
        var answer = await StreamCluster.AskAsync(client, $"CONSUMER.DURABLE.CREATE.{stream}.{name}", $$$"""{"stream_name":"{{{stream}}}","config":{"durable_name":"{{{name}}}","ack_policy":"explicit"{{{more}}}}}""");
        answer.TryGetProperty("error", out _).ShouldBeFalse(answer.ToString());
    }

    /// <summary>Fetches the next messages one by one, and acknowledges them.</summary>
    internal static async Task AcknowledgeAsync(TestClient client, string stream, string consumer, int count)
    {
        var floor = await FloorOfAsync(client, stream, consumer);
        for (var i = 1; i <= count; i++)
        {
            await Wait.Until(
                $"message {floor + (ulong)i} is fetched and acknowledged",
                async () =>
                {
                    try
                    {
                        var message = await client.RequestAsync($"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", """{"batch":1,"expires":2000000000}""", timeout: TimeSpan.FromSeconds(3));
                        if (message.Reply is not { Length: > 0 } reply) return false;
                        await client.RequestAsync(reply, "+ACK", timeout: TimeSpan.FromSeconds(3));
                        return true;
                    }
                    catch (TimeoutException)
                    {
                        return false;
                    }
                },
                timeout: TimeSpan.FromSeconds(60));
        }
    }

    internal static async Task<ulong> FloorOfAsync(TestClient client, string stream, string consumer) =>
        (await StreamCluster.AskAsync(client, $"CONSUMER.INFO.{stream}.{consumer}")).GetProperty("ack_floor").GetProperty("stream_seq").GetUInt64();

    internal static async Task WaitForReplicasAsync(TestClient client, string stream, string consumer, int others)
    {
        JsonElement info = default;
        await Wait.Until(
            $"consumer {consumer} has {others} replicas beside its leader",
            async () =>
            {
                info = await StreamCluster.AskAsync(client, $"CONSUMER.INFO.{stream}.{consumer}");
                if (!info.TryGetProperty("cluster", out var cluster)) return false;
                var replicas = cluster.TryGetProperty("replicas", out var all) ? all.EnumerateArray().ToList() : [];
                return replicas.Count == others && replicas.TrueForAll(replica => replica.GetProperty("current").GetBoolean());
            },
            () => info.ToString(),
            TimeSpan.FromSeconds(60));
    }

    internal static async Task ExpectMessagesAsync(TestClient client, string stream, int count)
    {
        for (var sequence = 1; sequence <= count; sequence++)
        {
            var message = (await StreamCluster.AskAsync(client, $"STREAM.MSG.GET.{stream}", $"{{\"seq\":{sequence}}}")).GetProperty("message");
            System.Text.Encoding.UTF8.GetString(message.GetProperty("data").GetBytesFromBase64()).ShouldBe($"message {sequence}");
        }
    }
}
