using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using NatsAspire.Hosting;

namespace Aspire.Hosting;

/// <summary>NATS clusters and leaf nodes in an Aspire application: one resource per server, grouped under its cluster.</summary>
public static class NatsClusterExtensions
{
    /// <summary>Endpoint names of each server.</summary>
    public const string Client = "client", Route = "route", Monitor = "monitor", Gateway = "gateway", Leaf = "leaf";

    /// <summary>Adds a cluster and its servers.</summary>
    /// <typeparam name="TServer">The project of the servers.</typeparam>
    /// <param name="builder">The application.</param>
    /// <param name="name">Of the cluster; its servers are NAME-1, NAME-2 ….</param>
    /// <param name="servers">1..<see cref="NatsTopology.MaxServers"/>.</param>
    /// <param name="port">Client port of the first server, the others follow; null: free ones.</param>
    public static IResourceBuilder<NatsClusterResource> AddNatsCluster<TServer>(
        this IDistributedApplicationBuilder builder, string name, int servers = 3, int? port = null)
        where TServer : IProjectMetadata, new() =>
        Add<TServer>(builder, new ClusterSpec { Name = name, Servers = servers, Port = port });

    /// <summary>Adds a leaf node, or a cluster of them, that connects to a hub.</summary>
    public static IResourceBuilder<NatsClusterResource> AddNatsLeafNode<TServer>(
        this IDistributedApplicationBuilder builder, string name, IResourceBuilder<NatsClusterResource> hub, int servers = 1, int? port = null)
        where TServer : IProjectMetadata, new()
    {
        foreach (var (server, ports) in ServersOf(hub.Resource)) server.WithEndpoint(name: Leaf, scheme: "nats-leaf", port: ports.Leaf, isProxied: false);
        return Add<TServer>(builder, new ClusterSpec { Name = name, Servers = servers, Port = port, Hub = hub.Resource.Name }).WithReferenceRelationship(hub);
    }

    /// <summary>Gives the servers streams.</summary>
    /// <param name="cluster">Whose.</param>
    /// <param name="maxFile">Most disk of a server, as "10Gi".</param>
    /// <param name="maxMemory">Most memory, as "256Mi".</param>
    /// <param name="domain">Of a leaf node: keeps its streams apart from its hub's.</param>
    public static IResourceBuilder<NatsClusterResource> WithJetStream(
        this IResourceBuilder<NatsClusterResource> cluster, string? maxFile = null, string? maxMemory = null, string? domain = null) =>
        cluster.WithSpec(cluster.Resource.Spec with { JetStream = new JetStreamSpec { MaxFile = maxFile, MaxMemory = maxMemory, Domain = domain } });

    /// <summary>Joins two clusters by gateways.</summary>
    public static IResourceBuilder<NatsClusterResource> WithGateway(this IResourceBuilder<NatsClusterResource> cluster, IResourceBuilder<NatsClusterResource> other)
    {
        foreach (var one in new[] { cluster, other })
        {
            foreach (var (server, ports) in ServersOf(one.Resource)) server.WithEndpoint(name: Gateway, scheme: "nats", port: ports.Gateway, isProxied: false);
        }
        if (!cluster.Resource.Spec.Gateways.Contains(other.Resource.Name))
        {
            cluster.WithSpec(cluster.Resource.Spec with { Gateways = [.. cluster.Resource.Spec.Gateways, other.Resource.Name] });
        }
        return cluster.WithReferenceRelationship(other);
    }

