using System.Net;
using System.Text.Json;
using NatsAspire.Hosting;

namespace NatsAspire.Tests.Support;

/// <summary>Servers of one cluster as processes, ours or Go's, each with a store that outlives it.</summary>
public sealed class ProcessCluster : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natsaspire-processes-");
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly string[] _executables;
    private readonly int[] _ports;
    private readonly InterposingProxy[,]? _links;

    private ProcessCluster(string[] executables, bool cuttable)
    {
        _executables = executables;
        Servers = new ServerProcess?[executables.Length];
        // Proxies first: the ports of servers are only promised, and the system must not give them to a proxy.
        if (cuttable) _links = StartLinks(executables.Length);
        _ports = [.. new FreePorts().Take(2 * executables.Length)];
        if (_links is null) return;
        for (var from = 0; from < executables.Length; from++)
        {
            for (var to = 0; to < executables.Length; to++) _links[from, to].Target = new IPEndPoint(IPAddress.Loopback, RoutePort(to));
        }
    }

    /// <summary>What servers said that were ended.</summary>
    public List<string> Former { get; } = [];

    /// <summary>Null: it is down.</summary>
    public ServerProcess?[] Servers { get; }

    /// <summary>Where clients find all of them.</summary>
    public IReadOnlyList<Uri> Urls => [.. Enumerable.Range(0, Servers.Length).Select(server => new Uri($"nats://127.0.0.1:{ClientPort(server)}"))];

    /// <summary>Starts a server for each executable.</summary>
    public static Task<ProcessCluster> StartAsync(params string[] executables) => StartAsync(false, executables);

    /// <summary>The same; if wanted with links between them that can be cut.</summary>
    public static async Task<ProcessCluster> StartAsync(bool cuttable, params string[] executables)
    {
        var cluster = new ProcessCluster(executables, cuttable);
        await cluster.StartAllAsync();
        return cluster;
    }

    /// <summary>Servers that are not started yet.</summary>
    public static ProcessCluster Prepare(params string[] executables) => new(executables, cuttable: false);

    /// <summary>Starts all servers.</summary>
    public async Task StartAllAsync()
    {
        for (var i = 0; i < Servers.Length; i++) await StartAsync(i);
    }

    /// <summary>Starts a server over its store, maybe with another executable than before.</summary>
    public async Task StartAsync(int server, string? executable = null)
    {
        if (executable is not null) _executables[server] = executable;
        var routes = Enumerable.Range(0, Servers.Length).Where(other => other != server)
            .Select(other => $"\"nats://127.0.0.1:{(_links is null ? RoutePort(other) : _links[server, other].EndPoint.Port)}\"");
        Servers[server] = await ServerProcess.StartAsync(
            _executables[server],
            $$"""
            server_name: n{{server + 1}}
            listen: "127.0.0.1:{{ClientPort(server)}}"
            http: "127.0.0.1:-1"
            jetstream { store_dir: "{{FolderOf(server)}}", max_file_store: 4GB }
            cluster { name: C, listen: "127.0.0.1:{{RoutePort(server)}}", routes: [ {{string.Join(", ", routes)}} ], no_advertise: {{(_links is null ? "false" : "true")}} }
            """);
    }

    /// <summary>Nothing passes from one server to another any more; neither notices.</summary>
    public void Cut(int from, int to)
    {
        _links![from, to].ToTarget.Block();
        _links[to, from].FromTarget.Block();
    }

    /// <summary>Everything passes again; what was held back first.</summary>
    public void Heal()
    {
        foreach (var link in _links!) link.Heal();
    }

    /// <summary>Where a server's store is.</summary>
    public string FolderOf(int server) => Path.Combine(_folder.FullName, $"n{server + 1}");

    /// <summary>Ends a server without a warning.</summary>
    public async Task KillAsync(int server)
    {
        Servers[server]!.Signal(9);
        Former.Add(Servers[server]!.Output);
        await Servers[server]!.DisposeAsync();
        Servers[server] = null;
    }

    /// <summary>Ends a server in order.</summary>
    public async Task StopAsync(int server)
    {
        await Servers[server]!.DisposeAsync();
        Servers[server] = null;
    }

    public Task<TestClient> ConnectAsync(int server) => TestClient.ConnectAsync(Urls[server]);

    /// <summary>The servers that run, by their index, with what each says of a stream.</summary>
    public async Task<List<(int Server, JsonElement Stream)>> LookAsync(string stream)
    {
        var found = new List<(int, JsonElement)>();
        for (var i = 0; i < Servers.Length; i++)
        {
            if (Servers[i] is not { } server || await ReadAsync(server) is not { } page || !page.TryGetProperty("account_details", out var accounts)) continue;
            foreach (var account in accounts.EnumerateArray())
            {
                if (!account.TryGetProperty("stream_detail", out var streams)) continue;
                foreach (var one in streams.EnumerateArray().Where(one => one.GetProperty("name").GetString() == stream)) found.Add((i, one));
            }
        }
        return found;
    }

    /// <summary>Who leads a stream; -1: nobody says so.</summary>
    public async Task<int> LeaderOfAsync(string stream)
    {
        foreach (var (server, one) in await LookAsync(stream))
        {
            if (one.TryGetProperty("cluster", out var cluster) && cluster.TryGetProperty("leader", out var leader) && leader.GetString() == $"n{server + 1}") return server;
        }
        return -1;
    }

    /// <summary>Waits until all servers run and hold the same of a stream.</summary>
    public async Task WaitForEqualAsync(string stream, ulong lastSequence)
    {
        var states = new List<string>();
        await Wait.Until(
            $"all hold the same of {stream}, up to {lastSequence}",
            async () =>
            {
                var seen = await LookAsync(stream);
                states = [.. seen.Select(one => Describe(one.Stream.GetProperty("state")))];
                return states.Count == Servers.Length && states.TrueForAll(state => state == states[0]) && seen[0].Stream.GetProperty("state").GetProperty("last_seq").GetUInt64() >= lastSequence;
            },
            () => string.Join("; ", states),
            TimeSpan.FromSeconds(150));
    }

    /// <summary>Waits until every server that runs says that it is well.</summary>
    public async Task WaitForHealthAsync(TimeSpan patience)
    {
        string? said = null;
        await Wait.Until(
            "all servers are well",
            async () =>
            {
                foreach (var server in Servers.OfType<ServerProcess>())
                {
                    if ((said = await AilmentOfAsync(server)) is not null) return false;
                }
                return true;
            },
            () => said ?? "",
            patience);
    }

    /// <summary>What a server says that it suffers from; null: it is well.</summary>
    public async Task<string?> AilmentOfAsync(ServerProcess server)
    {
        using var answer = await _http.GetAsync(new Uri(server.MonitoringUrl, "/healthz"));
        return answer.IsSuccessStatusCode ? null : await answer.Content.ReadAsStringAsync();
    }

    private static InterposingProxy[,] StartLinks(int servers)
    {
        var links = new InterposingProxy[servers, servers];
        for (var from = 0; from < servers; from++)
        {
            for (var to = 0; to < servers; to++)
            {
                links[from, to] = InterposingProxy.Start(new IPEndPoint(IPAddress.Loopback, 0));
                links[from, to].ToTarget.Records = links[from, to].FromTarget.Records = false;
            }
        }
        return links;
    }

    private static string Describe(JsonElement state) =>
        $"{state.GetProperty("messages")} messages, {state.GetProperty("bytes")} bytes, {state.GetProperty("first_seq")} to {state.GetProperty("last_seq")}";

    private async Task<JsonElement?> ReadAsync(ServerProcess server)
    {
        try
        {
            using var page = JsonDocument.Parse(await _http.GetStringAsync(new Uri(server.MonitoringUrl, "/jsz?accounts=true&streams=true&config=true")));
            return page.RootElement.Clone();
        }
        catch (Exception error) when (error is HttpRequestException or JsonException or TaskCanceledException)
        {
            return null;
        }
    }

    private int ClientPort(int server) => _ports[2 * server];

    private int RoutePort(int server) => _ports[(2 * server) + 1];

    public async ValueTask DisposeAsync()
    {
        for (var i = 0; i < Servers.Length; i++)
        {
            if (Servers[i] is { } server) await server.DisposeAsync();
        }
        if (_links is not null)
        {
            foreach (var link in _links) await link.DisposeAsync();
        }
        _http.Dispose();
        _folder.Delete(recursive: true);
    }
}
