using System.Net;
using System.Net.Sockets;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>News of other servers: passing it on, acting on it, and the cluster's name.</summary>
public sealed partial class RouteManager
{
    /// <summary>Another server told of a third one.</summary>
    /// <param name="info">The third one's INFO, with its address.</param>
    /// <param name="from">Server id of the one that told.</param>
    internal void OnGossip(ServerInfo info, string? from)
    {
        using (_lock.Enter())
        {
            if (_stopping || info.ServerId == _host.ServerId || info.Ip is null) return;
            if (_peers.TryGetValue(info.ServerId, out var known) && info.RouteAccount is null && known.HasPool) return;
            if (!Uri.TryCreate(info.Ip, UriKind.Absolute, out var url) || IsConfigured(info, url)) return;
            if (info.AuthRequired && _host.Options.Cluster.Username is { } user)
            {
                var credentials = $"{Uri.EscapeDataString(user)}:{Uri.EscapeDataString(_host.Options.Cluster.Password ?? "")}";
                url = new UriBuilder(url) { UserName = credentials.Split(':')[0], Password = credentials.Split(':')[1] }.Uri;
            }
            var target = new RouteTarget(url, IsExplicit: false, info.GossipMode, info.RouteAccount);
            _serverIdByAddress[target.Address] = info.ServerId;
            if (info.RouteAccount is null || _pinnedAccounts.Contains(info.RouteAccount)) _dialer.Dial(target);
            // A server without pools tells of no pinned connections.
            if (info.RouteAccount is not null || from is null || !_peers.TryGetValue(from, out var teller) || teller.Pooled) return;
            foreach (var account in _pinnedAccounts) _dialer.Dial(target with { PinnedAccount = account });
        }
    }

    /// <summary>A peer is leaving: its clients' addresses are no longer given out.</summary>
    internal void OnPeerLameDuck(string serverId)
    {
        using (_lock.Enter())
        {
            if (!_peers.TryGetValue(serverId, out var peer) || peer.Info is null) return;
            peer.Info = peer.Info with { ConnectUrls = null, WebSocketConnectUrls = null };
            PublishClientUrls();
        }
    }

    /// <summary>A peer tells anew of itself: its clients' addresses may be others.</summary>
    internal void OnPeerInfo(ServerInfo info)
    {
        using (_lock.Enter())
        {
            if (!_peers.TryGetValue(info.ServerId, out var peer) || peer.Info is null) return;
            peer.Info = peer.Info with { ConnectUrls = info.ConnectUrls, WebSocketConnectUrls = info.WebSocketConnectUrls };
            PublishClientUrls();
        }
    }

    /// <summary>
    /// Whether a peer of that cluster may join. A generated name gives way to a configured one, and the lesser
    /// of two generated ones to the greater; routes under the old name are closed.
    /// </summary>
    internal bool TryAgreeOnName(RouteConnection route, string? name, bool isDynamic)
    {
        using (_lock.Enter())
        {
            if (name == ClusterName) return true;
            if (string.IsNullOrEmpty(name)) return false;
            if (!IsDynamicName || (isDynamic && string.CompareOrdinal(ClusterName, name) >= 0)) return false;
            ClusterName = name;
            IsDynamicName = isDynamic;
            RouteLog.ClusterNameChanged(_host.Log, name);
            foreach (var other in _connections)
            {
                if (!ReferenceEquals(other, route) && other.RemoteId != route.RemoteId) other.Close(CloseReason.ClusterNameConflict);
            }
            PublishClientUrls();
            return true;
        }
    }

    private void Gossip(RoutePeer peer, RouteConnection route, ServerInfo info)
    {
        var fromGossip = route.Target is { IsExplicit: false };
        var localMode = route.Target?.Gossip ?? GossipMode.Default;
        if ((fromGossip && localMode != GossipMode.Override) || info.GossipMode == GossipMode.Disabled) return;
        foreach (var other in _peers.Values)
        {
            if (ReferenceEquals(other, peer) || other.Primary is not { } primary) continue;
            if (info.RouteAccount is not null && !other.Pooled) continue;
            var solicited = route.Target is not null;
            var byConfiguration = solicited ? route.Target!.IsExplicit : primary.Target is { IsExplicit: true };
            var mode = byConfiguration ? GossipMode.Override : solicited ? GossipMode.Default : GossipMode.Disabled;
            primary.SendLine((info with { GossipMode = mode }).ToProtocolLine(blankBeforeEnd: false));
        }
    }

    private void PublishClientUrls()
    {
        var silent = _host.Options.Cluster.NoAdvertise;
        _host.OnClusterChanged(new PeerAddresses(
            ClusterName,
            silent ? [] : UrlsOfPeers(info => info.ConnectUrls),
            silent ? [] : UrlsOfPeers(info => info.WebSocketConnectUrls),
            UrlsOfPeers(info => info.GatewayUrl is { Length: > 0 } url ? [url] : null),
            UrlsOfPeers(info => info.LeafNodeUrls)));
    }

    private string[] UrlsOfPeers(Func<ServerInfo, IReadOnlyList<string>?> which) =>
        [.. _peers.Values.SelectMany(peer => peer.Info is { } info ? which(info) ?? [] : []).Distinct().Order()];

    private bool IsConfigured(ServerInfo info, Uri address) => _host.Options.Cluster.Routes.Any(route =>
        route.Port == info.Port
        && (string.Equals(route.Host, info.Host, StringComparison.OrdinalIgnoreCase)
            || string.Equals(route.Host, address.Host, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Whether a server was found behind a configured address.</summary>
    internal bool IsConfigured(string? serverId)
    {
        using (_lock.Enter())
        {
            return serverId is not null && _host.Options.Cluster.Routes.Any(url =>
                _serverIdByAddress.TryGetValue(new RouteTarget(url, IsExplicit: true).Address, out var id) && id == serverId);
        }
    }

    private static string FormatHost(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();
    }
}
