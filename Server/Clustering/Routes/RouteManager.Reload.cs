using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>Other options while the mesh stands.</summary>
public sealed partial class RouteManager
{
    /// <summary>
    /// Goes by the host's current options. Routes that are no longer configured or admitted end; what both sides
    /// agreed on when they met (pool, pinned accounts, permissions) is agreed on anew; of compression, see the route.
    /// </summary>
    /// <param name="before">What was in force.</param>
    public void Reload(ClusterOptions before)
    {
        var now = _host.Options.Cluster;
        RouteConnection[] open;
        bool renegotiate;
        using (_lock.Enter())
        {
            if (_stopping) return;
            KeepTlsName(now);
            renegotiate = TakeShape(now) || !SamePermissions(before.Permissions, now.Permissions);
            open = [.. _connections];
        }
        var (old, current) = (before.Routes.Select(Key).ToHashSet(), now.Routes.Select(Key).ToHashSet());
        foreach (var route in open)
        {
            var isForeign = route.Target is { IsExplicit: true } target && !current.Contains(Key(target.Url));
            // With other credentials it is the same route, to be made anew.
            if (isForeign && ReferenceEquals(AsConfigured(route.Target!), route.Target)) route.Close(CloseReason.RouteRemoved);
            else if (renegotiate || isForeign) route.Close(CloseReason.ClientClosed);
            else route.Reload();
        }
        foreach (var url in now.Routes.Where(url => !old.Contains(Key(url)))) Solicit(url);
        if (!renegotiate) Announce();
    }

    /// <summary>An address with its credentials, which <see cref="Uri"/>'s equality leaves out.</summary>
    private static string Key(Uri url) => url.AbsoluteUri;

    /// <summary>A configured address with the credentials it has now.</summary>
    private RouteTarget AsConfigured(RouteTarget target)
    {
        if (!target.IsExplicit) return target;
        var current = _host.Options.Cluster.Routes.FirstOrDefault(url => $"{url.Host}:{url.Port}" == target.Address);
        return current is null ? target : target with { Url = current };
    }

    private void Solicit(Uri url)
    {
        _dialer.Dial(new RouteTarget(url, IsExplicit: true));
        foreach (var account in _pinnedAccounts) _dialer.Dial(new RouteTarget(url, IsExplicit: true, PinnedAccount: account));
    }

    /// <summary>Pool size and pinned accounts; true when they changed.</summary>
    private bool TakeShape(ClusterOptions cluster)
    {
        var pinned = PinnedBy(cluster);
        if (PoolSize == cluster.PoolSize && _pinnedAccounts.SetEquals(pinned)) return false;
        PoolSize = cluster.PoolSize;
        _pinnedAccounts = pinned;
        return true;
    }

    /// <summary>Certificates name hosts: of a server dialled by its number, the name that was configured is expected.</summary>
    private void KeepTlsName(ClusterOptions cluster) =>
        TlsName = cluster.Routes.FirstOrDefault(url => url.HostNameType == UriHostNameType.Dns)?.Host ?? TlsName;

    /// <summary>The system account has a connection of its own, so that servers hear each other under any load.</summary>
    private HashSet<string> PinnedBy(ClusterOptions cluster)
    {
        var pinned = cluster.PinnedAccounts.ToHashSet();
        if (cluster.PoolSize > 0 && _host.Accounts.System is { } system) pinned.Add(system.Name);
        return pinned;
    }

    /// <summary>Tells every peer what this server's INFO says now.</summary>
    private void Announce()
    {
        using (_lock.Enter())
        {
            var line = BuildInfo().ToProtocolLine();
            foreach (var peer in _peers.Values) peer.Primary?.SendLine(line);
            PublishClientUrls();
        }
    }

    private static bool SamePermissions(RoutePermissionOptions? before, RoutePermissionOptions? now) =>
        Same(before?.Import, now?.Import) && Same(before?.Export, now?.Export);

    private static bool Same(SubjectPermissionOptions? before, SubjectPermissionOptions? now) =>
        Same(before?.Allow, now?.Allow) && Same(before?.Deny, now?.Deny);

    private static bool Same(IReadOnlyList<string>? before, IReadOnlyList<string>? now) => (before ?? []).SequenceEqual(now ?? []);
}
