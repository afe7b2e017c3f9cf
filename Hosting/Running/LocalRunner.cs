using System.Diagnostics;

namespace NatsAspire.Hosting;

/// <summary>What a local run needs to know.</summary>
public sealed record LocalRunnerOptions
{
    /// <summary>The nats-server executable.</summary>
    public required string ServerPath { get; init; }

    /// <summary>How long servers may take until all are joined.</summary>
    public TimeSpan ReadyTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a server may take to stop before it is killed.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(3);
}

/// <summary>A server of a run, as it is now.</summary>
/// <param name="Spec">Which.</param>
/// <param name="Phase">Of its process.</param>
/// <param name="Id">Of its process; 0: none.</param>
/// <param name="Crashes">How often it ended by itself.</param>
/// <param name="Error">Why it ended last, in its own words; null: it never did.</param>
/// <param name="Lacks">What it lacked when it was looked at last; empty: nothing.</param>
public sealed record ServerStatus(NatsServerSpec Spec, ServerPhase Phase, int Id, int Crashes, string? Error, string Lacks)
{
    /// <summary>In a word or a sentence, for tables.</summary>
    public string Text => Phase switch
    {
        ServerPhase.Waiting => $"failed: {Error}",
        ServerPhase.Stopped => "stopped",
        // On its next try, of which nothing is known yet.
        _ when Lacks.Length > 0 && Error is not null => $"failed: {Error}",
        _ => Lacks.Length == 0 ? "ready" : Lacks,
    };
}

