using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>What the routes need of the server they belong to.</summary>
public interface IRouteHost : ILinkHost
{
    /// <summary>TLS of the routes; null: none.</summary>
    TlsContext? Tls { get; }

    /// <summary>host:port addresses clients of this server can connect to.</summary>
    IReadOnlyList<string> ClientUrls { get; }

    /// <summary>The same for WebSocket clients; empty: there is no such listener.</summary>
    IReadOnlyList<string> WebSocketUrls { get; }

    /// <summary>host:port at which other clusters reach this server; null: there are none.</summary>
    string? GatewayUrl { get; }

    /// <summary>host:port at which leaf nodes reach this server; null: nowhere, or it is not to be told.</summary>
    string? LeafNodeUrl { get; }

    /// <summary>INFO lines that tell a new peer of the other clusters.</summary>
    IReadOnlyList<byte[]> GatewayNews();

    /// <summary>A peer tells of another cluster.</summary>
    void OnGatewayNews(ServerInfo info, string? from);

    /// <summary>A server of the cluster has its first connection to this one.</summary>
    /// <param name="name">The server's name.</param>
    void OnPeerJoined(string name);

    /// <summary>Nothing listens any more where a server of the cluster did whose connections have all ended: it has ended too.</summary>
    /// <param name="name">The server's name.</param>
    void OnPeerEnded(string name);

    /// <summary>The cluster's name, or the addresses of its other servers, changed.</summary>
    void OnClusterChanged(PeerAddresses peers);
}
