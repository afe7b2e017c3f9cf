using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>
/// What real processes of a cluster must survive while clients publish and consume: nothing promised is lost, nothing
/// confirmed comes again, and afterwards all servers hold the same.
/// </summary>
public sealed class ClusterFaultTests
{
    private const int Freeze = 19, Thaw = 18;

    /// <summary>Messages that are to go through between two faults.</summary>
    private const int Some = 200;

    private static Task<ProcessCluster> StartAsync(bool cuttable = false) =>
        ProcessCluster.StartAsync(cuttable, Peers.OurServer(), Peers.OurServer(), Peers.OurServer());

    [Fact]
    public async Task KilledServersComeBackWithEverything()
    {
        await using var cluster = await StartAsync();
        await using var load = await ClusterLoad.StartAsync(cluster, "S");
        await load.GoOnAsync("at first", Some);
        var leader = await LeaderAsync(cluster);
        await KillAndReturnAsync(cluster, load, "a follower", (leader + 1) % 3);
        await KillAndReturnAsync(cluster, load, "the leader", await LeaderAsync(cluster));
        leader = await LeaderAsync(cluster);
        await KillAndReturnAsync(cluster, load, "the majority", leader, (leader + 1) % 3);
        await KillAndReturnAsync(cluster, load, "all", 0, 1, 2);
        await load.VerifyAsync();
    }

    [Fact]
    public async Task AFrozenLeaderIsReplacedAndFollowsWhenItThaws()
    {
        await using var cluster = await StartAsync();
        await using var load = await ClusterLoad.StartAsync(cluster, "S");
        await load.GoOnAsync("at first", Some);
        var leader = await LeaderAsync(cluster);
        cluster.Servers[leader]!.Signal(Freeze);
        await load.GoOnAsync("without the frozen leader", Some);
        cluster.Servers[leader]!.Signal(Thaw);
        await load.GoOnAsync("with it again", Some);
        await load.VerifyAsync();
    }

    [Fact]
    public async Task EachServerIsRestartedInTurn()
    {
        await using var cluster = await StartAsync();
        await using var load = await ClusterLoad.StartAsync(cluster, "S");
        for (var server = 0; server < 3; server++)
        {
            await load.GoOnAsync($"before the restart of {server}", Some);
            await cluster.StopAsync(server);
            await load.GoOnAsync($"without {server}", Some);
            await cluster.StartAsync(server);
            await WaitForHealthAsync(cluster);
        }
        await load.VerifyAsync();
    }

    [Fact]
    public async Task AServerThatLostItsDiskFetchesEverythingWhileClientsGoOn()
    {
        await using var cluster = await StartAsync();
        await using var load = await ClusterLoad.StartAsync(cluster, "S");
        await load.GoOnAsync("at first", Some);
        foreach (var offset in new[] { 0, 1 })
        {
            var lost = (await LeaderAsync(cluster) + offset) % 3;
            await cluster.KillAsync(lost);
            Directory.Delete(cluster.FolderOf(lost), recursive: true);
            await load.GoOnAsync("without it", Some);
            await cluster.StartAsync(lost);
            await WaitForHealthAsync(cluster);
        }
        await load.VerifyAsync();
    }

    /// <summary>Files of a follower are damaged while it is away. The log they share is not among them: it has what is nowhere else.</summary>
    [Theory]
    [InlineData("stream", "groups/S-*/state")]
    [InlineData("manifest", "groups/C-*/state")]
    [InlineData("*.blk", "groups/_meta_/state")]
    public async Task DamagedFilesAreFetchedFromTheOthers(params string[] patterns)
    {
        await using var cluster = await StartAsync();
        await using var load = await ClusterLoad.StartAsync(cluster, "S");
        await load.GoOnAsync("at first", Some);
        var damaged = (await LeaderAsync(cluster) + 1) % 3;
        await cluster.StopAsync(damaged);
        foreach (var pattern in patterns) Damage(cluster.FolderOf(damaged), pattern).ShouldBeTrue($"there is no {pattern}");
        await load.GoOnAsync("without it", Some);
        await cluster.StartAsync(damaged);
        await WaitForHealthAsync(cluster);
        await load.GoOnAsync("with it", Some);
        // It has to serve what it has.
        for (var attempt = 0; attempt < 20 && await LeaderAsync(cluster) != damaged; attempt++)
        {
            await using var client = await cluster.ConnectAsync(damaged);
            await StreamCluster.AskAsync(client, "STREAM.LEADER.STEPDOWN.S", $$"""{"placement":{"preferred":"n{{damaged + 1}}"} }""");
        }
        await load.VerifyAsync();
    }

