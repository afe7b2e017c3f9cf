using System.Diagnostics;
using System.Globalization;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>
/// Faults drawn by lot, also several at once, while clients publish and consume. Timing is the machine's, so a seed gives the
/// same faults, not the same run. <c>NATSASPIRE_CHAOS_SEEDS</c>: how many seeds, from <c>NATSASPIRE_CHAOS_FIRST</c> on.
/// </summary>
public sealed class ClusterChaosTests(ITestOutputHelper output)
{
    private const int Freeze = 19, Thaw = 18;
    private const int Rounds = 4;
    private const int Some = 100;
    private const string Stream = "S";

    private delegate Task Fault(ProcessCluster cluster, Random random);

    private static readonly (string Name, Fault Do)[] Faults =
    [
        ("kill", KillAsync),
        ("kill", KillAsync),
        ("freeze", FreezeAsync),
        ("cut", CutAsync),
        ("wipe", WipeAsync),
        ("step down", StepDownAsync),
        ("scale", ScaleAsync),
        ("scale and kill", ScaleAndKillAsync),
    ];

    [Fact]
    public async Task WhateverHappensNothingPromisedIsLost()
    {
        var first = Setting("NATSASPIRE_CHAOS_FIRST", 1);
        for (var seed = first; seed < first + Setting("NATSASPIRE_CHAOS_SEEDS", 1); seed++) await RunAsync(seed, Faults, heals: true);
    }

    /// <summary>All servers are killed while the stream and its consumer go from three servers to one, or back.</summary>
    [Fact]
    public Task KilledWhileMembersChangeNothingPromisedIsLost()
    {
        var isAlone = false;
        return RunAsync(1, [("scale and kill all", async (cluster, random) =>
        {
            isAlone = !isAlone;
            await ScaleToAsync(cluster, isAlone ? 1 : 3, wait: false);
            await PauseAsync(random.Next(50, 500));
            for (var victim = 0; victim < 3; victim++) await cluster.KillAsync(victim);
            for (var victim = 0; victim < 3; victim++) await cluster.StartAsync(victim);
        })], heals: false);
    }

    /// <param name="seed">Of the lot.</param>
    /// <param name="faults">One of them is drawn in each round.</param>
    /// <param name="heals">Whether all servers are healthy before the next round.</param>
    private async Task RunAsync(int seed, (string Name, Fault Do)[] faults, bool heals)
    {
        var random = new Random(seed);
        var story = new List<string> { $"seed {seed}" };
        var clock = Stopwatch.StartNew();
        await using var cluster = await ProcessCluster.StartAsync(cuttable: true, Peers.OurServer(), Peers.OurServer(), Peers.OurServer());
        try
        {
            await using var load = await ClusterLoad.StartAsync(cluster, Stream);
            await load.GoOnAsync("at first", Some);
            for (var round = 0; round < Rounds; round++)
            {
                var (name, fault) = faults[random.Next(faults.Length)];
                story.Add($"{name} at {clock.Elapsed.TotalSeconds:0} s");
                await fault(cluster, random);
                cluster.Heal();
                story.Add($"over at {clock.Elapsed.TotalSeconds:0} s");
                await load.GoOnAsync($"after round {round}", Some);
                story.Add($"clients went on at {clock.Elapsed.TotalSeconds:0} s");
                if (heals) await cluster.WaitForHealthAsync(TimeSpan.FromSeconds(60));
            }
            await ScaleToAsync(cluster, 3);
            await load.VerifyAsync();
        }
        catch (Exception fault)
        {
            throw new InvalidOperationException($"{string.Join(", ", story)}: {fault.Message}{Environment.NewLine}{await TellAsync(cluster)}", fault);
        }
        output.WriteLine(string.Join(", ", story));
    }

    /// <summary>What the servers say of the stream, and what they said last.</summary>
    private static async Task<string> TellAsync(ProcessCluster cluster)
    {
        var holders = (await cluster.LookAsync(Stream)).Select(one => $"n{one.Server + 1}: {one.Stream.GetProperty("state")} {one.Stream.GetProperty("cluster")}");
        var logs = cluster.Former.Concat(cluster.Servers.OfType<ServerProcess>().Select(server => server.Output))
            .Select(log => string.Join(Environment.NewLine, log.Split('\n').Where(line => !line.Contains("Healthcheck", StringComparison.Ordinal)).TakeLast(40)));
        return string.Join(Environment.NewLine, holders.Concat(logs));
    }

