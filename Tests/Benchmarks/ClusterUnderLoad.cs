using System.Diagnostics;
using System.Text.RegularExpressions;

namespace NatsAspire.Benchmarks;

/// <summary>Three server processes of one cluster with JetStream, each with a store of its own.</summary>
internal sealed partial class ClusterUnderLoad : IDisposable
{
    public const int Size = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _path;
    private readonly DirectoryInfo _folder;
    private readonly ServerUnderLoad?[] _servers = new ServerUnderLoad?[Size];

    /// <param name="path">The executable.</param>
    /// <param name="directory">Where stores are made.</param>
    /// <param name="more">Added to the configuration of JetStream.</param>
    public ClusterUnderLoad(string path, string directory, string more = "")
    {
        _path = path;
        _folder = Directory.CreateDirectory(Path.Combine(directory, $"bench-{Guid.NewGuid():N}"));
        var ports = Enumerable.Range(0, Size).Select(_ => ServerUnderLoad.FreePort()).ToArray();
        var routes = string.Join(", ", ports.Select(port => $"nats://127.0.0.1:{port}"));
        for (var i = 0; i < Size; i++)
        {
            File.WriteAllText(ConfigurationOf(i), $$"""
                server_name: n{{i}}
                jetstream { store_dir: "{{_folder.FullName}}/s{{i}}"{{more}} }
                cluster { name: C, listen: "127.0.0.1:{{ports[i]}}", routes: [ {{routes}} ] }

                """);
        }
        for (var i = 0; i < Size; i++) Start(i);
    }

    /// <summary>Those that run.</summary>
    public IEnumerable<ServerUnderLoad> Servers => _servers.OfType<ServerUnderLoad>();

    /// <summary>Starts a server over its store.</summary>
    public void Start(int server) => _servers[server] = ServerUnderLoad.Start(_path, "-c", ConfigurationOf(server));

    /// <summary>Ends a server at once.</summary>
    public void Kill(int server)
    {
        _servers[server]!.Dispose();
        _servers[server] = null;
    }

    /// <summary>The server of a number; what the others need counts as its own.</summary>
    public ServerUnderLoad this[int server]
    {
        get
        {
            var one = _servers[server]!;
            one.Companions = [.. Servers.Where(other => other != one)];
            foreach (var other in one.Companions) other.Companions = [];
            return one;
        }
    }

    /// <summary>Asks the API until it says yes, as clients do while somebody is elected.</summary>
    /// <exception cref="InvalidOperationException">It did not within a minute.</exception>
    public string Ask(string subject, string payload = "")
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var client = new JetStreamClient(Servers.First().Address) { Patience = TimeSpan.FromSeconds(2) };
                return client.Request(subject, payload);
            }
            catch (Exception error) when (error is InvalidOperationException or System.Net.Sockets.SocketException && clock.Elapsed < Patience)
            {
                Rest(100);
            }
        }
    }

    /// <summary>Makes a stream of three replicas, and waits for all of them.</summary>
    public void Create(string stream, string configuration)
    {
        Ask($"$JS.API.STREAM.CREATE.{stream}", $"{{\"name\":\"{stream}\",\"num_replicas\":{Size},{configuration}}}");
        var clock = Stopwatch.StartNew();
        while (CurrentReplicas(stream) < Size - 1 && clock.Elapsed < Patience) Rest(100);
    }

    /// <summary>Followers that have all of a stream.</summary>
    public int CurrentReplicas(string stream) => Current().Count(Ask($"$JS.API.STREAM.INFO.{stream}"));

    /// <summary>Who leads a stream.</summary>
    public int LeaderOf(string stream)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < Patience)
        {
            if (Leader().Match(Ask($"$JS.API.STREAM.INFO.{stream}")) is { Success: true } match) return match.Groups[1].Value[0] - '0';
            Rest(20);
        }
        throw new InvalidOperationException($"Nobody leads {stream}.");
    }

    /// <summary>Leaves it alone for a while.</summary>
    public void Rest(double milliseconds) => Servers.First().Rest(TimeSpan.FromMilliseconds(milliseconds));

    public void Dispose()
    {
        foreach (var server in Servers) server.Dispose();
        _folder.Delete(recursive: true);
    }

    private string ConfigurationOf(int server) => Path.Combine(_folder.FullName, $"n{server}.conf");

    [GeneratedRegex("\"leader\":\\s*\"n(\\d)\"")]
    private static partial Regex Leader();

    [GeneratedRegex("\"current\":\\s*true")]
    private static partial Regex Current();
}
