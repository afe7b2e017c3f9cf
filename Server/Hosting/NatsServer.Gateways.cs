using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clustering.Gateways;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;

namespace NatsAspire.Server.Hosting;

/// <summary>Gateways: this server's place among other clusters.</summary>
public sealed partial class NatsServer
{
    private readonly GatewayManager? _gateways;
    private Listener? _gatewayListener;

    /// <summary>Bound address of the gateway listener; null: none.</summary>
    public IPEndPoint? GatewayEndPoint => _gatewayListener?.EndPoint;

    /// <summary>Other clusters this server is connected to.</summary>
    public int OutboundGatewayCount => _gateways?.OutboundCount ?? 0;

    /// <summary>Servers of other clusters that are connected to this one.</summary>
    public int InboundGatewayCount => _gateways?.InboundCount ?? 0;

    internal GatewayManager? Gateways => _gateways;

    private static string? GatewayName(ServerOptions options) => options.Gateway.Enabled ? options.Gateway.Name : null;

    private GatewayManager CreateGateways()
    {
        var gateways = new GatewayManager(new GatewayHost(this));
        Accounts.UseOuter(gateways);
        _clients.OtherClusters = () => gateways.NearestClusters;
        return gateways;
    }

    private void OpenGatewayListener(GatewayManager gateways)
    {
        var options = Options.Gateway;
        var host = options.Host.Length > 0 ? options.Host : Defaults.Host;
        _gatewayListener = Listener.Bind(host, options.Port, gateways.Accept, error => LogAcceptError(host, error));
        ServerLog.GatewayName(_log, gateways.Name);
        ServerLog.ListeningForGateways(_log, $"{host}:{_gatewayListener.EndPoint.Port}");
        gateways.Listen(_gatewayListener.EndPoint.Port);
        ServerLog.GatewayAddress(_log, gateways.Name, options.Advertise is { Length: > 0 } ? "Advertise address" : "Address", gateways.Url!);
        if (options.Tls is { Insecure: true } || options.Gateways.Any(gateway => gateway.Tls is { Insecure: true })) ServerLog.GatewaysAreNotVerified(_log);
    }

    /// <summary>
    /// Members a JetStream meta group that forms is to wait for: this server, the other configured ones of its cluster, and those
    /// of other clusters. Whether a configuration names the server's own route does not matter: with one less than there are, two
    /// halves of them could each elect.
    /// </summary>
    private static int ExpectedPeers(ServerOptions options)
    {
        var routes = options.Cluster.Routes.Count(route => !IsOwnRoute(route, options.Cluster));
        var others = options.Gateway.Gateways.Where(gateway => gateway.Name != options.Gateway.Name).SelectMany(gateway => gateway.Urls);
        return Math.Max(2, 1 + routes + (options.Gateway.Enabled ? others.Sum(url => CountAddresses(url.Host)) : 0));
    }

    private static bool IsOwnRoute(Uri route, ClusterOptions cluster)
    {
        if (cluster.Advertise is { Length: > 0 } advertised && advertised == $"{route.Host}:{route.Port}") return true;
        if (route.Port != cluster.Port) return false;
        if (route.Host == cluster.Host) return true;
        try
        {
            var mine = NetworkInterface.GetAllNetworkInterfaces().SelectMany(card => card.GetIPProperties().UnicastAddresses).Select(one => one.Address).ToHashSet();
            return Dns.GetHostAddresses(route.Host.Trim('[', ']')).Any(address => IPAddress.IsLoopback(address) || mine.Contains(address));
        }
        catch (SocketException)
        {
            // A name that leads nowhere yet stands for another server.
            return false;
        }
    }

    private static int CountAddresses(string host)
    {
        if (IPAddress.TryParse(host.Trim('[', ']'), out _)) return 1;
        try
        {
            return Math.Max(1, Dns.GetHostAddresses(host).Length);
        }
        catch (SocketException)
        {
            // A name that leads nowhere yet stands for one server.
            return 1;
        }
    }

    /// <summary>The server as its gateways see it.</summary>
    private sealed class GatewayHost(NatsServer server) : IGatewayHost
    {
        public ServerOptions Options => server.Options;

        public AccountRegistry Accounts => server.Accounts;

        public ILogger Log => server._log;

        public string ServerId => server.Id;

        public string ServerName => server.Name;

        public ulong NextConnectionId() => server.NextConnectionId();

        public IoLoop NextLoop() => server.NextLoop();

        public void SendToPeers(byte[] line) => server._routes?.SendToPeers(line);

        public bool HasPeerNamed(string name) => server._routes?.HasPeerNamed(name) == true;

        public LinkSubscriber? FindPeer(ReadOnlySpan<byte> serverHash, Account account) => server._routes?.FindLink(serverHash, account);
    }
}
