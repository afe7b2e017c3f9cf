using System.Net.Sockets;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>
/// The server's place in the mesh: its peers, which connection carries which account, who must be dialled.
/// One lock guards it all; nothing under it blocks. Lock order: manager, interest, connection gate.
/// </summary>
public sealed partial class RouteManager : IDisposable
{
    private readonly OuterLock _lock = new();
    private readonly IRouteHost _host;
    private readonly RouteDialer _dialer;
    private readonly Dictionary<string, RoutePeer> _peers = [];
    private readonly HashSet<RouteConnection> _connections = [];
    private readonly Dictionary<string, string> _serverIdByAddress = [];

    /// <summary>Peers whose connections have all ended, by name, until it is known why.</summary>
    private readonly Dictionary<string, LostPeer> _lost = [];
    private HashSet<string> _pinnedAccounts;
    private TrafficCounters _closedTraffic;
    private long _slowConsumers;
    private long _staleConnections;
    private bool _stopping;

    public RouteManager(IRouteHost host, string clusterName, bool isDynamicName)
    {
        _host = host;
        ClusterName = clusterName;
        IsDynamicName = isDynamicName;
        PoolSize = host.Options.Cluster.PoolSize;
        _pinnedAccounts = PinnedBy(host.Options.Cluster);
        KeepTlsName(host.Options.Cluster);
        _dialer = new RouteDialer(host, OnDialled, OnRefused, IsStillWanted);
        host.Accounts.Added += AttachInterest;
    }

    public string ClusterName { get; private set; }

    /// <summary>True while the name is a generated one, which gives way to a configured one.</summary>
    public bool IsDynamicName { get; private set; }

    /// <summary>Name that is expected in certificates of servers dialled by number. Null: none is known, or it did not fit.</summary>
    internal string? TlsName { get; set; }

    /// <summary>Connections per peer; below 1: no pool.</summary>
    public int PoolSize { get; private set; }

    /// <summary>Bound route port, told to peers unless another is advertised.</summary>
    public int ListenPort { get; set; }

    /// <summary>Registered connections, pinned ones included.</summary>
    public int ConnectionCount
    {
        get
        {
            using (_lock.Enter()) return _peers.Values.Sum(peer => peer.Connections.Count());
        }
    }

    /// <summary>Peers whose pool is complete and that have their pinned connections.</summary>
    public int CompletePeerCount
    {
        get
        {
            using (_lock.Enter())
            {
                return _peers.Values.Count(peer =>
                    peer.IsComplete && (!peer.Pooled || _pinnedAccounts.All(peer.Pinned.ContainsKey)));
            }
        }
    }

    /// <summary>Messages and bytes of all routes, closed ones included.</summary>
    public TrafficCounters Traffic
    {
        get
        {
            using (_lock.Enter()) return _connections.Aggregate(_closedTraffic, (sum, route) => sum + route.Traffic);
        }
    }

    /// <summary>Routes closed because their peer took too long to read.</summary>
    public long SlowConsumers => Volatile.Read(ref _slowConsumers);

    /// <summary>Routes closed because their peer did not answer PING.</summary>
    public long StaleConnections => Volatile.Read(ref _staleConnections);

    /// <summary>Begins to solicit the configured routes.</summary>
    public void Start()
    {
        foreach (var url in _host.Options.Cluster.Routes) Solicit(url);
    }

    /// <summary>Takes in a connection that another server made.</summary>
    public void Accept(Socket socket) => Open(socket, null);

    public void Dispose()
    {
        RouteConnection[] open;
        using (_lock.Enter())
        {
            _stopping = true;
            open = [.. _connections];
        }
        _dialer.Dispose();
        _host.Accounts.Added -= AttachInterest;
        foreach (var route in open) route.Close(CloseReason.ServerShutdown);
    }

    /// <summary>Tells every peer that this server is leaving.</summary>
    public void AnnounceLameDuck()
    {
        using (_lock.Enter())
        {
            var line = (BuildInfo() with { LameDuckMode = true }).ToProtocolLine();
            foreach (var peer in _peers.Values) peer.Primary?.SendLine(line);
        }
    }

    /// <summary>Snapshot of the registered connections, for monitoring.</summary>
    public IReadOnlyList<RouteConnection> Snapshot()
    {
        using (_lock.Enter()) return [.. _peers.Values.SelectMany(peer => peer.Connections)];
    }

    internal void CountSlowConsumer() => Interlocked.Increment(ref _slowConsumers);

