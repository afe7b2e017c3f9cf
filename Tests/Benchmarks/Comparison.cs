using System.Globalization;

namespace NatsAspire.Benchmarks;

/// <summary>Runs each scenario on both servers in turn and prints medians as a table.</summary>
internal sealed class Comparison(string ours, string baseline, int rounds, double seconds, string filter)
{
    private const int IdleConnections = 1000;
    private const double WarmUpSeconds = 1.5;

    public int Run()
    {
        foreach (var path in new[] { ours, baseline })
        {
            if (File.Exists(path)) continue;
            Console.Error.WriteLine($"There is no server at {path}. Build ours with `dotnet build Server -c Release`; Debian's comes with `apt-get install nats-server`.");
            return 1;
        }
        Print($"Ours: {ours}; compared with: {baseline}; {Environment.ProcessorCount} cores, medians of {rounds} rounds of {seconds} s, load average {File.ReadAllText("/proc/loadavg").Split(' ')[0]}.\n");
        Print("| scenario | ours msg/s | other msg/s | ratio | ours per CPU s | other per CPU s | ratio |");
        Print("|---|---:|---:|---:|---:|---:|---:|");
        foreach (var scenario in Scenario.All.Where(scenario => Wanted(scenario.Name))) PrintScenario(scenario);
        Print("");
        Print("| start and memory | ours | other |");
        Print("|---|---:|---:|");
        PrintStart();
        return 0;
    }

    private bool Wanted(string name) => name.Contains(filter, StringComparison.OrdinalIgnoreCase);

    private void PrintScenario(Scenario scenario)
    {
        var (mine, theirs) = (new List<Measurement>(), new List<Measurement>());
        for (var round = 0; round < rounds; round++)
        {
            mine.Add(RunOn(ours, scenario));
            theirs.Add(RunOn(baseline, scenario));
        }
        var (a, b) = (Median(mine, m => m.PerSecond), Median(theirs, m => m.PerSecond));
        var (c, d) = (Median(mine, m => m.PerCpuSecond), Median(theirs, m => m.PerCpuSecond));
        Print($"| {scenario.Name} | {Rate(a)} | {Rate(b)} | {Ratio(a / b)} | {Rate(c)} | {Rate(d)} | **{Ratio(c / d)}** |");
        if (mine[0].Note.Length > 0) Print($"| — latency | {mine[rounds / 2].Note} | {theirs[rounds / 2].Note} | | | | |");
    }

    private Measurement RunOn(string path, Scenario scenario)
    {
        using var server = ServerUnderLoad.Start(path);
        // Warms the code up, as a server that has run for a while is.
        scenario.Run(server, WarmUpSeconds);
        return scenario.Run(server, seconds);
    }

    private void PrintStart()
    {
        var (mine, theirs) = (new List<double>(), new List<double>());
        var (myMemory, theirMemory) = (new List<double>(), new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            Measure(ours, mine, myMemory);
            Measure(baseline, theirs, theirMemory);
        }
        Print($"| start to INFO, ms | {Middle(mine):0} | {Middle(theirs):0} |");
        Print($"| {IdleConnections} idle connections, KiB each | {Middle(myMemory) / 1024:0.0} | {Middle(theirMemory) / 1024:0.0} |");
    }

    private static void Measure(string path, List<double> starts, List<double> memories)
    {
        using var server = ServerUnderLoad.Start(path);
        starts.Add(server.StartToReady.TotalMilliseconds);
        var before = server.Memory;
        var idle = Enumerable.Range(0, IdleConnections).Select(_ => new LoadClientShell(server.Address)).ToArray();
        memories.Add((server.Memory - before) / (double)IdleConnections);
        foreach (var client in idle) client.Dispose();
    }

    internal static double Median(List<Measurement> runs, Func<Measurement, double> figure) => Middle([.. runs.Select(figure)]);

    internal static double Middle(List<double> values) => values.Order().ElementAt(values.Count / 2);

    internal static string Rate(double value) => value >= 1e6
        ? (value / 1e6).ToString("0.00 M", CultureInfo.InvariantCulture)
        : (value / 1e3).ToString("0.0 k", CultureInfo.InvariantCulture);

    internal static string Ratio(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private static void Print(string text) => Console.WriteLine(text);
}
