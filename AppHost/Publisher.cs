using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary><c>publish</c>: the topology as files for Kubernetes.</summary>
internal static class Publisher
{
    public static async Task<int> RunAsync(TopologySpec spec, PublishOptions options)
    {
        var topology = NatsTopology.Build(spec);
        var kubernetes = new KubernetesOptions { Namespace = options.Namespace, Image = options.Image };
        foreach (var path in await ManifestFolder.WriteAsync(options.Output, options.IsHelm ? HelmChart.Write(topology, kubernetes) : KubernetesManifests.Write(topology, kubernetes)))
        {
            Console.Out.WriteLine(path);
        }
        Console.Out.WriteLine($"Read {Path.Combine(options.Output, "README.md")} for what comes next.");
        return 0;
    }
}
