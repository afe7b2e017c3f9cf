using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>What the routes need of the server they belong to.</summary>
public interface IRouteHost
{
    ServerOptions Options { get; }

    AccountRegistry Accounts { get; }

    /// <summary>TLS of the routes; null: none.</summary>
    TlsContext? Tls { get; }

    ILogger Log { get; }

    string ServerId { get; }

    string ServerName { get; }

    /// <summary>host:port addresses clients of this server can connect to.</summary>
    IReadOnlyList<string> ClientUrls { get; }

    /// <summary>The same for WebSocket clients; empty: there is no such listener.</summary>
    IReadOnlyList<string> WebSocketUrls { get; }

    ulong NextConnectionId();

    IoLoop NextLoop();

    /// <summary>The cluster's name, or the client URLs of its other servers, changed.</summary>
    void OnClusterChanged(string clusterName, IReadOnlyList<string> peerClientUrls, IReadOnlyList<string> peerWebSocketUrls);
}
