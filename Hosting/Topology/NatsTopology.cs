namespace NatsAspire.Hosting;

/// <summary>
/// The servers of an application and how they belong together, checked and with a port for everything. The one model
/// that the Aspire application, the local runner, tests and manifests are made from.
/// </summary>
public sealed partial class NatsTopology
{
    /// <summary>Most servers a cluster may have here; a full mesh grows with the square.</summary>
    public const int MaxServers = 64;

    private NatsTopology(TopologySpec spec, IReadOnlyList<NatsCluster> clusters)
    {
        Spec = spec;
        Clusters = clusters;
        Servers = [.. clusters.SelectMany(cluster => cluster.Servers)];
    }

    /// <summary>What it was made from.</summary>
    public TopologySpec Spec { get; }

    /// <summary>Clusters, then leaf nodes, in the order of the specification.</summary>
    public IReadOnlyList<NatsCluster> Clusters { get; }

    public IReadOnlyList<NatsServerSpec> Servers { get; }

    /// <summary>Name of the first cluster.</summary>
    public string ClusterName => Clusters[0].Name;

    /// <summary>nats://host:port of every server of the first cluster, apart by commas, without credentials.</summary>
    public string ConnectionString => Clusters[0].ConnectionString;

    /// <summary>A cluster of servers named cluster-1, cluster-2 … with JetStream.</summary>
    /// <param name="name">Letters, digits, dashes; begins with a letter.</param>
    /// <param name="servers">1..<see cref="MaxServers"/>.</param>
    /// <param name="firstClientPort">Port of the first server, the others follow; null: free ones.</param>
    /// <param name="ports">Where free ports come from; null: the system.</param>
    /// <exception cref="TopologyException">A name, number or port that cannot be.</exception>
    public static NatsTopology Cluster(string name, int servers, int? firstClientPort = null, IPortAllocator? ports = null) =>
        Build(BuiltInTopologies.Cluster(name, servers, firstClientPort), ports);

    /// <summary>Checks the specification and gives every server its ports.</summary>
    /// <param name="spec">What is wanted.</param>
    /// <param name="ports">Where free ports come from; null: the system.</param>
    /// <param name="known">Ports of an earlier run by server name, which are kept.</param>
    /// <exception cref="TopologyException">It cannot be; the message names every place and what to do there.</exception>
    public static NatsTopology Build(TopologySpec spec, IPortAllocator? ports = null, IReadOnlyDictionary<string, ServerPorts>? known = null)
    {
        spec = spec.InOnlyAccount();
        TopologyValidator.Check(spec);
        ports ??= new FreePorts();
        var clusters = new List<NatsCluster>();
        foreach (var one in spec.Clusters.Concat(spec.LeafNodes))
        {
            var cluster = new NatsCluster(one, isLeaf: one.Hub is not null);
            cluster.Servers = [.. Enumerable.Range(1, cluster.Size).Select(i => new NatsServerSpec($"{one.Name}-{i}", cluster, PortsOf(one, i, ports, known)))];
            clusters.Add(cluster);
        }
        Join(clusters);
        return new NatsTopology(spec, clusters);
    }

    /// <summary>The cluster or leaf node of that name.</summary>
    /// <exception cref="TopologyException">There is none.</exception>
    public NatsCluster this[string name] =>
        Clusters.FirstOrDefault(cluster => cluster.Name == name) ?? throw new TopologyException($"There is no cluster \"{name}\".");

    private static ServerPorts PortsOf(ClusterSpec spec, int index, IPortAllocator ports, IReadOnlyDictionary<string, ServerPorts>? known)
    {
        if (known is null || !known.TryGetValue($"{spec.Name}-{index}", out var kept))
        {
            var taken = ports.Take(5);
            kept = new ServerPorts(taken[0], taken[1], taken[2], taken[3], taken[4]);
        }
        return spec.Port is { } first ? kept with { Client = first + index - 1 } : kept;
    }

    /// <summary>Gateways reach everybody who is reached by somebody: servers gossip about them anyway.</summary>
    private static void Join(List<NatsCluster> clusters)
    {
        var byName = clusters.ToDictionary(cluster => cluster.Name, StringComparer.Ordinal);
        foreach (var cluster in clusters)
        {
            if (cluster.Spec.Hub is { } hub)
            {
                cluster.Hub = byName[hub];
                byName[hub].HasLeafNodes = true;
            }
            var reached = TopologyValidator.SuperCluster(cluster.Spec, [.. clusters.Select(one => one.Spec)]);
            cluster.Gateways = [.. reached.Where(name => name != cluster.Name).Select(name => byName[name])];
        }
    }
}

/// <summary>Ports of one server on a local run.</summary>
public sealed record ServerPorts(int Client, int Route, int Monitor, int Gateway, int Leaf);

/// <summary>A cluster or leaf node of a topology.</summary>
public sealed class NatsCluster
{
    internal NatsCluster(ClusterSpec spec, bool isLeaf)
    {
        Spec = spec;
        IsLeaf = isLeaf;
        Size = spec.Servers ?? (isLeaf ? 1 : 3);
    }

    public ClusterSpec Spec { get; }

    public string Name => Spec.Name;

    public bool IsLeaf { get; }

    /// <summary>Servers it has.</summary>
    public int Size { get; }

    public IReadOnlyList<NatsServerSpec> Servers { get; internal set; } = [];

    /// <summary>All other clusters of its super-cluster.</summary>
    public IReadOnlyList<NatsCluster> Gateways { get; internal set; } = [];

    /// <summary>Of a leaf node: whom it connects to.</summary>
    public NatsCluster? Hub { get; internal set; }

    /// <summary>Somebody's hub.</summary>
    public bool HasLeafNodes { get; internal set; }

    /// <summary>Has routes: a server alone has none.</summary>
    public bool IsMesh => Size > 1 || Gateways.Count > 0;

    /// <summary>nats://host:port of every server, apart by commas, without credentials: what clients are given.</summary>
    public string ConnectionString => string.Join(',', Servers.Select(server => server.ClientUrl));
}

/// <summary>One server.</summary>
/// <param name="Name">Unique in the topology.</param>
/// <param name="Cluster">Where it belongs.</param>
/// <param name="Ports">Its own.</param>
public sealed record NatsServerSpec(string Name, NatsCluster Cluster, ServerPorts Ports)
{
    public const string Host = "127.0.0.1";

    public int ClientPort => Ports.Client;

    public int RoutePort => Ports.Route;

    public int MonitorPort => Ports.Monitor;

    /// <summary>tls:// where clients' connections are encrypted.</summary>
    public string ClientUrl => $"{(Cluster.Spec.Tls is null ? "nats" : "tls")}://{Host}:{ClientPort}";

    public string RouteUrl => $"nats-route://{Host}:{RoutePort}";

    public string MonitorUrl => $"http://{Host}:{MonitorPort}";

    public override string ToString() => Name;
}
