using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clustering.Links;

namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>What the gateways need of the server they belong to.</summary>
public interface IGatewayHost : ILinkHost
{
    /// <summary>Sends a line to every other server of the cluster.</summary>
    void SendToPeers(byte[] line);

    /// <summary>Whether another server of the cluster has this name.</summary>
    bool HasPeerNamed(string name);

    /// <summary>The link to the server of the cluster with this hash that carries an account; null: there is none.</summary>
    LinkSubscriber? FindPeer(ReadOnlySpan<byte> serverHash, Account account);
}
