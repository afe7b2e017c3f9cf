using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Clustering.Routes;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Monitoring;

/// <summary>Where the monitoring pages read from.</summary>
public sealed record MonitoringSource
{
    public required string ServerId { get; init; }

    public required string ServerName { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public required ServerOptions Options { get; init; }

    public required ClientHub Clients { get; init; }

    public required AccountRegistry Accounts { get; init; }

    public required RouteManager? Routes { get; init; }

    /// <summary>Bound client port.</summary>
    public required Func<int> ClientPort { get; init; }

    /// <summary>Bound route port.</summary>
    public required Func<int> ClusterPort { get; init; }
}
