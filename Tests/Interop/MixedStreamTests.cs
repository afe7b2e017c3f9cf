using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Interop;

/// <summary>
/// Streams and consumers on clusters of Go's servers and ours. <c>NATS_SERVER_PEER</c> names a nats-server from 2.10 on, which
/// <c>.ci/run</c> fetches; where there is none, one of ours takes its place.
/// </summary>
public sealed class MixedStreamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task EachKindLeadsAndFollows(int others)
    {
        await using var cluster = await StartAsync(others);
        await using var client = await cluster.ConnectAsync(2);
        await StreamCluster.CreateAsync(client, "S", 3);
        var last = 0UL;
        for (var i = 1; i <= 100; i++) last = await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        // Until a server of each kind has led it, and taken messages.
        var led = new HashSet<bool>();
        await Wait.Until(
            "a server of each kind leads",
            async () =>
            {
                var leader = await cluster.LeaderOfAsync("S");
                if (leader < 0) return false;
                led.Add(leader < others);
                last = await StreamCluster.PublishAsync(client, "S.a", $"led by {leader}");
                if (led.Count == 2) return true;
                await StreamCluster.AskAsync(client, "STREAM.LEADER.STEPDOWN.S");
                return false;
            },
            () => string.Join(", ", led),
            TimeSpan.FromSeconds(120));
        await cluster.WaitForEqualAsync("S", last);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task WhoWasAwayCatchesUp(int away)
    {
        await using var cluster = await StartAsync(1);
        await using var client = await cluster.ConnectAsync(1);
        await StreamCluster.CreateAsync(client, "S", 3);
        var last = 0UL;
        for (var i = 1; i <= 50; i++) last = await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        await cluster.StopAsync(away);
        for (var i = 51; i <= 150; i++) last = await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        await cluster.StartAsync(away);
        await cluster.WaitForEqualAsync("S", last);
    }

    [Fact]
    public async Task GoServersAreReplacedOneAfterTheOther()
    {
        await using var cluster = await StartAsync(2);
        await using var client = await cluster.ConnectAsync(2);
        await StreamCluster.CreateAsync(client, "S", 3);
        var last = 0UL;
        for (var i = 1; i <= 200; i++) last = await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        for (var server = 0; server < 2; server++)
        {
            await cluster.StopAsync(server);
            Directory.Delete(cluster.FolderOf(server), recursive: true);
            await cluster.StartAsync(server, Peers.OurServer());
            last = await StreamCluster.PublishAsync(client, "S.a", $"after {server}");
            await cluster.WaitForEqualAsync("S", last);
        }
        for (var sequence = 1UL; sequence <= 200; sequence += 33)
        {
            var message = (await StreamCluster.AskAsync(client, "STREAM.MSG.GET.S", $"{{\"seq\":{sequence}}}")).GetProperty("message");
            System.Text.Encoding.UTF8.GetString(message.GetProperty("data").GetBytesFromBase64()).ShouldBe($"message {sequence}");
        }
    }

    /// <summary>Three servers, the first of them of the other kind.</summary>
    private static async Task<ProcessCluster> StartAsync(int others)
    {
        var peer = Environment.GetEnvironmentVariable("NATS_SERVER_PEER") is { Length: > 0 } path ? path : Peers.OurServer();
        return await ProcessCluster.StartAsync([.. Enumerable.Range(0, 3).Select(server => server < others ? peer : Peers.OurServer())]);
    }
}
