using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Clustering.LeafNodes;
using NatsAspire.Server.Clustering.Routes;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Connections.InProcess;
using NatsAspire.Server.Hosting.Telemetry;
using NatsAspire.Server.Monitoring;
using NatsAspire.Server.Monitoring.SystemAccount;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Hosting;

/// <summary>
/// A NATS server in this process. Listens when <see cref="StartAsync"/> returns, until disposed:
/// <code>await using var server = await NatsServer.StartAsync(new ServerOptions { Port = -1 });</code>
/// </summary>
public sealed partial class NatsServer : IAsyncDisposable
{
    private readonly ILogger _log;
    private readonly IoLoop[] _loops;
    private readonly ClientHub _clients;
    private readonly RouteManager? _routes;
    private readonly string _soloName;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILoggerFactory _loggers;
    private volatile ServerOptions _options;
    private volatile TlsContext? _routeTls;
    private Listener? _clientListener;
    private Listener? _routeListener;
    private MonitoringServer? _monitoring;
    private SystemServices? _system;
    private ServerMeter? _meter;
    private ulong _lastConnectionId;
    private int _nextLoop;
    private int _disposed;

    private NatsServer(ServerOptions options, ILoggerFactory loggers)
    {
        _options = options;
        _loggers = loggers;
        _log = loggers.CreateLogger("nats-server");
        var log = _log;
        StartedAt = TimeProvider.System.GetUtcNow();
        Identity = ServerIdentity.Create();
        var givenName = options.Cluster.Enabled ? options.Cluster.Name ?? GatewayName(options) : GatewayName(options);
        var isDynamicName = options.Cluster.Enabled && givenName is null;
        var clusterName = givenName ?? (options.Cluster.Enabled ? ServerIdentity.NewClusterName() : SoloClusterName(options));
        var hasGateways = options.Gateway.Enabled;
        _soloName = clusterName;
        var hasLeafs = HasLeafNodes(options);
        Accounts = new AccountRegistry(options, Name, clusterName, tracksInterest: options.Cluster.Enabled || hasGateways || hasLeafs, hasGateways, tracksLinks: hasLeafs);
        MapDefaultDomains(options);
        _clients = new ClientHub(
            new ClientSettings(options, new Authenticator(options), TlsContext.Create(options.Tls)), Accounts, BuildInfo(clusterName), log);
        _clients.UpdateInfo(WithOptions);
        _routeTls = CreateRouteTls(options);
        _loops = CreateLoops();
        if (options.Cluster.Enabled) _routes = new RouteManager(new RouteHost(this), clusterName, isDynamicName);
        if (hasGateways) _gateways = CreateGateways();
        _leafTls = TlsContext.Create(options.LeafNode.Tls);
        if (hasLeafs) _leafs = new LeafManager(new LeafHost(this));
        _monitored = BuildMonitoringSource();
    }

    public ServerOptions Options => _options;

    /// <summary>Server id (N…) in INFO.</summary>
    public string Id => Identity.ServerId;

    public string Name => Options.ServerName ?? Id;

    /// <summary>When it was started.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>Bound address of the client listener; null: none.</summary>
    public IPEndPoint? ClientEndPoint => _clientListener?.EndPoint;

    /// <summary>nats://host:port to connect to from this machine.</summary>
    public Uri ClientUrl => new($"nats://{Reachable(ClientEndPoint ?? throw new InvalidOperationException("The server has no client listener."))}");

    /// <summary>Bound address of the route listener; null: none.</summary>
    public IPEndPoint? ClusterEndPoint => _routeListener?.EndPoint;

    /// <summary>http://host:port of the monitoring listener; null: none.</summary>
    public Uri? MonitoringUrl => _monitoring?.Url;

    /// <summary>Name of the cluster as agreed with its peers; empty: the server stands alone.</summary>
    public string ClusterName => _routes?.ClusterName ?? _gateways?.Name ?? _soloName;

    /// <summary>Established route connections, pool members counted.</summary>
    public int RouteConnectionCount => _routes?.ConnectionCount ?? 0;