    internal void CountStaleConnection() => Interlocked.Increment(ref _staleConnections);

    private void OnDialled(Socket socket, RouteTarget target) => Open(socket, target);

    private void OnRefused(RouteTarget target)
    {
        string? ended = null;
        using (_lock.Enter())
        {
            if (!_stopping)
            {
                var id = _serverIdByAddress.GetValueOrDefault(target.Address);
                ended = _lost.FirstOrDefault(peer => peer.Value.Id == id || peer.Value.Address == target.Address).Key;
            }
            if (ended is not null) _lost.Remove(ended);
        }
        if (ended is not null) _host.OnPeerEnded(ended);
    }

    /// <param name="Id">Its server id.</param>
    /// <param name="Address">Where it said that it listens: one that dialled this server may be gone before it was ever dialled. Null: it did not say.</param>
    private readonly record struct LostPeer(string Id, string? Address);

    private void Open(Socket socket, RouteTarget? target)
    {
        var route = new RouteConnection(socket, _host.NextLoop(), this, _host, _host.NextConnectionId(), target);
        using (_lock.Enter())
        {
            if (_stopping)
            {
                socket.Dispose();
                return;
            }
            _connections.Add(route);
        }
        route.Open();
    }

    /// <summary>Whether a target lacks a connection still, as far as its server's id is known.</summary>
    private bool IsStillWanted(RouteTarget target)
    {
        using (_lock.Enter())
        {
            if (_stopping || (target.IsExplicit && !_host.Options.Cluster.Routes.Any(url => Key(url) == Key(target.Url)))) return false;
            if (target.PinnedAccount is { } pinned && !_pinnedAccounts.Contains(pinned)) return false;
            if (!_serverIdByAddress.TryGetValue(target.Address, out var id)) return true;
            if (id == _host.ServerId) return false;
            if (!_peers.TryGetValue(id, out var peer)) return true;
            return target.PinnedAccount is { } account
                ? peer.Pooled && !peer.Pinned.ContainsKey(account)
                : !peer.IsComplete;
        }
    }

    /// <summary>INFO as this server's route listener tells it.</summary>
    internal ServerInfo BuildInfo() => new()
    {
        ServerId = _host.ServerId,
        ServerName = _host.ServerName,
        Version = Defaults.Version,
        Protocol = 3,
        GoVersion = $".NET {Environment.Version}",
        Host = Address.Host,
        Port = Address.Port,
        Headers = !_host.Options.Limits.NoHeaderSupport,
        AuthRequired = _host.Options.Cluster.Username is not null,
        TlsRequired = _host.Tls is not null,
        TlsVerify = _host.Tls is not null,
        MaxPayload = _host.Options.Limits.MaxPayload,
        Ip = _host.Options.Cluster.Advertise is { Length: > 0 } ? $"nats-route://{Address}/" : null,
        Cluster = ClusterName,
        ClusterDynamic = IsDynamicName,
        ConnectUrls = _host.Options.Cluster.NoAdvertise ? null : _host.ClientUrls,
        WebSocketConnectUrls = _host.Options.Cluster.NoAdvertise || _host.WebSocketUrls.Count == 0 ? null : _host.WebSocketUrls,
        Import = RoutePermissions.ToLists(_host.Options.Cluster.Permissions?.Import),
        Export = RoutePermissions.ToLists(_host.Options.Cluster.Permissions?.Export),
        GatewayUrl = _host.GatewayUrl,
        LeafNodeUrls = _host.LeafNodeUrl is { } leafs ? [leafs] : null,
        LeafNodeOriginCluster = true,
        LeafNodeOriginClusterUnsubscribe = true,
        RoutePoolSize = Math.Max(0, PoolSize),
    };

    /// <summary>Where others are told to dial.</summary>
    private HostAndPort Address
    {
        get
        {
            var cluster = _host.Options.Cluster;
            var address = cluster.Advertise is { Length: > 0 } told && HostAndPort.TryParse(told, out var advertised)
                ? advertised
                : new HostAndPort(cluster.Host, ListenPort);
            return address.Port > 0 ? address : address with { Port = ListenPort };
        }
    }

    /// <summary>The pool index of an account, the same on all servers with the same pool size.</summary>
    private int PoolIndexOf(Account account) =>
        PoolSize <= 1 ? 0 : (int)(Fnv1a32.Hash(account.NameBytes) % (uint)PoolSize);
}
