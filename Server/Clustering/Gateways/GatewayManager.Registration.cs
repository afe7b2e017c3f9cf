using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>Connections that come and go, and answers that are led to their cluster.</summary>
public sealed partial class GatewayManager
{
    /// <inheritdoc/>
    public bool LeadsHere(ReadOnlySpan<byte> subject)
    {
        return RoutedReply.ClusterOf(subject).SequenceEqual(RoutedReply.IsNew(subject) ? _clusterHash : _oldClusterHash);
    }

    /// <inheritdoc/>
    public bool SendBack(Account account, in Message message, FlushBatch batch)
    {
        var subject = message.Address.IsEmpty ? message.Subject : message.Address;
        var cluster = RoutedReply.ClusterOf(subject);
        var isNew = RoutedReply.IsNew(subject);
        foreach (var gateway in _outbound)
        {
            if (cluster.SequenceEqual(isNew ? gateway.Remote!.Hash : gateway.Remote!.OldHash)) return gateway.SendBack(account, message, batch);
        }
        return false;
    }

    internal bool IsThisServer(ReadOnlySpan<byte> hash) => hash.SequenceEqual(_serverHash);

    /// <summary>What stands before a reply subject that leads to this server.</summary>
    internal ReadOnlySpan<byte> ReplyPrefix(bool isOld) => isOld ? _oldReplyPrefix : _replyPrefix;

    /// <summary>Takes a connection to another cluster in.</summary>
    /// <returns>False when there is one already.</returns>
    internal bool RegisterOutbound(GatewayConnection gateway)
    {
        using (_lock.Enter())
        {
            if (_stopping || gateway.Remote!.Outbound is { IsClosing: false }) return false;
            gateway.Remote.Outbound = gateway;
            _outbound = [.. _outbound, gateway];
        }
        return true;
    }

    /// <summary>
    /// Takes a connection from another cluster in, and tells it of the others and of what is wanted here. Its cluster is
    /// known of from the same moment: of two that come at once, the later one is told of the earlier.
    /// </summary>
    internal void RegisterInbound(GatewayConnection gateway, ServerInfo info)
    {
        using (_lock.Enter())
        {
            if (_stopping) return;
            _inbound.Add(gateway);
            if (info.Gateway is { Length: > 0 } name && name != Name) Note(name, info.GatewayUrls);
            foreach (var remote in _remotes.Values.Where(remote => remote.Name != gateway.ClusterName))
            {
                if (Gossip(_host.ServerId, "", remote) is { } line) gateway.SendLine(line);
            }
            foreach (var account in _host.Accounts.All) gateway.Tell(account);
        }
    }

    /// <summary>Forgets a connection, and dials again if it was ours.</summary>
    internal void Unregister(GatewayConnection gateway)
    {
        using (_lock.Enter())
        {
            if (_connections.Remove(gateway)) _closedTraffic += gateway.Traffic;
            _inbound.Remove(gateway);
            foreach (var account in _host.Accounts.All) account.ClusterInterest?.Detach(gateway);
            if (gateway.Remote is { } remote)
            {
                if (ReferenceEquals(remote.Outbound, gateway)) remote.Outbound = null;
                _outbound = [.. _outbound.Where(other => !ReferenceEquals(other, gateway))];
                if (!_stopping && remote.Outbound is null) _dialer.Redial(remote);
            }
        }
    }

    private void OnAccountAdded(Account account)
    {
        using (_lock.Enter())
        {
            foreach (var gateway in _inbound) gateway.Tell(account);
            foreach (var gateway in _outbound) gateway.Assume(account);
        }
    }
}
