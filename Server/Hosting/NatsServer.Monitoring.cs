using NatsAspire.Server.Monitoring;
using NatsAspire.Server.Monitoring.Pages;

namespace NatsAspire.Server.Hosting;

/// <summary>The monitoring pages in process, without HTTP. From any thread; nobody waits for them.</summary>
public sealed partial class NatsServer
{
    private readonly MonitoringSource _monitored;

    /// <summary>Figures and limits of the server.</summary>
    public Varz Varz() => Monitoring.Pages.Varz.Collect(_monitored);

    /// <summary>Client connections.</summary>
    /// <exception cref="MonitoringException">Options that fit nothing.</exception>
    public Connz Connz(ConnzOptions? options = null) => Monitoring.Pages.Connz.Collect(_monitored, options);

    /// <summary>Connections to the other servers of the cluster.</summary>
    public Routez Routez(RoutezOptions? options = null) => Monitoring.Pages.Routez.Collect(_monitored, options);

    /// <summary>Subscriptions, and how they are found.</summary>
    /// <exception cref="MonitoringException">The subject to test is none a message can have.</exception>
    public Subsz Subsz(SubszOptions? options = null) => Monitoring.Pages.Subsz.Collect(_monitored, options);

    /// <summary>Accounts.</summary>
    /// <exception cref="MonitoringException">There is no such account.</exception>
    public Accountz Accountz(AccountzOptions? options = null) => Monitoring.Pages.Accountz.Collect(_monitored, options);

    /// <summary>What accounts move.</summary>
    public AccountStatz AccountStatz(AccountStatzOptions? options = null) => Monitoring.Pages.AccountStatz.Collect(_monitored, options);

    /// <summary>Whether the server does what it is there for.</summary>
    public Healthz Healthz(HealthzOptions? options = null) => Monitoring.Pages.Healthz.Check(_monitored, options);

    /// <summary>JetStream.</summary>
    /// <exception cref="MonitoringException">Only a leader is to answer.</exception>
    public Jsz Jsz(JszOptions? options = null) => Monitoring.Pages.Jsz.Collect(_monitored, options);

    /// <summary>Gateways to other clusters.</summary>
    public Gatewayz Gatewayz(GatewayzOptions? options = null) => Monitoring.Pages.Gatewayz.Collect(_monitored, options);

    /// <summary>Leaf nodes.</summary>
    public Leafz Leafz(LeafzOptions? options = null) => Monitoring.Pages.Leafz.Collect(_monitored, options);

    /// <summary>Work that waits inside the server, by queue.</summary>
    public IReadOnlyDictionary<string, QueueState> Ipqueuesz(IpqueueszOptions? options = null) => Monitoring.Pages.Ipqueuesz.Collect(_monitored, options);

    private MonitoringSource BuildMonitoringSource() => new()
    {
        ServerId = Id,
        ServerName = Name,
        StartedAt = StartedAt,
        OptionsLoadedAt = () => OptionsLoadedAt,
        WebSocketPort = () => WebSocketEndPoint?.Port ?? 0,
        Clients = _clients,
        Accounts = Accounts,
        Routes = _routes,
        Gateways = _gateways,
        LeafNodes = _leafs,
        JetStream = () => _jetStreamService,
        Loops = _loops,
        Log = _log,
        MonitoringPort = () => MonitoringUrl?.Port ?? 0,
        MissingListeners = FindMissingListeners,
        ClientPort = () => ClientEndPoint?.Port ?? 0,
        ClusterPort = () => ClusterEndPoint?.Port ?? 0,
    };

    /// <summary>Listeners that are to accept and do not: not yet, or no longer.</summary>
    private List<string> FindMissingListeners()
    {
        var missing = new List<string>();
        if (!Options.DontListen && (_clientListener is null || IsLameDuck)) missing.Add("server");
        if (Options.Cluster.Enabled && Options.Cluster.Port != 0 && _routeListener is null) missing.Add("route");
        if (_gateways is not null && _gatewayListener is null) missing.Add("gateway");
        if (Options.LeafNode.Port != 0 && _leafListener is null) missing.Add("leafnode");
        if (Options.WebSocket.Port != 0 && (_webSocketListener is null || IsLameDuck)) missing.Add("websocket");
        return missing;
    }
}
