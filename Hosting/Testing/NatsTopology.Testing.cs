namespace NatsAspire.Hosting;

/// <summary>Clusters for tests.</summary>
public sealed partial class NatsTopology
{
    /// <summary>A cluster "nats" with JetStream, for a test to start.</summary>
    /// <param name="servers">1..<see cref="MaxServers"/>: nats-1, nats-2 ….</param>
    public static NatsTestClusterBuilder Cluster(int servers = 3) => new() { Spec = BuiltInTopologies.Cluster("nats", servers) };

    /// <summary>Clusters with JetStream that gateways join, for a test to start: west, east, north, south, region-5 ….</summary>
    /// <param name="clusters">2 and more.</param>
    /// <param name="servers">Of each: west-1, west-2 ….</param>
    public static NatsTestClusterBuilder SuperCluster(int clusters = 2, int servers = 3) => new() { Spec = BuiltInTopologies.Clusters(clusters, servers) };
}
