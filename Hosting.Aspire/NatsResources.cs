using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace NatsAspire.Hosting;

/// <summary>
/// A cluster or leaf node as dependants see it: never runs itself, carries the connection string of all its servers, runs
/// while most of them do, and is healthy once its streams have a meta leader.
/// </summary>
public sealed class NatsClusterResource(string name, NatsApplication application, ClusterSpec spec)
    : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    /// <summary>What the topology says of it so far.</summary>
    public ClusterSpec Spec { get; internal set; } = spec;

    internal NatsApplication Application { get; } = application;

    internal List<IResourceBuilder<ProjectResource>> Servers { get; } = [];

    /// <summary>Folder of its servers' streams; null: one that goes with the run.</summary>
    internal string? Data { get; set; }

    /// <summary>nats://host:port of every server, apart by commas, with the first user's credentials if there are accounts.</summary>
    public ReferenceExpression ConnectionStringExpression
    {
        get
        {
            var expression = new ReferenceExpressionBuilder();
            foreach (var server in Servers)
            {
                if (!expression.IsEmpty) expression.AppendLiteral(",");
                expression.AppendLiteral(Spec.Tls is null ? "nats://" : "tls://");
                Application.AppendCredentials(expression);
                expression.Append($"{server.Resource.GetEndpoint(NatsClusterExtensions.Client).Property(EndpointProperty.HostAndPort)}");
            }
            return expression.Build();
        }
    }

    /// <summary>The well-known ones, of the first server; Uri is the whole connection string.</summary>
    IEnumerable<KeyValuePair<string, ReferenceExpression>> IResourceWithConnectionString.GetConnectionProperties()
    {
        var (client, monitor) = (Servers[0].Resource.GetEndpoint(NatsClusterExtensions.Client), Servers[0].Resource.GetEndpoint(NatsClusterExtensions.Monitor));
        yield return new("Host", ReferenceExpression.Create($"{client.Property(EndpointProperty.Host)}"));
        yield return new("Port", ReferenceExpression.Create($"{client.Property(EndpointProperty.Port)}"));
        yield return new("Uri", ConnectionStringExpression);
        yield return new("MonitoringUri", ReferenceExpression.Create($"{monitor.Property(EndpointProperty.Url)}"));
        if (Application.FirstUser() is not var (name, password)) yield break;
        yield return new("Username", name);
        yield return new("Password", password);
    }
}

/// <summary>A stream, bucket or object store, made before anybody who waits for it starts.</summary>
public sealed class NatsAssetResource(string name, NatsClusterResource parent, AssetSpec spec, string kind)
    : Resource(name), IResourceWithParent<NatsClusterResource>, IResourceWithConnectionString, IResourceWithWaitSupport
{
    public NatsClusterResource Parent { get; } = parent;

    /// <summary>What it is; from the start on with the account it is in.</summary>
    public AssetSpec Spec { get; internal set; } = spec;

    /// <summary>"Stream", "KeyValue" or "ObjectStore".</summary>
    public string Kind { get; } = kind;

    /// <summary>The cluster's: clients find it there by its name.</summary>
    public ReferenceExpression ConnectionStringExpression => Parent.ConnectionStringExpression;

    /// <summary>The cluster's, and the name of the stream, bucket or store.</summary>
    IEnumerable<KeyValuePair<string, ReferenceExpression>> IResourceWithConnectionString.GetConnectionProperties()
    {
        var assetName = Spec.Name;
        return [.. ((IResourceWithConnectionString)Parent).GetConnectionProperties(), new($"{Kind}Name", ReferenceExpression.Create($"{assetName}"))];
    }
}