    /// <summary>Other servers of the cluster with a full set of connections.</summary>
    public int PeerCount => _routes?.CompletePeerCount ?? 0;

    /// <summary>Clients connected now.</summary>
    public int ClientCount => _clients.Count;

    /// <summary>Turns of an I/O loop that took longer than <see cref="IoLoop.LongTurn"/>.</summary>
    public long LongLoopTurns => _loops.Sum(loop => loop.LongTurns);

    /// <summary>Completes when the server has stopped.</summary>
    public Task Stopped => _stopped.Task;

    /// <summary>The meter goes on after the end, for a process whose last figures are exported as it ends.</summary>
    internal bool KeepsMeter { get; set; }

    internal ServerIdentity Identity { get; }

    internal AccountRegistry Accounts { get; }

    internal ClientHub Clients => _clients;

    internal RouteManager? Routes => _routes;

    /// <summary>Starts a server and returns when its listeners accept.</summary>
    /// <param name="options">What it is to do; port -1 takes a free one.</param>
    /// <param name="loggers">Where its log goes; null: nowhere.</param>
    /// <param name="cancellation">Gives the start up.</param>
    /// <exception cref="ConfigurationValueException">Options that contradict each other or that it cannot do.</exception>
    /// <exception cref="SocketException">An address cannot be bound.</exception>
    public static async Task<NatsServer> StartAsync(
        ServerOptions options, ILoggerFactory? loggers = null, CancellationToken cancellation = default)
    {
        OptionsValidator.Validate(options);
        var server = new NatsServer(options, loggers ?? NullLoggerFactory.Instance);
        try
        {
            await server.OpenAsync(cancellation).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Closes listeners and connections and ends the loops.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            await Stopped.ConfigureAwait(false);
            return;
        }
        try
        {
            await StopAsync().ConfigureAwait(false);
        }
        finally
        {
            _stopped.TrySetResult();
        }
    }

    private async Task StopAsync()
    {
        ServerLog.ShutdownInitiated(_log);
        if (!KeepsMeter) _meter?.Dispose();
        await _stopping.CancelAsync().ConfigureAwait(false);
        _system?.AnnounceShutdown();
        if (_clientListener is not null) await _clientListener.DisposeAsync().ConfigureAwait(false);
        await CloseWebSocketListenerAsync().ConfigureAwait(false);
        if (_routeListener is not null) await _routeListener.DisposeAsync().ConfigureAwait(false);
        if (_leafListener is not null) await _leafListener.DisposeAsync().ConfigureAwait(false);
        if (_gatewayListener is not null) await _gatewayListener.DisposeAsync().ConfigureAwait(false);
        if (_jetStreamService is not null) await _jetStreamService.MakeWayAsync().ConfigureAwait(false);
        _leafs?.Dispose();
        _routes?.Dispose();
        _gateways?.Dispose();
        _clients.CloseAll(CloseReason.ServerShutdown);
        foreach (var loop in _loops) loop.Dispose();
        if (_jetStream is not null) await StopJetStreamAsync(_jetStream).ConfigureAwait(false);
        if (_system is not null) await _system.DisposeAsync().ConfigureAwait(false);
        if (_monitoring is not null) await _monitoring.DisposeAsync().ConfigureAwait(false);
        foreach (var account in Accounts.All) account.Responses.Dispose();
        ServerLog.Exiting(_log);
    }

    private IoLoop[] CreateLoops()
    {
        var loops = new IoLoop[Math.Clamp(Environment.ProcessorCount, 1, 16)];
        for (var i = 0; i < loops.Length; i++) loops[i] = IoLoop.Create(i, fault => ServerLog.ConnectionFault(_log, fault));
        return loops;
    }

