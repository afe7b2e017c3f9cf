using NatsAspire.Server.Accounts;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>Connections find their place, and give it up.</summary>
public sealed partial class RouteManager
{
    private static readonly TimeSpan PinnedGrace = TimeSpan.FromMilliseconds(500);

    /// <summary>Outcome of <see cref="Register"/>: a refusal with its text, or whether another connection is to be made.</summary>
    internal readonly record struct Registration(CloseReason Refusal, string? Error, bool ContinuePool);

    /// <summary>
    /// Gives a connection whose INFO arrived its place: by the index its solicitor chose, or the first free one.
    /// Of two connections for one place, two of our servers keep the one the lower server id solicited. A Go server keeps the
    /// one it registered first, so we do towards it: when both registered different ones, both end, and chance decides next.
    /// </summary>
    internal Registration Register(RouteConnection route, ServerInfo info)
    {
        using (_lock.Enter())
        {
            if (_stopping) return Refuse(CloseReason.ServerShutdown);
            if (route.Target is { } target) _serverIdByAddress[target.Address] = info.ServerId;
            if (info.ServerId == _host.ServerId) return Refuse(CloseReason.DuplicateRoute);
            var pooled = info.RoutePoolSize > 0 && PoolSize > 0;
            var effective = pooled ? Math.Max(PoolSize, info.RoutePoolSize) : 1;
            if (CheckPlace(route, info, pooled, effective) is { } error) return Refuse(CloseReason.ProtocolViolation, error);
            var isNew = !_peers.TryGetValue(info.ServerId, out var peer);
            if (isNew) _peers[info.ServerId] = peer = new RoutePeer(info.ServerId, effective, pooled);
            if (pooled) peer!.GrowTo(effective);
            var placed = route.PinnedAccount is { } account
                ? PlacePinned(peer!, route, account, info)
                : PlaceInPool(peer!, route, info);
            if (!placed)
            {
                if (isNew) _peers.Remove(info.ServerId);
                return Refuse(CloseReason.DuplicateRoute);
            }
            var isFirst = route.PinnedAccount is null && peer!.Info is null;
            _lost.Remove(info.ServerName);
            if (route.PinnedAccount is not null) Gossip(peer!, route, Addressed(route, info));
            else if (isFirst) Welcome(peer!, route, Addressed(route, info));
            if (route.PinnedAccount is null) SolicitMissingPinned(peer!);
            var registration = Complete(peer!, route);
            if (!isFirst) return registration;
            foreach (var news in _host.GatewayNews()) route.SendLine(news);
            return registration;
        }
    }

    /// <summary>Forgets a connection; the last one of a peer takes the peer with it. Redials if it was ours.</summary>
    internal void Unregister(RouteConnection route)
    {
        using (_lock.Enter())
        {
            if (_connections.Remove(route)) _closedTraffic += route.Traffic;
            foreach (var account in _host.Accounts.All) account.Interest?.Detach(route);
            if (route.RemoteId is { } id && _peers.TryGetValue(id, out var peer))
            {
                peer.Remove(route);
                if (!peer.Connections.Any())
                {
                    _peers.Remove(id);
                    if (route.RemoteName is { } name) _lost[name] = new LostPeer(id, AddressOf(peer));
                    PublishClientUrls();
                    if (!peer.Pooled) SolicitPinned(route);
                }
            }
            if (!_stopping && route.Target is { } target && ShouldRedial(route))
            {
                _dialer.Redial(AsConfigured(target), route.CloseReason == CloseReason.DuplicateRoute);
            }
            if (!_stopping && route.Target is null) RedialConfigured(route);
        }
    }

    /// <summary>
    /// A peer whose pool is complete lacks pinned connections when a reload pinned the accounts, or the news of them was
    /// lost. Those on their way have time to arrive.
    /// </summary>
    private void SolicitMissingPinned(RoutePeer peer)
    {
        if (!peer.Pooled || !peer.IsComplete || peer.Connections.FirstOrDefault(route => route.Target is not null)?.Target is not { } target) return;
        foreach (var account in _pinnedAccounts)
        {
            if (!peer.Pinned.ContainsKey(account)) _dialer.Dial(target with { PinnedAccount = account }, PinnedGrace);
        }
    }

    /// <summary>A server without pools that is gone may come back with them; then it must have the pinned connections too.</summary>
    private void SolicitPinned(RouteConnection route)
    {
        if (_stopping || PoolSize < 1 || route.Target is not { } target) return;
        foreach (var account in _pinnedAccounts) _dialer.Redial(AsConfigured(target) with { PinnedAccount = account }, wasDuplicate: false);
    }

    private static Registration Refuse(CloseReason reason, string? error = null) => new(reason, error, false);

    private string? CheckPlace(RouteConnection route, ServerInfo info, bool pooled, int effective)
    {
        if (route.PinnedAccount is { } account)
        {
            if (!pooled) return $"Not possible to have a dedicated route for account \"{account}\" between those servers";
            return _pinnedAccounts.Contains(account) ? null : $"No route for account \"{account}\"";
        }
        if (!pooled) return null;
        if (route.Target is not null)
        {
            return info.RoutePoolIndex == 0 ? null : $"Route pool index should not be set but is set to {info.RoutePoolIndex}";
        }
        return info.RoutePoolIndex >= 0 && info.RoutePoolIndex < effective
            ? null
            : $"Invalid route pool index: {info.RoutePoolIndex} - pool size is {info.RoutePoolSize}";
    }

