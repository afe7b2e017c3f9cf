namespace NatsAspire.Server.Clustering.Routes;

/// <summary>What the other servers of the cluster tell of themselves.</summary>
/// <param name="ClusterName">Its name.</param>
/// <param name="Clients">host:port addresses for clients.</param>
/// <param name="WebSockets">The same for WebSocket clients.</param>
/// <param name="Gateways">The same for servers of other clusters.</param>
/// <param name="LeafNodes">The same for leaf nodes.</param>
public sealed record PeerAddresses(
    string ClusterName, IReadOnlyList<string> Clients, IReadOnlyList<string> WebSockets, IReadOnlyList<string> Gateways, IReadOnlyList<string> LeafNodes);
