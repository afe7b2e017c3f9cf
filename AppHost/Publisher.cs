using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary><c>publish</c>: the topology as files for Kubernetes.</summary>
internal static class Publisher
{
    public static async Task<int> RunAsync(TopologySpec spec, PublishOptions options)
    {
        var files = KubernetesManifests.Write(NatsTopology.Build(spec), new KubernetesOptions { Namespace = options.Namespace, Image = options.Image });
        Directory.CreateDirectory(options.Output);
        foreach (var (name, text) in files)
        {
            await File.WriteAllTextAsync(Path.Combine(options.Output, name), text);
            Console.Out.WriteLine(Path.Combine(options.Output, name));
        }
        Console.Out.WriteLine($"Read {Path.Combine(options.Output, "README.md")} for what comes next.");
        return 0;
    }
}
