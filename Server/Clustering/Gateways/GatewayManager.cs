using System.Net.Sockets;
using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>
/// This server's place among the clusters of a super-cluster: which there are, and its connections to them and from them.
/// One lock guards it all; nothing under it blocks. It comes behind the routes' and before those of interest.
/// </summary>
public sealed partial class GatewayManager : IOuterClusters, IDisposable
{
    /// <summary>Time the own cluster has to form before others are dialled; upstream's is a second.</summary>
    private static readonly TimeSpan SolicitDelay = TimeSpan.FromMilliseconds(200);

    private readonly OuterLock _lock = new();
    private readonly IGatewayHost _host;
    private readonly GatewayDialer _dialer;
    private readonly Dictionary<string, RemoteGateway> _remotes = [];
    private readonly HashSet<GatewayConnection> _connections = [];
    private readonly List<GatewayConnection> _inbound = [];
    private readonly byte[] _replyPrefix;
    private readonly byte[] _oldReplyPrefix;
    private readonly byte[] _serverHash;
    private readonly byte[] _clusterHash;
    private readonly byte[] _oldClusterHash;

    /// <summary>Registered connections to other clusters, the nearest first; swapped when one comes or goes.</summary>
    private volatile GatewayConnection[] _outbound = [];
    private volatile byte[] _infoLine = [];
    private IReadOnlyList<string> _peerUrls = [];
    private TrafficCounters _closedTraffic;
    private long _slowConsumers;
    private long _staleConnections;
    private bool _stopping;

    /// <param name="host">The server.</param>
    /// <exception cref="ConfigurationValueException">TLS files that cannot be used.</exception>
    public GatewayManager(IGatewayHost host)
    {
        _host = host;
        Name = host.Options.Gateway.Name!;
        _replyPrefix = RoutedReply.PrefixFor(Name, host.ServerId);
        _oldReplyPrefix = RoutedReply.OldPrefixFor(Name);
        _serverHash = Encoding.ASCII.GetBytes(NodeHash.Of(host.ServerId, RoutedReply.HashLength));
        _clusterHash = Encoding.ASCII.GetBytes(NodeHash.Of(Name, RoutedReply.HashLength));
        _oldClusterHash = Encoding.ASCII.GetBytes(RoutedReply.OldHash(Name));
        _dialer = new GatewayDialer(host, OnDialled, IsWanted, GiveUp);
        Tls = Create(host.Options.Gateway.Tls);
        foreach (var configured in host.Options.Gateway.Gateways)
        {
            if (configured.Name == Name) continue;
            var tls = configured.Tls is null ? Tls : Create(configured.Tls);
            _remotes[configured.Name!] = new RemoteGateway(configured.Name!, configured.Urls, isImplicit: false, tls);
        }
        host.Accounts.Added += OnAccountAdded;
    }

    /// <summary>The own cluster's name.</summary>
    public string Name { get; }

    /// <summary>Bound gateway port.</summary>
    public int ListenPort { get; private set; }

    /// <summary>host:port that other clusters are told; null before the listener is bound.</summary>
    public string? Url { get; private set; }

    /// <summary>Clusters this server is connected to.</summary>
    public int OutboundCount => _outbound.Length;

    /// <summary>Names of the clusters this server is connected to, the nearest first.</summary>
    public IReadOnlyList<string> NearestClusters => [.. _outbound.OrderBy(gateway => gateway.RoundTrip).Select(gateway => gateway.Remote!.Name)];

    /// <summary>Servers of other clusters that are connected to this one.</summary>
    public int InboundCount
    {
        get
        {
            using (_lock.Enter()) return _inbound.Count;
        }
    }

    /// <summary>Messages and bytes of all gateways, closed ones included.</summary>
    public TrafficCounters Traffic
    {
        get
        {
            using (_lock.Enter()) return _connections.Aggregate(_closedTraffic, (sum, gateway) => sum + gateway.Traffic);
        }
    }

    /// <summary>Gateways closed because their peer took too long to read.</summary>
    public long SlowConsumers => Volatile.Read(ref _slowConsumers);

    /// <summary>Gateways closed because their peer did not answer PING.</summary>
    public long StaleConnections => Volatile.Read(ref _staleConnections);

