using Aspire.Hosting.ApplicationModel;
using NatsAspire.Hosting;

namespace Aspire.Hosting;

/// <summary>A whole topology at once, as a file describes it.</summary>
public static class NatsTopologyExtensions
{
    /// <summary>Adds all clusters, leaf nodes, accounts and streams of a topology: the same calls an AppHost written by hand would make.</summary>
    /// <typeparam name="TServer">The project of the servers.</typeparam>
    /// <param name="builder">The application.</param>
    /// <param name="spec">From <see cref="TopologyFile.Read"/> or <see cref="BuiltInTopologies"/>.</param>
    /// <param name="data">Folder of the streams, for the next run too; null: they go with the run.</param>
    /// <returns>Its clusters and leaf nodes, by name.</returns>
    /// <exception cref="TopologyException">It cannot be; nothing is added.</exception>
    public static IReadOnlyDictionary<string, IResourceBuilder<NatsClusterResource>> AddNatsTopology<TServer>(
        this IDistributedApplicationBuilder builder, TopologySpec spec, string? data = null)
        where TServer : IProjectMetadata, new()
    {
        NatsTopology.Build(spec);
        var clusters = new Dictionary<string, IResourceBuilder<NatsClusterResource>>(StringComparer.Ordinal);
        foreach (var one in spec.Clusters) clusters[one.Name] = builder.AddNatsCluster<TServer>(one.Name, one.Servers ?? 3, one.Port).WithSpec(one);
        var waiting = new Queue<ClusterSpec>(spec.LeafNodes);
        while (waiting.TryDequeue(out var leaf))
        {
            if (clusters.TryGetValue(leaf.Hub!, out var hub)) clusters[leaf.Name] = builder.AddNatsLeafNode<TServer>(leaf.Name, hub, leaf.Servers ?? 1, leaf.Port).WithSpec(leaf);
            else waiting.Enqueue(leaf);
        }
        foreach (var one in spec.Clusters)
        {
            foreach (var other in one.Gateways) clusters[one.Name].WithGateway(clusters[other]);
        }
        if (data is not null)
        {
            foreach (var one in clusters.Values) one.WithDataBindMount(data);
        }
        foreach (var account in spec.Accounts) clusters[spec.Clusters[0].Name].WithAccount(account);
        foreach (var stream in spec.Streams) clusters[stream.In].AddStream(stream.Name, _ => stream);
        foreach (var bucket in spec.KeyValues) clusters[bucket.In].AddKeyValue(bucket.Name, _ => bucket);
        foreach (var store in spec.ObjectStores) clusters[store.In].AddObjectStore(store.Name, _ => store);
        return clusters;
    }
}
