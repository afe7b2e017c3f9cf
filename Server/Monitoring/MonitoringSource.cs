using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Clustering.Gateways;
using NatsAspire.Server.Clustering.LeafNodes;
using NatsAspire.Server.Clustering.Routes;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.JetStream.Service;

namespace NatsAspire.Server.Monitoring;

/// <summary>Where the monitoring pages read from.</summary>
public sealed record MonitoringSource
{
    public required string ServerId { get; init; }

    public required string ServerName { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The options in force.</summary>
    public ServerOptions Options => Clients.Options;

    /// <summary>When they were taken.</summary>
    public required Func<DateTimeOffset> OptionsLoadedAt { get; init; }

    public required ClientHub Clients { get; init; }

    public required AccountRegistry Accounts { get; init; }

    public required RouteManager? Routes { get; init; }

    public required GatewayManager? Gateways { get; init; }

    /// <summary>Leaf nodes; null: there are none.</summary>
    public required LeafManager? LeafNodes { get; init; }

    public required IReadOnlyList<IoLoop> Loops { get; init; }

    /// <summary>JetStream; null: it does not run.</summary>
    internal Func<JetStreamService?> JetStream { get; init; } = () => null;

    public required ILogger Log { get; init; }

    /// <summary>Bound client port.</summary>
    public required Func<int> ClientPort { get; init; }

    /// <summary>Bound route port.</summary>
    public required Func<int> ClusterPort { get; init; }

    /// <summary>Bound WebSocket port; 0: none.</summary>
    public required Func<int> WebSocketPort { get; init; }

    /// <summary>Bound monitoring port; 0: none.</summary>
    public required Func<int> MonitoringPort { get; init; }

    /// <summary>Names of the listeners (server, route …) that are to accept and do not.</summary>
    public required Func<IReadOnlyList<string>> MissingListeners { get; init; }

    /// <summary>Requests over HTTP by page.</summary>
    public RequestCounters Requests { get; } = new();

    /// <summary>CPU and memory of the process.</summary>
    public ProcessUsage Process { get; } = new();

    /// <summary>Now, as the pages tell it.</summary>
    public static DateTimeOffset Now => TimeProvider.System.GetUtcNow();
}
