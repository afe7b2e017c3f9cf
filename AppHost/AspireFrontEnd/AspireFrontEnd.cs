using Aspire.Hosting;
using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary>The application on .NET Aspire: dashboard, resources, health.</summary>
internal static class AspireFrontEnd
{
    public static async Task<int> RunAsync(AppHostOptions options)
    {
        var topology = options.ToTopology();
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { Args = [] });
        builder.AddNatsCluster<Projects.Server>(topology);
        await builder.Build().RunAsync();
        return 0;
    }
}
