using Aspire.Hosting;
using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary>The application on .NET Aspire: dashboard, resources, health.</summary>
internal static class AspireFrontEnd
{
    public static Task<int> RunAsync(AppHostOptions options)
    {
        if (options.ServerPath is not null || options.Clean) throw new TopologyException("--server and --clean belong to the built-in runner: add --local, or leave them out.");
        return RunAsync(options.ToSpec(), options.Data, []);
    }

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
        builder.AddNatsTopology<Projects.Server>(spec, data);
        await builder.Build().RunAsync();
        return 0;
    }
}