    /// <summary>Keeps streams in a folder of this machine with this name, for the next run too.</summary>
    public static IResourceBuilder<NatsClusterResource> WithDataVolume(this IResourceBuilder<NatsClusterResource> cluster, string? name = null) =>
        cluster.WithDataBindMount(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "natsaspire", name ?? $"{cluster.Resource.Name}-data"));

    /// <summary>Keeps streams in a folder.</summary>
    public static IResourceBuilder<NatsClusterResource> WithDataBindMount(this IResourceBuilder<NatsClusterResource> cluster, string source)
    {
        cluster.Resource.Data = Directory.CreateDirectory(source).FullName;
        return cluster;
    }

    /// <summary>Adds a user, on all clusters of the application; without any, nobody needs a password.</summary>
    /// <param name="cluster">Any of them.</param>
    /// <param name="name">Of the user.</param>
    /// <param name="password">Null: one is made up.</param>
    /// <param name="account">Whose.</param>
    public static IResourceBuilder<NatsClusterResource> WithUser(
        this IResourceBuilder<NatsClusterResource> cluster, string name, IResourceBuilder<ParameterResource>? password = null, string account = "APP")
    {
        cluster.Resource.Application.AddUser(account, new UserSpec { Name = name }, password);
        return cluster;
    }

    /// <summary>Adds an account and its users, on all clusters of the application.</summary>
    public static IResourceBuilder<NatsClusterResource> WithAccount(this IResourceBuilder<NatsClusterResource> cluster, AccountSpec account)
    {
        cluster.Resource.Application.Accounts.Add(account);
        return cluster;
    }

    /// <summary>Encrypts client connections with a certificate in PEM files.</summary>
    public static IResourceBuilder<NatsClusterResource> WithTls(this IResourceBuilder<NatsClusterResource> cluster, string certFile, string keyFile, string? caFile = null, bool verify = false) =>
        cluster.WithSpec(cluster.Resource.Spec with { Tls = new TlsSpec { CertFile = certFile, KeyFile = keyFile, CaFile = caFile, Verify = verify } });

    internal static IResourceBuilder<NatsClusterResource> WithSpec(this IResourceBuilder<NatsClusterResource> cluster, ClusterSpec spec)
    {
        cluster.Resource.Spec = spec;
        return cluster;
    }

    internal static IEnumerable<(IResourceBuilder<ProjectResource> Server, ServerPorts Ports)> ServersOf(NatsClusterResource cluster) =>
        cluster.Servers.Select(server => (server, cluster.Application.PortsOf(server.Resource.Name, null)));

    private static IResourceBuilder<NatsClusterResource> Add<TServer>(IDistributedApplicationBuilder builder, ClusterSpec spec)
        where TServer : IProjectMetadata, new()
    {
        var application = NatsApplication.Of(builder);
        var cluster = new NatsClusterResource(spec.Name, application, spec);
        application.Clusters.Add(cluster);
        var key = $"{spec.Name}_check";
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(key, _ => new NatsClusterCheck(cluster), HealthStatus.Unhealthy, null, TimeSpan.FromSeconds(5)));
        var resource = builder.AddResource(cluster)
            .WithInitialState(new CustomResourceSnapshot
            {
                ResourceType = spec.Hub is null ? "NatsCluster" : "NatsLeafNode",
                Properties = [new("cluster", spec.Name), new("servers", spec.Servers ?? 1)],
                State = KnownResourceStates.NotStarted,
            })
            .WithIconName("MailMultiple")
            .WithHealthCheck(key)
            .ExcludeFromManifest();
        for (var i = 1; i <= spec.Servers; i++) cluster.Servers.Add(AddServer<TServer>(builder, cluster, $"{spec.Name}-{i}", application.PortsOf($"{spec.Name}-{i}", spec.Port + i - 1)));
        resource.OnInitializeResource(async (self, e, cancellation) =>
        {
            await e.Notifications.PublishUpdateAsync(self, state => state with { State = KnownResourceStates.Starting });
            await e.Eventing.PublishAsync(new BeforeResourceStartedEvent(self, e.Services), cancellation);
            await e.Eventing.PublishAsync(new ConnectionStringAvailableEvent(self, e.Services), cancellation);
        });
        return resource.WithClusterCommands();
    }

    private static IResourceBuilder<ProjectResource> AddServer<TServer>(IDistributedApplicationBuilder builder, NatsClusterResource cluster, string name, ServerPorts ports)
        where TServer : IProjectMetadata, new()
    {
        // The endpoints are not proxied: a server tells its clients and peers the port it really listens on.
        var server = builder.AddProject<TServer>(name, project =>
            {
                project.ExcludeLaunchProfile = true;
                project.ExcludeKestrelEndpoints = true;
            })
            .WithEndpoint(name: Client, scheme: "nats", port: ports.Client, isProxied: false)
            .WithEndpoint(name: Route, scheme: "nats-route", port: ports.Route, isProxied: false)
            .WithHttpEndpoint(name: Monitor, port: ports.Monitor, isProxied: false)
            // Spelled out: Aspire hands it to "dotnet run" without a separator, whose own -c is the configuration to build.
            .WithArgs("--config", cluster.Application.ConfigFile(name))
            .WithEnvironment(context =>
            {
                foreach (var (variable, password) in cluster.Application.Parameters) context.EnvironmentVariables[variable] = password.Resource;
            })
            .WithHttpHealthCheck("/healthz?js-server-only=true", endpointName: Monitor)
            .WithUrls(context =>
            {
                foreach (var url in context.Urls.Where(url => url.Endpoint?.EndpointName is Route or Gateway or Leaf)) url.DisplayLocation = UrlDisplayLocation.DetailsOnly;
                if (context.GetEndpoint(Monitor) is { } monitor) context.Urls.Add(new ResourceUrlAnnotation { Url = $"{monitor.Url}/varz", DisplayText = "varz", Endpoint = monitor });
            })
            .WithIconName("Server")
            .WithParentRelationship(cluster)
            .WithServerCommands(cluster);
        server.OnResourceReady((_, e, _) => UpdateAsync(e.Services, cluster));
        server.OnResourceStopped((_, e, _) => UpdateAsync(e.Services, cluster));
        return server;
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
            Properties = [new("cluster", cluster.Name), new("running", running)],
        });
    }
}
