using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary>
/// The cluster as dependants see it: never runs itself, carries the connection string of all its servers, and is
/// running while most of them are.
/// </summary>
public sealed class NatsClusterResource(string name, NatsTopology topology)
    : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    public NatsTopology Topology { get; } = topology;

    internal List<IResourceBuilder<ProjectResource>> Servers { get; } = [];

    /// <summary>nats://host:port of every server, apart by commas.</summary>
    public ReferenceExpression ConnectionStringExpression
    {
        get
        {
            var expression = new ReferenceExpressionBuilder();
            foreach (var server in Servers)
            {
                if (!expression.IsEmpty) expression.AppendLiteral(",");
                expression.AppendLiteral("nats://");
                expression.Append($"{server.Resource.GetEndpoint(NatsClusterExtensions.Client).Property(EndpointProperty.HostAndPort)}");
            }
            return expression.Build();
        }
    }
}