    private static async Task KillAsync(ProcessCluster cluster, Random random)
    {
        var victims = Draw(random, random.Next(1, 4));
        foreach (var victim in victims) await cluster.KillAsync(victim);
        await PauseAsync(random.Next(0, 3000));
        foreach (var victim in victims) await cluster.StartAsync(victim);
    }

    private static async Task FreezeAsync(ProcessCluster cluster, Random random)
    {
        var victims = Draw(random, random.Next(1, 3));
        foreach (var victim in victims) cluster.Servers[victim]!.Signal(Freeze);
        await PauseAsync(random.Next(500, 12_000));
        foreach (var victim in victims) cluster.Servers[victim]!.Signal(Thaw);
    }

    private static async Task CutAsync(ProcessCluster cluster, Random random)
    {
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            var ends = Draw(random, 2);
            cluster.Cut(ends[0], ends[1]);
        }
        await PauseAsync(random.Next(1000, 12_000));
    }

    /// <summary>One disk of three: what one server alone promised would be lost with it.</summary>
    private static async Task WipeAsync(ProcessCluster cluster, Random random)
    {
        await ScaleToAsync(cluster, 3);
        var victim = random.Next(3);
        await cluster.KillAsync(victim);
        Directory.Delete(cluster.FolderOf(victim), recursive: true);
        await PauseAsync(random.Next(0, 2000));
        await cluster.StartAsync(victim);
    }

    private static async Task StepDownAsync(ProcessCluster cluster, Random random)
    {
        await using var client = await cluster.ConnectAsync(random.Next(3));
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            // Refused where one server alone holds it.
            await client.PublishAsync("$JS.API." + (random.Next(2) == 0 ? $"STREAM.LEADER.STEPDOWN.{Stream}" : $"CONSUMER.LEADER.STEPDOWN.{Stream}.C"));
        }
        await client.FlushAsync();
    }

    private static Task ScaleAsync(ProcessCluster cluster, Random random) => ScaleToAsync(cluster, random.Next(2) == 0 ? 1 : 3);

    private static async Task ScaleAndKillAsync(ProcessCluster cluster, Random random)
    {
        await ScaleToAsync(cluster, random.Next(2) == 0 ? 1 : 3, wait: false);
        await PauseAsync(random.Next(1, 400));
        await KillAsync(cluster, random);
    }

    /// <summary>Has so many servers hold the stream, and waits until they do and have everything, if wanted.</summary>
    private static async Task ScaleToAsync(ProcessCluster cluster, int replicas, bool wait = true)
    {
        var seen = "";
        await Wait.Until(
            $"{Stream} is on {replicas} servers",
            async () =>
            {
                await using var client = await cluster.ConnectAsync(0);
                var answer = await StreamCluster.AskAsync(client, $"STREAM.UPDATE.{Stream}", $$"""{"name":"{{Stream}}","subjects":["{{Stream}}.>"],"num_replicas":{{replicas}},"storage":"file"}""");
                var holders = await cluster.LookAsync(Stream);
                seen = $"{answer}; {string.Join("; ", holders.Select(one => $"{one.Server}: {one.Stream.GetProperty("state")} {one.Stream.GetProperty("cluster")}"))}";
                if (!wait) return true;
                var leader = await cluster.LeaderOfAsync(Stream);
                return holders.Count == replicas && leader >= 0 && holders.Single(one => one.Server == leader).Stream.GetProperty("cluster") is var view
                    && (!view.TryGetProperty("replicas", out var others) || others.EnumerateArray().All(other => other.GetProperty("current").GetBoolean()));
            },
            () => seen,
            TimeSpan.FromSeconds(90));
    }

    private static int[] Draw(Random random, int count)
    {
        int[] all = [0, 1, 2];
        random.Shuffle(all);
        return all[..count];
    }

    /// <summary>How long a fault lasts is part of it.</summary>
    private static async Task PauseAsync(int milliseconds)
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(milliseconds + 1));
        await pause.WaitForNextTickAsync();
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
