using System.Text.RegularExpressions;

namespace NatsAspire.Hosting;

/// <summary>A topology that cannot be; the message says what to change.</summary>
public sealed class TopologyException(string message) : Exception(message);

/// <summary>
/// The servers of an application and how they belong together. The one model that the Aspire application, the
/// local runner and tests are made from.
/// </summary>
public sealed partial record NatsTopology
{
    /// <summary>Most servers a cluster may have here; a full mesh grows with the square.</summary>
    public const int MaxServers = 64;

    private NatsTopology(IReadOnlyList<NatsServerSpec> servers, string clusterName)
    {
        Servers = servers;
        ClusterName = clusterName;
    }

    public string ClusterName { get; }

    public IReadOnlyList<NatsServerSpec> Servers { get; }

    /// <summary>nats://host:port of every server, apart by commas: what clients are given.</summary>
    public string ConnectionString => string.Join(',', Servers.Select(server => server.ClientUrl));

    /// <summary>A cluster of servers named cluster-1, cluster-2 …</summary>
    /// <param name="name">Letters, digits, dashes; begins with a letter.</param>
    /// <param name="servers">1..<see cref="MaxServers"/>.</param>
    /// <param name="firstClientPort">Port of the first server, the others follow; null: free ones.</param>
    /// <param name="ports">Where free ports come from; null: the system.</param>
    /// <exception cref="TopologyException">A name, number or port that cannot be.</exception>
    public static NatsTopology Cluster(string name, int servers, int? firstClientPort = null, IPortAllocator? ports = null)
    {
        if (!ClusterNames().IsMatch(name)) throw new TopologyException($"\"{name}\" cannot name a cluster: use letters, digits and dashes, and begin with a letter.");
        if (servers is < 1 or > MaxServers) throw new TopologyException($"A cluster has 1 to {MaxServers} servers, not {servers}.");
        if (firstClientPort is < 1 || firstClientPort + servers - 1 > 65535)
        {
            throw new TopologyException($"Ports {firstClientPort} to {firstClientPort + servers - 1} are not all between 1 and 65535.");
        }
        ports ??= new FreePorts();
        var taken = firstClientPort is { } first ? Enumerable.Range(first, servers).ToArray() : [.. ports.Take(servers)];
        var others = ports.Take(2 * servers).ToArray();
        var specs = Enumerable.Range(0, servers)
            .Select(i => new NatsServerSpec($"{name}-{i + 1}", taken[i], others[2 * i], others[2 * i + 1])).ToArray();
        return new NatsTopology(specs, name);
    }

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9-]{0,62}$")]
    private static partial Regex ClusterNames();
}

/// <summary>One server.</summary>
/// <param name="Name">Unique in the topology.</param>
/// <param name="ClientPort">Port for clients.</param>
/// <param name="RoutePort">Port for the other servers of the cluster.</param>
/// <param name="MonitorPort">HTTP port.</param>
public sealed record NatsServerSpec(string Name, int ClientPort, int RoutePort, int MonitorPort)
{
    public const string Host = "127.0.0.1";

    public string ClientUrl => $"nats://{Host}:{ClientPort}";

    public string RouteUrl => $"nats-route://{Host}:{RoutePort}";

    public string MonitorUrl => $"http://{Host}:{MonitorPort}";
}
