using System.Diagnostics;
using System.Text;
using System.Text.Json;
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
        await WaitForMetaLeaderToTellAsync(cluster, 2, isOffline: true);
        // By chance each would be on any of three.
        for (var i = 0; i < 10; i++) await StreamCluster.CreateAsync(client, $"ONE{i}", 1);
        for (var i = 0; i < 10; i++)
        {
            var made = await StreamCluster.AskAsync(client, $"CONSUMER.CREATE.S.C{i}", $$"""{"stream_name":"S","config":{"name":"C{{i}}","durable_name":"C{{i}}","ack_policy":"explicit","num_replicas":1} }""");
            made.TryGetProperty("error", out _).ShouldBeFalse(made.ToString());
        }
    }

    /// <summary>A server that dialled the others and ended before they had dialled it is not waited for either.</summary>
    [Fact]
    public async Task AServerThatEndsAsSoonAsItHasJoinedIsKnownToHaveEnded()
    {
        await using var cluster = await ProcessCluster.StartAsync(Peers.OurServer(), Peers.OurServer(), Peers.OurServer());
        await cluster.WaitForHealthAsync(TimeSpan.FromSeconds(60));
        await cluster.KillAsync(2);
        await WaitForMetaLeaderToTellAsync(cluster, 2, isOffline: true);
        for (var i = 0; i < 3; i++)
        {
            await cluster.StartAsync(2);
            await WaitForMetaLeaderToTellAsync(cluster, 2, isOffline: false);
            await cluster.KillAsync(2);
            await WaitForMetaLeaderToTellAsync(cluster, 2, isOffline: true);
        }
    }

    /// <summary>Waits until the meta leader, who places, tells of a server as offline or as there; another server may know it sooner.</summary>
    private static async Task WaitForMetaLeaderToTellAsync(ProcessCluster cluster, int server, bool isOffline)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var told = "";
        await Wait.Until(
            $"the meta leader tells of n{server + 1} as {(isOffline ? "offline" : "there")}",
            async () =>
            {
                told = "";
                foreach (var running in cluster.Servers.OfType<ServerProcess>())
                {
                    using var page = JsonDocument.Parse(await http.GetStringAsync(new Uri(running.MonitoringUrl, "/jsz")));
                    if (!page.RootElement.TryGetProperty("meta_cluster", out var meta)) continue;
                    told += meta;
                    if (!meta.TryGetProperty("replicas", out var replicas)) continue;
                    return replicas.EnumerateArray().Any(replica => replica.GetProperty("name").GetString() == $"n{server + 1}"
                        && (replica.TryGetProperty("offline", out var offline) && offline.GetBoolean()) == isOffline);
                }
                return false;
            },
            () => told,
            TimeSpan.FromSeconds(60));
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
