using NatsAspire.Server.Accounts;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>What the gateways need of the other servers of their cluster.</summary>
public sealed partial class RouteManager
{
    /// <summary>Sends a line to every peer, once.</summary>
    public void SendToPeers(byte[] line)
    {
        using (_lock.Enter())
        {
            foreach (var peer in _peers.Values) peer.Primary?.SendLine(line);
        }
    }

    /// <summary>Whether another server of the cluster has this name.</summary>
    public bool HasPeerNamed(string name)
    {
        using (_lock.Enter()) return _peers.Values.Any(peer => peer.Info?.ServerName == name);
    }

    /// <summary>The connection that carries an account to the peer with this hash; null: there is none.</summary>
    /// <param name="serverHash">As it stands in routed reply subjects.</param>
    /// <param name="account">The account.</param>
    public LinkSubscriber? FindLink(ReadOnlySpan<byte> serverHash, Account account)
    {
        using (_lock.Enter())
        {
            foreach (var peer in _peers.Values)
            {
                if (!serverHash.SequenceEqual(peer.ReplyHash)) continue;
                foreach (var route in peer.Connections)
                {
                    if (!route.IsClosing && Carries(peer, route, account)) return route.Link;
                }
            }
            return null;
        }
    }
}