    private bool PlacePinned(RoutePeer peer, RouteConnection route, string account, ServerInfo info)
    {
        if (peer.Pinned.TryGetValue(account, out var holder) && !TryReplace(holder, route, info)) return false;
        peer.Pinned[account] = route;
        return true;
    }

    private bool PlaceInPool(RoutePeer peer, RouteConnection route, ServerInfo info)
    {
        var index = route.Target is null && peer.Pooled ? info.RoutePoolIndex : peer.FreeIndex;
        if (index < 0 || index >= peer.Pool.Length)
        {
            // A full pool: the solicitor of the lower id still has the right to one place, the first.
            index = 0;
            if (route.Target is not null && peer.Pooled) return false;
        }
        if (peer.Pool[index] is { } holder && !TryReplace(holder, route, info)) return false;
        peer.Pool[index] = route;
        route.PoolIndex = index;
        return true;
    }

    private bool TryReplace(RouteConnection holder, RouteConnection route, ServerInfo info)
    {
        if (holder.IsClosing) return true;
        if (info.IsOfGoServer) return false;
        var ourSolicitWins = string.CompareOrdinal(_host.ServerId, route.RemoteId) < 0;
        var holderSolicitedByUs = holder.Target is not null;
        var routeSolicitedByUs = route.Target is not null;
        if (holderSolicitedByUs == routeSolicitedByUs || holderSolicitedByUs == ourSolicitWins) return false;
        holder.Close(CloseReason.DuplicateRoute);
        return true;
    }

    /// <summary>A new peer: others hear of it, and clients of its addresses.</summary>
    private void Welcome(RoutePeer peer, RouteConnection route, ServerInfo info)
    {
        peer.Info = info;
        _host.OnPeerJoined(info.ServerName);
        Gossip(peer, route, info);
        PublishClientUrls();
    }

    /// <summary>A peer's INFO with the address others can dial, and without what concerned this connection.</summary>
    private static ServerInfo Addressed(RouteConnection route, ServerInfo info) => info with
    {
        Ip = info.Ip ?? $"nats-route://{FormatHost(route.RemoteEndPoint.Address)}:{info.Port}/",
        Nonce = null,
        RoutePoolIndex = 0,
        // A dialled server's INFO does not say what the connection is for.
        RouteAccount = route.PinnedAccount,
    };

    private static string? AddressOf(RoutePeer peer) =>
        Uri.TryCreate(peer.Info?.Ip, UriKind.Absolute, out var url) ? new RouteTarget(url, IsExplicit: false).Address : null;

    private Registration Complete(RoutePeer peer, RouteConnection route)
    {
        // Under the lock: nobody may send interest, or the INFO of a third server, ahead of it to a peer that takes the
        // first INFO for this server's.
        if (route.SendsInfoLate)
        {
            var info = BuildInfo() with
            {
                Nonce = Security.Nonce.Next(),
                RoutePoolIndex = route.PinnedAccount is null ? route.PoolIndex : 0,
                RouteAccount = route.PinnedAccount,
                Compression = route.AgreedMode,
                GossipMode = route.Target!.Gossip,
            };
            route.SendLine(info.ToProtocolLine());
        }
        var more = peer.Pooled && route.PinnedAccount is null && route.Target is not null && !peer.IsComplete;
        return new Registration(CloseReason.None, null, more);
    }

    /// <summary>Gives a registered route the interest of the accounts it carries, now and from now on.</summary>
    internal void AttachInterest(RouteConnection route)
    {
        using (_lock.Enter())
        {
            if (route.IsClosing || route.RemoteId is null || !_peers.TryGetValue(route.RemoteId, out var peer)) return;
            foreach (var account in _host.Accounts.All)
            {
                if (Carries(peer, route, account)) account.Interest?.Attach(route);
            }
        }
    }

    private void AttachInterest(Account account)
    {
        using (_lock.Enter())
        {
            foreach (var peer in _peers.Values)
            {
                foreach (var route in peer.Connections)
                {
                    if (Carries(peer, route, account)) account.Interest?.Attach(route);
                }
            }
        }
    }

    private bool Carries(RoutePeer peer, RouteConnection route, Account account)
    {
        if (!peer.Pooled) return route.PinnedAccount is null;
        if (route.PinnedAccount is { } pinned) return pinned == account.Name;
        return !_pinnedAccounts.Contains(account.Name) && route.PoolIndex == PoolIndexOf(account);
    }

    private bool ShouldRedial(RouteConnection route) => route.CloseReason switch
    {
        CloseReason.WrongPort or CloseReason.DuplicateServerName or CloseReason.RouteRemoved => false,
        CloseReason.ProtocolViolation => route.Target!.IsExplicit && route.PinnedAccount is null,
        CloseReason.DuplicateRoute => IsStillWanted(AsConfigured(route.Target!)),
        _ => true,
    };

    /// <summary>A peer that had dialled us is gone: its configured address is ours to try again.</summary>
    private void RedialConfigured(RouteConnection route)
    {
        foreach (var url in _host.Options.Cluster.Routes)
        {
            var target = new RouteTarget(url, IsExplicit: true, PinnedAccount: route.PinnedAccount);
            if (!_serverIdByAddress.TryGetValue(target.Address, out var id) || id != route.RemoteId) continue;
            if (IsStillWanted(target)) _dialer.Redial(target, wasDuplicate: false);
        }
    }

    /// <summary>The next connection of a pool, asked for once the last one has proved to work.</summary>
    internal void ContinuePool(RouteConnection route)
    {
        if (route.Target is { } target && IsStillWanted(target)) _dialer.Dial(target);
    }
}