    /// <summary>TLS of the gateways; null: none.</summary>
    internal TlsContext? Tls { get; private set; }

    /// <summary>INFO as others get it.</summary>
    internal byte[] InfoLine => _infoLine;

    /// <summary>Addresses of configured clusters, for certificates that must name one.</summary>
    internal IEnumerable<Uri> ConfiguredUrls => _host.Options.Gateway.Gateways.SelectMany(gateway => gateway.Urls);

    /// <summary>The listener is bound.</summary>
    public void Listen(int port)
    {
        ListenPort = port;
        var gateway = _host.Options.Gateway;
        var address = gateway.Advertise is { Length: > 0 } told && HostAndPort.TryParse(told, out var advertised)
            ? advertised.WithDefaultPort(port)
            : new HostAndPort(GatewayAddress.Of(gateway.Host), port);
        Url = address.ToString();
        using (_lock.Enter()) BuildInfo(address);
    }

    /// <summary>Begins to solicit the configured clusters, a moment later.</summary>
    public void Start()
    {
        RemoteGateway[] configured;
        using (_lock.Enter()) configured = [.. _remotes.Values.Where(remote => !remote.IsImplicit)];
        foreach (var remote in configured) _dialer.Dial(remote, SolicitDelay);
    }

    /// <summary>Takes in a connection that another cluster made.</summary>
    public void Accept(Socket socket) => Open(socket, null, null);

    /// <summary>Snapshot of the registered connections, for monitoring.</summary>
    public (IReadOnlyList<GatewayConnection> Outbound, IReadOnlyList<GatewayConnection> Inbound) Snapshot()
    {
        using (_lock.Enter()) return (_outbound, [.. _inbound]);
    }

    /// <summary>Known clusters with the addresses they have, for monitoring.</summary>
    public IReadOnlyList<(string Name, bool IsImplicit, IReadOnlyList<string> Addresses, int Attempts)> Remotes()
    {
        using (_lock.Enter()) return [.. _remotes.Values.Select(remote => (remote.Name, remote.IsImplicit, remote.Addresses, remote.Attempts))];
    }

    public void Dispose()
    {
        GatewayConnection[] open;
        using (_lock.Enter())
        {
            _stopping = true;
            open = [.. _connections];
        }
        _dialer.Dispose();
        _host.Accounts.Added -= OnAccountAdded;
        foreach (var gateway in open) gateway.Close(CloseReason.ServerShutdown);
    }

    /// <summary>Goes by the host's current options.</summary>
    /// <exception cref="ConfigurationValueException">TLS files that cannot be used; nothing has changed then.</exception>
    public void Reload()
    {
        var options = _host.Options.Gateway;
        var tls = Create(options.Tls);
        var own = options.Gateways.Where(gateway => gateway.Tls is not null).ToDictionary(gateway => gateway.Name!, gateway => Create(gateway.Tls));
        GatewayConnection[] open;
        using (_lock.Enter())
        {
            Tls = tls;
            foreach (var remote in _remotes.Values) remote.Tls = own.GetValueOrDefault(remote.Name) ?? tls;
            open = [.. _connections];
        }
        foreach (var gateway in open) gateway.Reload();
    }

    internal void CountSlowConsumer() => Interlocked.Increment(ref _slowConsumers);

    internal void CountStaleConnection() => Interlocked.Increment(ref _staleConnections);

    private void OnDialled(Socket socket, RemoteGateway remote, Uri url)
    {
        remote.Attempts++;
        Open(socket, remote, url);
    }

    private void Open(Socket socket, RemoteGateway? remote, Uri? url)
    {
        var gateway = new GatewayConnection(socket, _host.NextLoop(), this, _host, _host.NextConnectionId(), remote, url);
        using (_lock.Enter())
        {
            if (_stopping)
            {
                socket.Dispose();
                return;
            }
            _connections.Add(gateway);
        }
        gateway.Open();
    }

    /// <summary>Servers always show each other certificates.</summary>
    private static TlsContext? Create(TlsOptions? options) => TlsContext.Create(options is null ? null : options with { Verify = true });
}
