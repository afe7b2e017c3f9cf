using System.Diagnostics;
using System.Globalization;

namespace NatsAspire.Benchmarks;

/// <summary>Runs loads on replicated streams of both clusters in turn and prints medians as tables.</summary>
internal sealed class ClusterComparison(string ours, string baseline, int rounds, double seconds, string filter, string directory)
{
    private const double WarmUpSeconds = 5;
    private const int IdleStreams = 200;
    private const int ManyStreams = 1_000;
    private const int MissedMessages = 200_000;

    private static readonly StreamScenario[] Scenarios =
    [
        Publish("R3 file, ours durable, other lazy, window 4000, 128 B", false, 4000),
        Publish("R3 file, ours durable, other lazy, window 256, 128 B", false, 256),
        Publish("R3 file, ours durable, other lazy, one at a time, 128 B", false, 1),
        Publish("R3 file, both lazy, window 4000, 128 B", true, 4000),
        Publish("R3 file, both lazy, window 256, 128 B", true, 256),
        Publish("R3 file, both lazy, one at a time, 128 B", true, 1),
        Publish("R3 memory, window 4000, 128 B", true, 4000, "memory"),
        new("R3 pull, fetch 100, acks", true, "B", Plain("file"), (server, seconds) => Consume.Fetch(server, seconds, 100)),
        new("R3 pull, continuous, acks", true, "B", Plain("file"), Consume.Continuous),
        new("R3 ordered consumer", true, "B", Plain("file"), Consume.Ordered),
        new("R3 push, acks", true, "B", Plain("file"), Consume.Push),
    ];

    public int Run()
    {
        Console.WriteLine($"Clusters of three. Ours: {ours}; compared with: {baseline}; {Environment.ProcessorCount} cores, medians of {rounds} rounds of {seconds.ToString(CultureInfo.InvariantCulture)} s on {directory}, CPU of all three servers, load average {File.ReadAllText("/proc/loadavg").Split(' ')[0]}.\n");
        Console.WriteLine("| replicated stream | ours msg/s | other msg/s | ratio | ours per CPU s | other per CPU s | ratio |");
        Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|");
        foreach (var scenario in Scenarios.Where(scenario => IsWanted(scenario.Name))) Print(scenario);
        Console.WriteLine("\n| cluster | ours | other |");
        Console.WriteLine("|---|---:|---:|");
        Row("failover: ms without an acknowledgement after kill -9 of the stream's leader", path => Median(path, Failover, "0"));
        Row($"catch-up of {MissedMessages} messages of 128 B: ms to current, from the start of the process", path => Median(path, CatchUp, "0"));
        Row($"{IdleStreams} idle R3 streams: CPU ms per second of the three servers", path => Median(path, IdleCpu, "0.0"));
        Row($"{ManyStreams} R3 streams created, one after the other: ms each", path => Median(path, CreateMany, "0.0"));
        return 0;
    }

    private bool IsWanted(string name) => name.Contains(filter, StringComparison.OrdinalIgnoreCase);

    private static string Plain(string storage) => $"\"subjects\":[\"b.>\"],\"storage\":\"{storage}\"";

    private static StreamScenario Publish(string name, bool isLazy, int window, string storage = "file") =>
        new(name, isLazy, "B", Plain(storage), (server, seconds) => AcknowledgedPublish.Run(server, seconds, 128, window, 1));

    private void Print(StreamScenario scenario)
    {
        var (mine, theirs) = (new List<Measurement>(), new List<Measurement>());
        for (var round = 0; round < rounds; round++)
        {
            mine.Add(RunOn(ours, scenario));
            theirs.Add(RunOn(baseline, scenario));
        }
        var (a, b) = (Comparison.Median(mine, m => m.PerSecond), Comparison.Median(theirs, m => m.PerSecond));
        var (c, d) = (Comparison.Median(mine, m => m.PerCpuSecond), Comparison.Median(theirs, m => m.PerCpuSecond));
        Console.WriteLine($"| {scenario.Name} | {Comparison.Rate(a)} | {Comparison.Rate(b)} | {Comparison.Ratio(a / b)} | {Comparison.Rate(c)} | {Comparison.Rate(d)} | **{Comparison.Ratio(c / d)}** |");
    }