    /// <summary>What only this server has is nowhere else: it is left as it is, and its name stays taken.</summary>
    [Fact]
    public async Task ADamagedStreamWithoutReplicasIsLeftAsItIs()
    {
        await using var cluster = await StartAsync();
        await using var client = await cluster.ConnectAsync(0);
        await StreamCluster.CreateAsync(client, "S", 1);
        for (var i = 1; i <= 50; i++) await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        var holder = (await cluster.LookAsync("S")).Single().Server;
        await cluster.StopAsync(holder);
        Damage(cluster.FolderOf(holder), "manifest").ShouldBeTrue();
        var before = Read();
        await cluster.StartAsync(holder);
        await using var other = await cluster.ConnectAsync((holder + 1) % 3);
        var said = "";
        await Wait.Until(
            "it is reported offline",
            async () =>
            {
                var answer = await StreamCluster.AskAsync(other, "STREAM.INFO.S");
                said = answer.ToString();
                return answer.TryGetProperty("error", out var error) && error.GetProperty("description").GetString()!.Contains("offline", StringComparison.Ordinal);
            },
            () => said,
            TimeSpan.FromSeconds(30));
        (await StreamCluster.AskAsync(other, "STREAM.CREATE.S", """{"name":"S","subjects":["S.>"],"storage":"file"}""")).TryGetProperty("error", out _).ShouldBeTrue();
        Read().ShouldBe(before);

        Dictionary<string, string> Read() => Directory.EnumerateFiles(cluster.FolderOf(holder), "*", SearchOption.AllDirectories)
            .Where(path => path.Contains("/accounts/", StringComparison.Ordinal))
            .ToDictionary(path => path, path => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path))));
    }

    /// <summary>The leader hears nobody; it is heard and hears nothing; a ring in which each is heard by one other.</summary>
    [Theory]
    [InlineData("alone")]
    [InlineData("deaf")]
    [InlineData("ring")]
    public async Task APartitionHeals(string kind)
    {
        await using var cluster = await StartAsync(cuttable: true);
        await using var load = await ClusterLoad.StartAsync(cluster, "S");
        await load.GoOnAsync("at first", Some);
        var leader = await LeaderAsync(cluster);
        var (one, other) = ((leader + 1) % 3, (leader + 2) % 3);
        (int From, int To)[] cuts = kind switch
        {
            "alone" => [(leader, one), (one, leader), (leader, other), (other, leader)],
            "deaf" => [(one, leader), (other, leader)],
            _ => [(leader, one), (one, other), (other, leader)],
        };
        foreach (var (from, to) in cuts) cluster.Cut(from, to);
        // Where no majority hears each other nothing goes on, and nothing may be promised.
        if (kind == "ring") await PauseAsync(TimeSpan.FromSeconds(8));
        else await load.GoOnAsync("on the side of the majority", Some / 4);
        cluster.Heal();
        await load.GoOnAsync("when it has healed", Some);
        await load.VerifyAsync();
    }

    private static async Task KillAndReturnAsync(ProcessCluster cluster, ClusterLoad load, string who, params int[] victims)
    {
        foreach (var victim in victims) await cluster.KillAsync(victim);
        if (victims.Length == 1) await load.GoOnAsync($"without {who}", Some);
        foreach (var victim in victims) await cluster.StartAsync(victim);
        await load.GoOnAsync($"after {who}", Some);
        await WaitForHealthAsync(cluster);
    }

    /// <summary>Changes a byte in the middle of each file that fits.</summary>
    private static bool Damage(string folder, string pattern)
    {
        var found = false;
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            if (!System.IO.Enumeration.FileSystemName.MatchesSimpleExpression($"*/{pattern}", path)) continue;
            using var file = File.Open(path, FileMode.Open);
            if (file.Length == 0) continue;
            file.Position = file.Length / 2;
            var before = file.ReadByte();
            file.Position--;
            file.WriteByte((byte)(before ^ 0x10));
            found = true;
        }
        return found;
    }

    private static async Task<int> LeaderAsync(ProcessCluster cluster)
    {
        var leader = -1;
        await Wait.Until("somebody leads", async () => (leader = await cluster.LeaderOfAsync("S")) >= 0, timeout: TimeSpan.FromSeconds(60));
        return leader;
    }

    private static Task WaitForHealthAsync(ProcessCluster cluster) => cluster.WaitForHealthAsync(TimeSpan.FromSeconds(60));

    /// <summary>For what must not happen: there is nothing to wait for.</summary>
    private static async Task PauseAsync(TimeSpan time)
    {
        using var pause = new PeriodicTimer(time);
        await pause.WaitForNextTickAsync();
    }
}
