using System.Text.Json;

namespace NatsAspire.Tests.Support;

/// <summary>Servers of one cluster as processes, ours or Go's, each with a store that outlives it.</summary>
public sealed class ProcessCluster : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natsaspire-processes-");
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly string[] _executables;
    private readonly int[] _ports;

    private ProcessCluster(string[] executables)
    {
        _executables = executables;
        _ports = [.. new NatsAspire.Hosting.FreePorts().Take(2 * executables.Length)];
        Servers = new ServerProcess?[executables.Length];
    }

    /// <summary>Null: it is down.</summary>
    public ServerProcess?[] Servers { get; }

    /// <summary>Where clients find all of them.</summary>
    public IReadOnlyList<Uri> Urls => [.. Enumerable.Range(0, Servers.Length).Select(server => new Uri($"nats://127.0.0.1:{ClientPort(server)}"))];

    /// <summary>Starts a server for each executable.</summary>
    public static async Task<ProcessCluster> StartAsync(params string[] executables)
    {
        var cluster = new ProcessCluster(executables);
        for (var i = 0; i < executables.Length; i++) await cluster.StartAsync(i);
        return cluster;
    }

    /// <summary>Starts a server over its store, maybe with another executable than before.</summary>
    public async Task StartAsync(int server, string? executable = null)
    {
        if (executable is not null) _executables[server] = executable;
        var routes = Enumerable.Range(0, Servers.Length).Select(other => $"\"nats://127.0.0.1:{RoutePort(other)}\"");
        Servers[server] = await ServerProcess.StartAsync(
            _executables[server],
            $$"""
            server_name: n{{server + 1}}
            listen: "127.0.0.1:{{ClientPort(server)}}"
            http: "127.0.0.1:-1"
            jetstream { store_dir: "{{FolderOf(server)}}" }
            cluster { name: C, listen: "127.0.0.1:{{RoutePort(server)}}", routes: [ {{string.Join(", ", routes)}} ] }
            """);
    }

    /// <summary>Where a server's store is.</summary>
    public string FolderOf(int server) => Path.Combine(_folder.FullName, $"n{server + 1}");

    /// <summary>Ends a server without a warning.</summary>
    public async Task KillAsync(int server)
    {
        Servers[server]!.Signal(9);
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
        _http.Dispose();
        _folder.Delete(recursive: true);
    }
}