    private async Task OpenAsync(CancellationToken cancellation)
    {
        LogBanner();
        foreach (var loop in _loops) loop.Start();
        if (Options.Monitoring.HttpPort != 0 || Options.Monitoring.HttpsPort != 0)
        {
            _monitoring = await MonitoringServer.StartAsync(Options.Monitoring, MonitoringHost, _monitored, cancellation).ConfigureAwait(false);
            ServerLog.MonitorStarted(_log, _monitoring.Url.Scheme, $"{MonitoringHost}:{_monitoring.Url.Port}");
        }
        if (Accounts.System is { } system)
        {
            _clients.Events = _system = new SystemServices(_monitored, system, ReloadAsync);
            Accounts.UseIdentity(_system.Identify);
        }
        if (Options.JetStream.Enabled) StartJetStream();
        if (_routes is not null) LogClusterName();
        if (Options.WebSocket.Port != 0) OpenWebSocketListener();
        if (_gateways is not null) OpenGatewayListener(_gateways);
        if (_routes is not null && Options.Cluster.Port != 0) OpenRouteListener();
        if (Options.LeafNode.Port != 0) OpenLeafListener();
        if (!Options.DontListen) OpenClientListener();
        _routes?.Start();
        _leafListener?.Start();
        _gateways?.Start();
        _routeListener?.Start();
        _gatewayListener?.Start();
        _webSocketListener?.Start();
        _clientListener?.Start();
        _leafs?.Start();
        ServerLog.Ready(_log);
        _meter = new ServerMeter(this, _loops);
    }

    private string MonitoringHost => Options.Monitoring.Host ?? Options.Host;

    private void OpenClientListener()
    {
        var port = Options.Port == 0 ? Defaults.ClientPort : Options.Port;
        _clientListener = Listener.Bind(Options.Host, port, AcceptClient, error => LogAcceptError(Options.Host, error));
        _clients.UpdateInfo(info => info with { Port = AdvertisedPort(_clientListener.EndPoint.Port), Host = AdvertisedHost });
        ServerLog.ListeningForClients(_log, $"{Options.Host}:{_clientListener.EndPoint.Port}");
        LogClientListener();
    }

    private void OpenRouteListener()
    {
        var cluster = Options.Cluster;
        _routeListener = Listener.Bind(cluster.Host, cluster.Port, _routes!.Accept, error => LogAcceptError(cluster.Host, error));
        if (cluster.Tls is { Insecure: true }) ServerLog.RoutesAreNotVerified(_log);
        _routes.ListenPort = _routeListener.EndPoint.Port;
        ServerLog.ListeningForRoutes(_log, $"{cluster.Host}:{_routeListener.EndPoint.Port}");
    }

    private void AcceptClient(Socket socket) =>
        new ClientConnection(socket, NextLoop(), _clients, NextConnectionId()).Open();

    /// <summary>
    /// Connects to this server without a socket: the client end of a connection within this process, which speaks the
    /// NATS client protocol as a TCP connection would, INFO first. There is no TLS on it. A few bytes wait in each
    /// direction; who writes more waits for the reader. Works without a listener too.
    /// </summary>
    /// <returns>A duplex stream for one reader and one writer; disposing it disconnects.</returns>
    /// <exception cref="ObjectDisposedException">The server has stopped, or takes no more clients.</exception>
    public Stream ConnectInProcess()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0 || IsLameDuck, this);
        var channel = new InProcessChannel();
        var client = new ClientConnection(channel, NextLoop(), _clients, NextConnectionId());
        channel.Bind(client);
        client.Open();
        // Stopped meanwhile: nobody else would tell the client.
        if (_disposed != 0) channel.Dispose();
        return channel.ClientStream;
    }

    private IoLoop NextLoop() => _loops[(uint)Interlocked.Increment(ref _nextLoop) % (uint)_loops.Length];

    private ulong NextConnectionId() => Interlocked.Increment(ref _lastConnectionId);

    private void LogAcceptError(string address, SocketException error) => ServerLog.AcceptFailed(_log, address, error.Message);

    /// <summary>The address to connect to from this machine for a bound one.</summary>
    internal static IPEndPoint Reachable(IPEndPoint bound) =>
        bound.Address.Equals(IPAddress.Any) || bound.Address.Equals(IPAddress.IPv6Any)
            ? new IPEndPoint(IPAddress.Loopback, bound.Port)
            : bound;
}