/// <summary>
/// Runs a topology as processes of this machine: starts them, waits until every server is ready and joined to all it
/// should be, makes the streams it names, restarts what crashes with growing pauses, and stops all together. When this
/// process dies, however it does, its servers end with it.
/// </summary>
public sealed class LocalRunner : IAsyncDisposable
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);
    private readonly LocalRunnerOptions _options;
    private readonly IRunnerLog _log;
    private readonly DataFolder _folder;
    private readonly Dictionary<string, ServerProcess> _servers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _lacks = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(2) };

    /// <param name="topology">What runs.</param>
    /// <param name="folder">Where configurations and streams are; the runner does not dispose of it.</param>
    /// <param name="options">How.</param>
    /// <param name="log">Told of everything.</param>
    /// <exception cref="TopologyException">There is no server executable at that path.</exception>
    public LocalRunner(NatsTopology topology, DataFolder folder, LocalRunnerOptions options, IRunnerLog log)
    {
        if (!File.Exists(options.ServerPath))
        {
            throw new TopologyException($"There is no server at {options.ServerPath}. Build it with `dotnet build`, or name one with --server PATH.");
        }
        Topology = topology;
        Passwords = TopologySecrets.Resolve(topology, folder.Known.Passwords);
        _folder = folder;
        _options = options;
        _log = log;
    }

    public NatsTopology Topology { get; }

    /// <summary>By user; those the topology made for itself among them.</summary>
    public IReadOnlyDictionary<string, string> Passwords { get; }

    /// <summary>All servers, as they are now.</summary>
    public IReadOnlyList<ServerStatus> Status => [.. Topology.Servers.Select(StatusOf)];

    /// <summary>nats://user:password@host:port of every server of a cluster, apart by commas: what clients are given.</summary>
    /// <param name="cluster">Of the topology.</param>
    /// <param name="user">Null: nobody, or the first user there is.</param>
    public string ConnectionString(NatsCluster cluster, string? user = null) => TopologySecrets.ConnectionString(Topology, cluster.Servers, Passwords, user);

    /// <summary>Starts all servers and returns when they are ready, or those that can be are and the others failed.</summary>
    /// <exception cref="TopologyException">None can start, they did not find each other in time, or a stream cannot be made.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        _folder.Save(Topology, Passwords);
        var site = new LocalSite(_folder.Path, Passwords);
        foreach (var spec in Topology.Servers)
        {
            var file = _folder.WritePrivate(spec.Name + ".conf", ServerConfigWriter.Write(Topology, spec, site));
            _servers[spec.Name] = new ServerProcess(spec.Name, _options.ServerPath, ["-c", file], _log);
        }
        foreach (var server in _servers.Values) server.Start();
        await WaitUntilReadyAsync(cancellation);
        if (_servers.Values.All(server => server.Crashes == 0)) await new AssetProvisioner(Topology, Passwords, _log).CreateAllAsync(cancellation);
        else if (AssetProvisioner.Assets(Topology.Spec).Any()) _log.Notice("Not all servers could start, so streams, buckets and stores are left as they are.");
    }

    /// <summary>Tells a server something, as a person at the console would.</summary>
    /// <returns>What came of it, as a sentence; false when nothing did.</returns>
    public async Task<(bool Done, string Text)> CommandAsync(ServerCommand command, NatsServerSpec server)
    {
        if (!_servers.TryGetValue(server.Name, out var process)) return (false, $"{server.Name} was never started.");
        var done = true;
        switch (command)
        {
            case ServerCommand.Reload:
                done = process.Signal(ServerProcess.Hangup);
                break;
            case ServerCommand.LameDuck:
                done = process.Signal(ServerProcess.LameDuck, ends: true);
                break;
            case ServerCommand.Kill:
                done = process.Signal(ServerProcess.KillSignal);
                break;
            case ServerCommand.Stop:
                await process.StopAsync(_options.StopTimeout);
                break;
            case ServerCommand.Start:
                process.Start();
                break;
            default:
                await process.StopAsync(_options.StopTimeout);
                process.Start();
                break;
        }
        var text = done ? $"{command} of {server.Name}: done." : $"{server.Name} does not run.";
        _log.Notice(text);
        return (done, text);
    }

    /// <summary>Stops all servers: politely first, then by force.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_servers.Values.Select(server => server.StopAsync(_options.StopTimeout)));
        foreach (var server in _servers.Values) await server.DisposeAsync();
        _http.Dispose();
    }

    private ServerStatus StatusOf(NatsServerSpec spec)
    {
        string? lacks;
        lock (_lock) lacks = _lacks.GetValueOrDefault(spec.Name);
        return _servers.TryGetValue(spec.Name, out var server)
            ? new ServerStatus(spec, server.Phase, server.Id, server.Crashes, server.Error, lacks ?? "")
            : new ServerStatus(spec, ServerPhase.Stopped, 0, 0, null, "");
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var readiness = new ServerReadiness(_http);
        using var ticks = new PeriodicTimer(PollInterval);
        do
        {
            var states = await Task.WhenAll(Topology.Servers.Where(IsExpected).Select(spec => LookAsync(readiness, spec, cancellation)));
            if (!Topology.Servers.Any(IsExpected))
            {
                throw new TopologyException($"No server can start:\n{string.Join('\n', Status.Select(status => $"  {status.Spec.Name}: {status.Error}"))}");
            }
            var waiting = states.Where(state => state.Length > 0).ToList();
            if (waiting.Count == 0) return;
            if (clock.Elapsed <= _options.ReadyTimeout) continue;
            throw new TopologyException($"Not ready after {_options.ReadyTimeout.TotalSeconds:0} s: {string.Join("; ", waiting)}. Is the machine busy? --timeout SECONDS waits longer.");
        }
        while (await ticks.WaitForNextTickAsync(cancellation));
    }

    /// <summary>A server that ended before it was ready is not waited for.</summary>
    private bool IsExpected(NatsServerSpec spec) => _servers[spec.Name].Crashes == 0;

    private async Task<string> LookAsync(ServerReadiness readiness, NatsServerSpec spec, CancellationToken cancellation)
    {
        var lacks = await readiness.DescribeAsync(spec, IsExpected, cancellation);
        lock (_lock) _lacks[spec.Name] = lacks;
        return IsExpected(spec) ? lacks : "";
    }
}

/// <summary>What a server can be told.</summary>
public enum ServerCommand
{
    /// <summary>Read the configuration again.</summary>
    Reload,

    /// <summary>Send clients elsewhere, then end.</summary>
    LameDuck,

    /// <summary>End and start again.</summary>
    Restart,

    /// <summary>End at once, as by a crash; it is started again.</summary>
    Kill,

    /// <summary>End, and stay so.</summary>
    Stop,

    /// <summary>Run again.</summary>
    Start,
}
