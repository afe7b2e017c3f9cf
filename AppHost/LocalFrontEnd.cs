using System.Reflection;
using System.Runtime.InteropServices;
using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary>The application on the repository's own runner: where the feed has no Aspire packages, or when asked for.</summary>
internal static class LocalFrontEnd
{
    public static async Task<int> RunAsync(AppHostOptions options)
    {
        var output = new ConsoleLog(useColor: !options.NoColor && !Console.IsOutputRedirected);
        if (!options.Local) output.Notice("The Aspire packages are not in this machine's NuGet feed: the built-in runner is used.");
        var spec = options.ToSpec();
        // Nothing is made or locked before the topology is known to be possible.
        NatsTopology.Build(spec);
        using var folder = DataFolder.Open(options.Data, options.Clean, output);
        var topology = NatsTopology.Build(spec, known: folder.Known.Ports);
        using var stop = new StopSignal(output);
        var lines = new RunnerLogRing(output);
        await using var runner = new LocalRunner(topology, folder, new LocalRunnerOptions
        {
            ServerPath = options.ServerPath ?? BuiltServerPath(),
            ReadyTimeout = options.Timeout,
        }, lines);
        await using var watch = new ClusterWatch(topology, () => runner.Status, lines);
        await using var console = options.ConsolePort is { } port ? await ConsoleServer.StartAsync(port, runner, watch, lines) : null;
        try
        {
            await runner.StartAsync(stop.Token);
            watch.Start();
            PrintReady(output, runner, console?.Url);
            await stop.Requested;
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            output.Notice("Stopped before all servers were ready.");
        }
        return 0;
    }

    private static void PrintReady(ConsoleLog output, LocalRunner runner, Uri? console)
    {
        var topology = runner.Topology;
        var rows = new List<string[]> { new[] { "NAME", "CLIENT", "MONITOR", "ROUTES", "STATE" } };
        foreach (var status in runner.Status)
        {
            var server = status.Spec;
            var others = server.Cluster.Size - 1;
            rows.Add([server.Name, server.ClientUrl, server.MonitorUrl, status.Text == "ready" ? $"{others} of {others}" : "-", status.Text]);
        }
        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        var lines = new List<string> { "" };
        lines.AddRange(rows.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd()));
        lines.Add("");
        foreach (var cluster in topology.Clusters)
        {
            var label = topology.Clusters.Count == 1 ? "Connection string" : $"Connection string of {cluster.Name}";
            lines.Add($"{label}: {runner.ConnectionString(cluster)}");
        }
        if (console is not null) lines.AddRange(["", $"Console: {console}"]);
        lines.AddRange(["", "Press Ctrl+C to stop.", ""]);
        output.Plain(string.Join('\n', lines));
    }

    private static string BuiltServerPath()
    {
        var path = Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>()
            .First(attribute => attribute.Key == "NatsServerPath").Value!;
        return RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? path + ".exe" : path;
    }

    /// <summary>Ctrl+C, SIGTERM and the end of the terminal ask for an orderly stop; a second request ends at once.</summary>
    private sealed class StopSignal : IDisposable
    {
        private readonly CancellationTokenSource _source = new();
        private readonly TaskCompletionSource _requested = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly PosixSignalRegistration[] _registrations;
        private readonly ConsoleLog _output;

        public StopSignal(ConsoleLog output)
        {
            _output = output;
            _registrations =
            [
                PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
                PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
                PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal),
            ];
        }

        public CancellationToken Token => _source.Token;

        public Task Requested => _requested.Task;

        public void Dispose()
        {
            foreach (var registration in _registrations) registration.Dispose();
            _source.Dispose();
        }

        private void OnSignal(PosixSignalContext context)
        {
            // The guards of the servers end them when this process is gone.
            if (_source.IsCancellationRequested) return;
            context.Cancel = true;
            _output.Notice("Stopping …");
            _source.Cancel();
            _requested.TrySetResult();
        }
    }
}
