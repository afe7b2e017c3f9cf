using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary>Adds a topology to an Aspire application: one resource per server, grouped under its cluster.</summary>
public static class NatsClusterExtensions
{
    /// <summary>Endpoint names of each server.</summary>
    public const string Client = "client", Route = "route", Monitor = "monitor";

    /// <summary>Adds the cluster and its servers.</summary>
    public static IResourceBuilder<NatsClusterResource> AddNatsCluster<TServer>(
        this IDistributedApplicationBuilder builder, NatsTopology topology)
        where TServer : IProjectMetadata, new()
    {
        var cluster = new NatsClusterResource(topology.ClusterName, topology);
        var resource = builder.AddResource(cluster)
            .WithInitialState(new CustomResourceSnapshot
            {
                ResourceType = "NatsCluster",
                Properties = [new("cluster", topology.ClusterName), new("servers", topology.Servers.Count)],
                State = KnownResourceStates.NotStarted,
            })
            .ExcludeFromManifest();
        foreach (var spec in topology.Servers) cluster.Servers.Add(AddServer<TServer>(builder, cluster, spec));
        resource.OnInitializeResource(async (self, e, cancellation) =>
        {
            await e.Notifications.PublishUpdateAsync(self, state => state with { State = KnownResourceStates.Starting });
            await e.Eventing.PublishAsync(new BeforeResourceStartedEvent(self, e.Services), cancellation);
            await e.Eventing.PublishAsync(new ConnectionStringAvailableEvent(self, e.Services), cancellation);
        });
        return resource;
    }

    private static IResourceBuilder<ProjectResource> AddServer<TServer>(
        IDistributedApplicationBuilder builder, NatsClusterResource cluster, NatsServerSpec spec)
        where TServer : IProjectMetadata, new()
    {
        // The endpoints are not proxied: a server tells its clients and peers the port it really listens on.
        var server = builder.AddProject<TServer>(spec.Name, project =>
            {
                project.ExcludeLaunchProfile = true;
                project.ExcludeKestrelEndpoints = true;
            })
            .WithEndpoint(name: Client, scheme: "nats", port: spec.ClientPort, isProxied: false)
            .WithEndpoint(name: Route, scheme: "nats-route", port: spec.RoutePort, isProxied: false)
            .WithHttpEndpoint(name: Monitor, port: spec.MonitorPort, isProxied: false)
            .WithArgs(context =>
            {
                foreach (var argument in Arguments(cluster.Topology, spec)) context.Args.Add(argument);
            })
            .WithHttpHealthCheck("/healthz", endpointName: Monitor)
            .WithUrls(context =>
            {
                foreach (var url in context.Urls.Where(url => url.Endpoint?.EndpointName == Route))
                {
                    url.DisplayLocation = UrlDisplayLocation.DetailsOnly;
                }
            })
            .WithParentRelationship(cluster);
        server.OnResourceReady((_, e, _) => UpdateAsync(e.Services, cluster));
        server.OnResourceStopped((_, e, _) => UpdateAsync(e.Services, cluster));
        return server;
    }

    /// <summary>nats-server's own flags, so that the resource's command line says all.</summary>
    /// <summary>Where the servers of this run store streams.</summary>
    private static readonly string Stores = Directory.CreateTempSubdirectory("natsaspire-streams-").FullName;

    private static IEnumerable<string> Arguments(NatsTopology topology, NatsServerSpec spec)
    {
        var others = topology.Servers.Where(other => other != spec).Select(other => other.RouteUrl);
        string[] arguments =
        [
            "-n", spec.Name, "-a", NatsServerSpec.Host, "-p", spec.ClientPort.ToString(), "-m", spec.MonitorPort.ToString(),
            "-js", "-sd", Path.Combine(Stores, spec.Name),
        ];
        if (topology.Servers.Count == 1) return arguments;
        return
        [
            .. arguments, "--cluster_name", topology.ClusterName, "--cluster", $"nats://{NatsServerSpec.Host}:{spec.RoutePort}",
            "--routes", string.Join(',', others),
        ];
    }

    /// <summary>The cluster runs while more than half of its servers do.</summary>
    private static async Task UpdateAsync(IServiceProvider services, NatsClusterResource cluster)
    {
        var notifications = services.GetRequiredService<ResourceNotificationService>();
        var running = cluster.Servers.Count(server =>
            notifications.TryGetCurrentState(server.Resource.Name, out var current)
            && current!.Snapshot.State?.Text == KnownResourceStates.Running);
        var whole = running * 2 > cluster.Servers.Count;
        await notifications.PublishUpdateAsync(cluster, state => state with
        {
            State = whole
                ? new ResourceStateSnapshot(KnownResourceStates.Running, KnownResourceStateStyles.Success)
                : new ResourceStateSnapshot("No quorum", KnownResourceStateStyles.Error),
            Properties = [new("cluster", cluster.Topology.ClusterName), new("running", running)],
        });
    }
}
