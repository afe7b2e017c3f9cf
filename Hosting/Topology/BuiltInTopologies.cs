namespace NatsAspire.Hosting;

/// <summary>Topologies that have a name instead of a file.</summary>
public static class BuiltInTopologies
{
    private static readonly string[] Regions = ["west", "east", "north", "south"];

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["cluster", "supercluster", "leaf"];

    /// <summary>The topology of that name; null: there is none.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="servers">Servers of each cluster.</param>
    /// <param name="firstClientPort">Client port of the first server, the others follow; null: free ones.</param>
    public static TopologySpec? Find(string name, int servers, int? firstClientPort) => name switch
    {
        "cluster" => Cluster("nats", servers, firstClientPort),
        "supercluster" => SuperCluster(servers, firstClientPort),
        "leaf" => Leaf(servers, firstClientPort),
        _ => null,
    };

    /// <summary>One cluster with JetStream.</summary>
    public static TopologySpec Cluster(string name, int servers, int? firstClientPort = null) =>
        new() { Clusters = [new ClusterSpec { Name = name, Servers = servers, Port = firstClientPort, JetStream = new() }] };

    /// <summary>Two clusters joined by gateways, and a leaf node of the first with a domain of its own.</summary>
    public static TopologySpec SuperCluster(int servers, int? firstClientPort = null) => new()
    {
        Clusters =
        [
            new ClusterSpec { Name = "west", Servers = servers, Port = firstClientPort, JetStream = new(), Tags = ["region:west"], Gateways = ["east"] },
            new ClusterSpec { Name = "east", Servers = servers, Port = firstClientPort + servers, JetStream = new(), Tags = ["region:east"] },
        ],
        LeafNodes = [Edge("west", firstClientPort + 2 * servers)],
        Streams = [new StreamSpec { Name = "orders", In = "west", Subjects = ["orders.>"], Replicas = Math.Min(3, servers) }],
        KeyValues = [new KeyValueSpec { Name = "settings", In = "east", Replicas = Math.Min(3, servers) }],
    };

    /// <summary>
    /// Clusters joined by gateways, each with JetStream and a tag: west, east, north, south, then region-5 …
    /// </summary>
    /// <param name="clusters">2 and more.</param>
    /// <param name="servers">Of each.</param>
    public static TopologySpec Clusters(int clusters, int servers)
    {
        string[] names = [.. Enumerable.Range(0, clusters).Select(index => index < Regions.Length ? Regions[index] : $"region-{index + 1}")];
        return new TopologySpec
        {
            Clusters = [.. names.Select(name => new ClusterSpec { Name = name, Servers = servers, JetStream = new(), Tags = [$"region:{name}"], Gateways = [.. names.Where(other => other != name)] })],
        };
    }

    /// <summary>A cluster and a leaf node.</summary>
    public static TopologySpec Leaf(int servers, int? firstClientPort = null) =>
        Cluster("hub", servers, firstClientPort) with { LeafNodes = [Edge("hub", firstClientPort + servers)] };

    /// <summary>A leaf node with a domain of its own name.</summary>
    public static ClusterSpec LeafNode(string name, string hub, int? servers = null) =>
        new() { Name = name, Hub = hub, Servers = servers, JetStream = new() { Domain = name }, Tags = [name] };

    private static ClusterSpec Edge(string hub, int? port) => LeafNode("edge", hub) with { Port = port };
}
