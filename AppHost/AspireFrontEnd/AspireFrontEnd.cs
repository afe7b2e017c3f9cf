using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary>The application on .NET Aspire: dashboard, resources, health.</summary>
internal static class AspireFrontEnd
{
    public static Task<int> RunAsync(AppHostOptions options) => RunAsync(options.ToSpec(), options.Data, []);

    /// <summary>Arguments that the aspire tool gives when it publishes or deploys; they are its own and Aspire's.</summary>
    public static bool IsAskedByTool(string[] arguments) => arguments.Any(argument => argument is "--operation" or "--publisher" or "--step");

    /// <summary><c>aspire publish</c> and its like, of the default super-cluster, or of the topology that the variable names.</summary>
    public static Task<int> RunForToolAsync(string[] arguments)
    {
        var name = Environment.GetEnvironmentVariable("NATSASPIRE_TOPOLOGY") ?? "supercluster";
        return RunAsync(BuiltInTopologies.Find(name, 3, null) ?? TopologyFile.Read(name), null, arguments);
    }

    private static async Task<int> RunAsync(TopologySpec spec, string? data, string[] arguments)
    {
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { Args = arguments });
        AddTopology(builder, spec, data);
        await builder.Build().RunAsync();
        return 0;
    }

    /// <summary>The same calls an AppHost written by hand would make.</summary>
    private static void AddTopology(IDistributedApplicationBuilder builder, TopologySpec spec, string? data)
    {
        // What cannot be is refused before the first resource is there.
        NatsTopology.Build(spec);
        var clusters = new Dictionary<string, IResourceBuilder<NatsClusterResource>>(StringComparer.Ordinal);
        foreach (var one in spec.Clusters) clusters[one.Name] = builder.AddNatsCluster<Projects.Server>(one.Name, one.Servers ?? 3, one.Port).WithSpec(one);
        var waiting = new Queue<ClusterSpec>(spec.LeafNodes);
        while (waiting.TryDequeue(out var leaf))
        {
            if (clusters.TryGetValue(leaf.Hub!, out var hub)) clusters[leaf.Name] = builder.AddNatsLeafNode<Projects.Server>(leaf.Name, hub, leaf.Servers ?? 1, leaf.Port).WithSpec(leaf);
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
    }
}
