using System.Reflection;
using System.Runtime.InteropServices;
using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary>The application on the repository's own runner, where the feed has no Aspire packages.</summary>
internal static class LocalFrontEnd
{
    public static async Task<int> RunAsync(AppHostOptions options)
    {
        var output = new ConsoleLog(useColor: !options.NoColor && !Console.IsOutputRedirected);
        output.Notice("The Aspire packages are not in this machine's NuGet feed: the built-in runner is used.");
        var topology = options.ToTopology();
        using var stop = new StopSignal(output);
        await using var runner = new LocalRunner(topology, new LocalRunnerOptions
        {
            ServerPath = options.ServerPath ?? BuiltServerPath(),
            Directory = options.Directory,
            ReadyTimeout = options.Timeout,
        }, output);
        try
        {
            await runner.StartAsync(stop.Token);
            PrintReady(output, topology);
            await stop.Requested;
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            output.Notice("Stopped before all servers were ready.");
        }
        return 0;
    }

    private static void PrintReady(ConsoleLog output, NatsTopology topology)
    {
        var name = Math.Max("NAME".Length, topology.Servers.Max(server => server.Name.Length));
        var client = topology.Servers.Max(server => server.ClientUrl.Length);
        var monitor = topology.Servers.Max(server => server.MonitorUrl.Length);
        var lines = new List<string> { "", $"{"NAME".PadRight(name)}  {"CLIENT".PadRight(client)}  {"MONITOR".PadRight(monitor)}  ROUTES" };
        foreach (var server in topology.Servers)
        {
            lines.Add($"{server.Name.PadRight(name)}  {server.ClientUrl.PadRight(client)}  {server.MonitorUrl.PadRight(monitor)}  {topology.Servers.Count - 1} of {topology.Servers.Count - 1}");
        }
        lines.AddRange(["", $"Connection string: {topology.ConnectionString}", "", "Press Ctrl+C to stop.", ""]);
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
