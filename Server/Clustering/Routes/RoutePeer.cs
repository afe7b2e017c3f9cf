using System.Text;
using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>Another server of the cluster and the connections to it. Guarded by the manager's lock.</summary>
internal sealed class RoutePeer(string serverId, int poolSize, bool pooled)
{
    public string ServerId { get; } = serverId;

    /// <summary>Its name in routed reply subjects.</summary>
    public byte[] ReplyHash { get; } = Encoding.ASCII.GetBytes(NodeHash.Of(serverId, RoutedReply.HashLength));

    /// <summary>False: a server without pooling; one connection carries every account.</summary>
    public bool Pooled { get; } = pooled;

    /// <summary>The connections by pool index; null: a free place.</summary>
    public RouteConnection?[] Pool { get; private set; } = new RouteConnection?[poolSize];

    /// <summary>Connections that carry one account only, by its name.</summary>
    public Dictionary<string, RouteConnection> Pinned { get; } = [];

    /// <summary>The peer's INFO, with its address, as it is passed on to others.</summary>
    public ServerInfo? Info { get; set; }

    public IEnumerable<RouteConnection> Connections => Pool.OfType<RouteConnection>().Concat(Pinned.Values);

    /// <summary>Any connection that is not about to end, to send what concerns the whole server.</summary>
    public RouteConnection? Primary => Connections.FirstOrDefault(route => !route.IsClosing);

    public bool HasPool => Pool.Any(route => route is not null);

    public bool IsComplete => !Pool.Contains(null);

    public int FreeIndex => Array.IndexOf(Pool, null);

    /// <summary>A peer that was restarted with a larger pool has more places.</summary>
    public void GrowTo(int size)
    {
        if (size <= Pool.Length) return;
        var larger = new RouteConnection?[size];
        Pool.CopyTo(larger, 0);
        Pool = larger;
    }

    public void Remove(RouteConnection route)
    {
        var index = Array.IndexOf(Pool, route);
        if (index >= 0) Pool[index] = null;
        if (route.PinnedAccount is { } account && Pinned.TryGetValue(account, out var pinned) && ReferenceEquals(pinned, route))
        {
            Pinned.Remove(account);
        }
    }
}
