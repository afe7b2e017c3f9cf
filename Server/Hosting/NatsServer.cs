using System.Net;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Hosting;

/// <summary>A NATS server in this process: listens when <see cref="StartAsync"/> returns, until disposed.</summary>
public sealed class NatsServer : IAsyncDisposable
{
    private NatsServer(ServerOptions options) => Options = options;

    public ServerOptions Options { get; }

    /// <summary>Server id (N…) in INFO.</summary>
    public string Id { get; } = "";

    public string Name => Options.ServerName ?? Id;

    /// <summary>Bound address of the client listener.</summary>
    public IPEndPoint? ClientEndPoint { get; }

    /// <summary>nats://host:port of the client listener.</summary>
    public Uri ClientUrl => new($"nats://{ClientEndPoint}");

    /// <summary>Bound address of the route listener; null: none.</summary>
    public IPEndPoint? ClusterEndPoint { get; }

    /// <summary>http://host:port of the monitoring listener; null: none.</summary>
    public Uri? MonitoringUrl { get; }

    /// <summary>Established route connections, pool members counted.</summary>
    public int RouteConnectionCount => 0;

    /// <summary>Other servers of the cluster with a full set of connections.</summary>
    public int PeerCount => 0;

    /// <summary>Starts a server and returns when its listeners accept.</summary>
    public static Task<NatsServer> StartAsync(ServerOptions options, CancellationToken cancellation = default) =>
        Task.FromResult(new NatsServer(options));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
