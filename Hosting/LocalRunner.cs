using System.Diagnostics;
using System.Text.Json;

namespace NatsAspire.Hosting;

/// <summary>What a local run needs to know.</summary>
public sealed record LocalRunnerOptions
{
    /// <summary>The nats-server executable.</summary>
    public required string ServerPath { get; init; }

    /// <summary>Where configuration files and streams go; null: a private directory that is removed at the end.</summary>
    public string? Directory { get; init; }

    /// <summary>How long servers may take until the mesh is whole.</summary>
    public TimeSpan ReadyTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a server may take to stop before it is killed.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(3);
}

/// <summary>
/// Runs a topology as processes of this machine: starts them, waits until every server is ready and sees all
/// others, restarts what crashes with growing pauses, and stops all together. When this process dies, however
/// it does, its servers end with it.
/// </summary>
public sealed class LocalRunner : IAsyncDisposable
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);
    private readonly NatsTopology _topology;
    private readonly LocalRunnerOptions _options;
    private readonly IRunnerLog _log;
    private readonly string _directory;
    private readonly List<ServerProcess> _servers = [];
    private readonly CancellationTokenSource _stopping = new();
    private Task _watching = Task.CompletedTask;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(2) };

    /// <exception cref="TopologyException">There is no server executable at that path.</exception>
    public LocalRunner(NatsTopology topology, LocalRunnerOptions options, IRunnerLog log)
    {
        if (!File.Exists(options.ServerPath))
        {
            throw new TopologyException($"There is no server at {options.ServerPath}. Build it with `dotnet build`, or name one with --server PATH.");
        }
        _topology = topology;
        _options = options;
        _log = log;
        _directory = options.Directory ?? RunDirectory.Create(log);
        Directory.CreateDirectory(_directory);
    }

    /// <summary>Starts all servers and returns when the mesh is whole.</summary>
    /// <exception cref="TopologyException">A server ended, or they did not find each other in time; the message tells the state.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        foreach (var spec in _topology.Servers)
        {
            var file = Path.Combine(_directory, spec.Name + ".conf");
            await File.WriteAllTextAsync(file, ServerConfigWriter.Write(_topology, spec, Path.Combine(_directory, spec.Name)), cancellation);
            var server = new ServerProcess(spec.Name, _options.ServerPath, ["-c", file], _log);
            _servers.Add(server);
            server.Start();
        }
        await WaitUntilWholeAsync(cancellation);
        foreach (var server in _servers) server.RestartWhenItEnds();
        _watching = new LeaderWatch(_topology, _http, _log).RunAsync(_stopping.Token);
    }

    /// <summary>Stops all servers: politely first, then by force.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watching;
        _stopping.Dispose();
        await Task.WhenAll(_servers.Select(server => server.StopAsync(_options.StopTimeout)));
        _http.Dispose();
        if (_options.Directory is null) Directory.Delete(_directory, recursive: true);
    }

    private async Task WaitUntilWholeAsync(CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var states = new string[_servers.Count];
        using var ticks = new PeriodicTimer(PollInterval);
        do
        {
            for (var i = 0; i < _servers.Count; i++) states[i] = await DescribeAsync(i, cancellation);
            if (states.All(state => state.Length == 0)) return;
            var ended = _servers.Find(server => server.HasExited);
            if (ended is not null)
            {
                throw new TopologyException($"{ended.Name} ended with code {ended.ExitCode} before it was ready. Its last lines:\n{ended.LastLines}");
            }
            if (clock.Elapsed <= _options.ReadyTimeout) continue;
            var waiting = states.Where(state => state.Length > 0);
            throw new TopologyException($"Not ready after {_options.ReadyTimeout.TotalSeconds:0} s: {string.Join("; ", waiting)}. Is the machine busy? --timeout SECONDS waits longer.");
        }
        while (await ticks.WaitForNextTickAsync(cancellation));
    }

    /// <summary>What a server still lacks; empty: nothing.</summary>
    private async Task<string> DescribeAsync(int index, CancellationToken cancellation)
    {
        var spec = _topology.Servers[index];
        try
        {
            using var health = await _http.GetAsync($"{spec.MonitorUrl}/healthz", cancellation);
            if (!health.IsSuccessStatusCode) return $"{spec.Name} says {(int)health.StatusCode} on /healthz";
            using var varz = JsonDocument.Parse(await _http.GetStringAsync($"{spec.MonitorUrl}/varz", cancellation));
            var wanted = _topology.Servers.Count - 1;
            var remotes = varz.RootElement.TryGetProperty("remotes", out var value) ? value.GetInt32() : 0;
            return remotes >= wanted ? "" : $"{spec.Name} sees {remotes} of {wanted} other servers";
        }
        catch (Exception error) when (error is HttpRequestException or JsonException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            return $"{spec.Name} does not answer on {spec.MonitorUrl} yet";
        }
    }
}
