using System.Diagnostics;
using System.Text;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>How soon another server leads.</summary>
public sealed class FailoverTests
{
    /// <summary>Nobody campaigns before, merely because a leader is silent.</summary>
    private static readonly TimeSpan ShortestElection = TimeSpan.FromSeconds(4);

    /// <summary>Where it listened nobody does: the others know that it has ended, and do not wait until it has been silent for long.</summary>
    [Fact]
    public async Task AKilledLeaderIsNotWaitedFor()
    {
        await using var cluster = await ProcessCluster.StartAsync(Peers.OurServer(), Peers.OurServer(), Peers.OurServer());
        await using (var client = await cluster.ConnectAsync(0)) await StreamCluster.CreateAsync(client, "S", 3);
        var gaps = new List<TimeSpan>();
        // On a busy machine one may take longer.
        while (gaps.Count < 3 && !gaps.Exists(gap => gap < ShortestElection)) gaps.Add(await FailOverAsync(cluster));
        gaps.ShouldContain(gap => gap < ShortestElection, string.Join(", ", gaps));
    }

    /// <summary>A killed server says no farewell, and counted as there for as long as one may be silent: what was placed on it was not answered.</summary>
    [Fact]
    public async Task NothingIsPlacedOnAKilledServer()
    {
        await using var cluster = await ProcessCluster.StartAsync(Peers.OurServer(), Peers.OurServer(), Peers.OurServer());
        await using var client = await cluster.ConnectAsync(0);
        await StreamCluster.CreateAsync(client, "S", 3);
        await cluster.KillAsync(2);
        var replicas = "";
        await Wait.Until(
            "it is told of as offline",
            async () =>
            {
                var told = (await StreamCluster.AskAsync(client, "STREAM.INFO.S")).GetProperty("cluster").GetProperty("replicas");
                replicas = told.ToString();
                return told.EnumerateArray().Any(replica => replica.TryGetProperty("offline", out var offline) && offline.GetBoolean());
            },
            () => replicas,
            TimeSpan.FromSeconds(60));
        // By chance each would be on any of three.
        for (var i = 0; i < 10; i++) await StreamCluster.CreateAsync(client, $"ONE{i}", 1);
        for (var i = 0; i < 10; i++)
        {
            var made = await StreamCluster.AskAsync(client, $"CONSUMER.CREATE.S.C{i}", $$"""{"stream_name":"S","config":{"name":"C{{i}}","durable_name":"C{{i}}","ack_policy":"explicit","num_replicas":1} }""");
            made.TryGetProperty("error", out _).ShouldBeFalse(made.ToString());
        }
    }

    /// <summary>Kills the leader of S, and starts it again when another leads.</summary>
    private static async Task<TimeSpan> FailOverAsync(ProcessCluster cluster)
    {
        await cluster.WaitForHealthAsync(TimeSpan.FromSeconds(60));
        var leader = -1;
        await Wait.Until("somebody leads", async () => (leader = await cluster.LeaderOfAsync("S")) >= 0, timeout: TimeSpan.FromSeconds(60));
        await using var client = await cluster.ConnectAsync((leader + 1) % 3);
        await StreamCluster.PublishAsync(client, "S.a", "before");
        var clock = Stopwatch.StartNew();
        await cluster.KillAsync(leader);
        await Wait.Until("another server takes messages", async () => await IsStoredAsync(client), timeout: TimeSpan.FromSeconds(60));
        var gap = clock.Elapsed;
        await cluster.StartAsync(leader);
        return gap;
    }

    private static async Task<bool> IsStoredAsync(TestClient client)
    {
        try
        {
            return Encoding.UTF8.GetString((await client.RequestAsync("S.a", "after", timeout: TimeSpan.FromMilliseconds(200))).Payload).Contains("\"seq\"", StringComparison.Ordinal);
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
