using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary><c>publish</c>: the topology as files for Kubernetes.</summary>
internal static class Publisher
{
    public static async Task<int> RunAsync(TopologySpec spec, PublishOptions options)
    {
        var topology = NatsTopology.Build(spec);
        var kubernetes = new KubernetesOptions { Namespace = options.Namespace, Image = options.Image };
        foreach (var path in await WriteAsync(options.Output, options.IsHelm ? HelmChart.Write(topology, kubernetes) : KubernetesManifests.Write(topology, kubernetes)))
        {
            Console.Out.WriteLine(path);
        }
        Console.Out.WriteLine($"Read {Path.Combine(options.Output, "README.md")} for what comes next.");
        return 0;
    }

    /// <summary>Writes files into a folder, which is made; their paths.</summary>
    /// <exception cref="TopologyException">The folder cannot be written to.</exception>
    internal static async Task<IReadOnlyList<string>> WriteAsync(string folder, IEnumerable<(string Name, string Text)> files)
    {
        var written = new List<string>();
        try
        {
            foreach (var (name, text) in files)
            {
                var path = Path.Combine(folder, name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await File.WriteAllTextAsync(path, text);
                written.Add(path);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TopologyException($"{folder} cannot be written to: {error.Message} --output names another folder.");
        }
        return written;
    }
}
