namespace NatsAspire.Hosting;

/// <summary>
/// A topology that runs for a test, in this process or as processes: its servers are stopped, killed and started again over
/// their stores, cut apart and joined, and waited for. Names that methods take are those of servers, clusters or leaf nodes; a
/// cluster's or leaf node's stands for all of its servers.
/// </summary>
public sealed partial class NatsTestCluster : IAsyncDisposable
{
    private readonly NatsTestClusterBuilder _how;
    private readonly DataFolder _folder;
    private readonly RunnerLogRing _log;
    private readonly ServerLinks? _links;
    private readonly IReadOnlyDictionary<string, string> _passwords;
    private readonly Dictionary<string, ITestServer> _servers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _paused = new(StringComparer.Ordinal);
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(2) };

    private NatsTestCluster(NatsTestClusterBuilder how)
    {
        _how = how;
        _log = new RunnerLogRing(how.Log);
        Topology = NatsTopology.Build(how.Spec);
        _passwords = TopologySecrets.Resolve(Topology);
        _folder = DataFolder.Open(null, clean: false, _log);
        _links = how.HasLinks ? new ServerLinks(Topology) : null;
        var site = new TestSite(_folder.Path, _passwords, _links, how.Configuration);
        foreach (var spec in Topology.Servers)
        {
            var text = ServerConfigWriter.Write(Topology, spec, site);
            _servers[spec.Name] = how.ServerPath is not { } path
                ? new InProcessTestServer(spec.Name, text, _log)
                : new ProcessTestServer(new ServerProcess(spec.Name, path, ["-c", _folder.WritePrivate(spec.Name + ".conf", text)], _log));
        }
    }

    /// <summary>What runs: clusters, leaf nodes and servers with their ports.</summary>
    public NatsTopology Topology { get; }

    /// <summary>Names of the servers that run, paused ones among them, in the order of the topology.</summary>
    public IReadOnlyList<string> Running => [.. Topology.Servers.Select(server => server.Name).Where(name => _servers[name].IsRunning)];

    /// <summary>What servers logged last, oldest first.</summary>
    public IReadOnlyList<string> LogLines => [.. _log.After(0).Select(line => $"{line.Server}: {line.Text}")];

    /// <summary>nats://user:password@host:port of all servers a name stands for, apart by commas: what clients are given.</summary>
    /// <param name="name">Of a cluster, a leaf node or a server; null: the first cluster.</param>
    /// <param name="user">Null: nobody, or the first user there is.</param>
    public string ConnectionString(string? name = null, string? user = null) =>
        TopologySecrets.ConnectionString(Topology, ServersOf(name ?? Topology.ClusterName), _passwords, user);

    /// <summary>The same, a URL for each server.</summary>
    public IReadOnlyList<Uri> UrlsOf(string? name = null, string? user = null) => [.. ConnectionString(name, user).Split(',').Select(url => new Uri(url))];

    /// <summary>A user's password; those that were made up among them.</summary>
    public string PasswordOf(string user) => _passwords[user];

    /// <summary>Where a server's streams are.</summary>
    public string StoreOf(string server) => Path.Combine(_folder.Path, ServerOf(server).Name);

    /// <summary>Makes a stream, bucket or object store, or changes it, once servers are there to hold it.</summary>
    /// <exception cref="TopologyException">It cannot be made; the message says what the server says.</exception>
    public Task CreateAsync(AssetSpec asset, CancellationToken cancellation = default)
    {
        var stream = asset switch { KeyValueSpec => "KV_" + asset.Name, ObjectStoreSpec => "OBJ_" + asset.Name, _ => asset.Name };
        return new AssetProvisioner(Topology, _passwords).CreateAsync(asset, stream, cancellation);
    }

    internal static async Task<NatsTestCluster> StartAsync(NatsTestClusterBuilder how, CancellationToken cancellation)
    {
        if (how.ServerPath is { } path && !File.Exists(path)) throw new TopologyException($"There is no server at {path}. Name one: AsProcesses(path).");
        var cluster = new NatsTestCluster(how);
        try
        {
            await cluster.StartAllAsync(cancellation);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends all servers at once, and removes their stores.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_servers.Values.Select(server => server.DisposeAsync().AsTask()));
        if (_links is not null) await _links.DisposeAsync();
        _http.Dispose();
        _folder.Dispose();
    }

    private async Task StartAllAsync(CancellationToken cancellation)
    {
        await Task.WhenAll(_servers.Values.Select(server => server.StartAsync(cancellation)));
        await WaitUntilReadyAsync(cancellation: cancellation);
        await new AssetProvisioner(Topology, _passwords).CreateAllAsync(cancellation);
    }

    private NatsServerSpec ServerOf(string name) =>
        Topology.Servers.FirstOrDefault(server => server.Name == name) ?? throw new TopologyException($"There is no server \"{name}\". Known: {string.Join(", ", Topology.Servers)}.");

    private IReadOnlyList<NatsServerSpec> ServersOf(string name) =>
        Topology.Clusters.FirstOrDefault(cluster => cluster.Name == name) is { } cluster ? cluster.Servers : [ServerOf(name)];

    /// <summary>Runs, and is not paused: it can be asked.</summary>
    private bool IsAwake(NatsServerSpec server) => _servers[server.Name].IsRunning && !_paused.Contains(server.Name);
}