    /// <summary>Clients are connected to the server that leads.</summary>
    private Measurement RunOn(string path, StreamScenario scenario)
    {
        // Debian's 2.9 knows no sync_interval: it never waits for the disk.
        using var cluster = new ClusterUnderLoad(path, directory, path == ours && scenario.IsLazy ? ", sync_interval: \"2m\"" : "");
        cluster.Create(scenario.Stream, scenario.Configuration);
        var leader = cluster[cluster.LeaderOf(scenario.Stream)];
        scenario.Run(leader, WarmUpSeconds);
        return scenario.Run(leader, seconds);
    }

    private void Row(string name, Func<string, string> measure)
    {
        if (IsWanted(name)) Console.WriteLine($"| {name} | {measure(ours)} | {measure(baseline)} |");
    }

    private string Median(string path, Func<ClusterUnderLoad, double> measure, string format)
    {
        var values = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            using var cluster = new ClusterUnderLoad(path, directory);
            values.Add(measure(cluster));
        }
        values.Sort();
        return $"{values[values.Count / 2].ToString(format, CultureInfo.InvariantCulture)} ({values[0].ToString(format, CultureInfo.InvariantCulture)}–{values[^1].ToString(format, CultureInfo.InvariantCulture)})";
    }

    /// <summary>A publisher on a server that stays, one message at a time: the longest it has waited.</summary>
    private static double Failover(ClusterUnderLoad cluster)
    {
        cluster.Create("B", Plain("file"));
        var leader = cluster.LeaderOf("B");
        var address = cluster[(leader + 1) % ClusterUnderLoad.Size].Address;
        using var publisher = new JetStreamClient(address) { Patience = TimeSpan.FromMilliseconds(100) };
        for (var i = 0; i < 200; i++) publisher.Request("b.x", "before");
        var clock = Stopwatch.StartNew();
        cluster.Kill(leader);
        while (clock.Elapsed < TimeSpan.FromMinutes(1))
        {
            try
            {
                publisher.Request("b.x", "after");
                return clock.Elapsed.TotalMilliseconds;
            }
            catch (Exception error) when (error is InvalidOperationException or System.Net.Sockets.SocketException)
            {
                // Nobody leads yet.
                cluster.Rest(5);
            }
        }
        throw new InvalidOperationException("Nobody has taken over within a minute.");
    }

    private static double CatchUp(ClusterUnderLoad cluster)
    {
        cluster.Create("B", Plain("file"));
        var leader = cluster.LeaderOf("B");
        var away = (leader + 1) % ClusterUnderLoad.Size;
        cluster.Kill(away);
        using (var client = new JetStreamClient(cluster[leader].Address)) Consume.Fill(client, "B", "b.x", 128, MissedMessages);
        var clock = Stopwatch.StartNew();
        cluster.Start(away);
        while (cluster.CurrentReplicas("B") < ClusterUnderLoad.Size - 1) cluster.Rest(20);
        return clock.Elapsed.TotalMilliseconds;
    }

    private static double IdleCpu(ClusterUnderLoad cluster)
    {
        const double Seconds = 10;
        for (var i = 0; i < IdleStreams; i++) cluster.Ask($"$JS.API.STREAM.CREATE.S{i}", $"{{\"name\":\"S{i}\",\"num_replicas\":3,\"subjects\":[\"s.{i}\"]}}");
        cluster.Rest(10_000);
        var before = cluster.Servers.Sum(server => server.ProcessorTime.TotalMilliseconds);
        cluster.Rest(1000 * Seconds);
        return (cluster.Servers.Sum(server => server.ProcessorTime.TotalMilliseconds) - before) / Seconds;
    }

    private static double CreateMany(ClusterUnderLoad cluster)
    {
        cluster.Create("B", Plain("memory"));
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < ManyStreams; i++) cluster.Ask($"$JS.API.STREAM.CREATE.S{i}", $"{{\"name\":\"S{i}\",\"num_replicas\":3,\"subjects\":[\"s.{i}\"]}}");
        return clock.Elapsed.TotalMilliseconds / ManyStreams;
    }
}
