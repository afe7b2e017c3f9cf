using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clustering.Routes;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Hosting;

/// <summary>What the server tells of itself: INFO, banner, monitoring, client URLs.</summary>
public sealed partial class NatsServer
{
    /// <summary>JetStream API level of 2.14, in INFO with or without JetStream.</summary>
    private const int ApiLevel = 4;

    private IReadOnlyList<string>? _clientUrls;

    private string AdvertisedHost =>
        Options.ClientAdvertise is { } advertised && HostAndPort.TryParse(advertised, out var told) ? told.Host : Options.Host;

    /// <summary>host:port addresses under which clients reach this server from elsewhere.</summary>
    private IReadOnlyList<string> ClientUrls => _clientUrls ??= ClientEndPoint is { } bound ? BuildUrls(bound, Options.ClientAdvertise) : [];

    private int AdvertisedPort(int bound) =>
        Options.ClientAdvertise is { } advertised && HostAndPort.TryParse(advertised, out var told) && told.Port > 0 ? told.Port : bound;

    private ServerInfo BuildInfo(string clusterName) => new()
    {
        ServerId = Id,
        ServerName = Name,
        Version = Defaults.Version,
        Protocol = 1,
        GoVersion = $".NET {Environment.Version}",
        Host = AdvertisedHost,
        Port = Options.Port,
        Headers = !Options.Limits.NoHeaderSupport,
        MaxPayload = Options.Limits.MaxPayload,
        Cluster = clusterName.Length > 0 ? clusterName : null,
        ApiLevel = ApiLevel,
        XKey = Identity.CurveKey,
    };

    private void LogBanner()
    {
        ServerLog.Starting(_log);
        ServerLog.Banner(_log, "Version:  ", Defaults.Version);
        ServerLog.Banner(_log, "Git:      ", "[not set]");
        ServerLog.Banner(_log, "Name:     ", Name);
        ServerLog.Banner(_log, "ID:       ", Id);
        if (Options.ConfigFile is { } file) ServerLog.ConfigurationFile(_log, file, Options.ConfigDigest ?? "");
        if (HasPlaintextPasswords()) ServerLog.PlaintextPasswords(_log);
    }

    /// <summary>What clients must know before they connect.</summary>
    private void LogClientListener()
    {
        if (Options.ProxyProtocol) ServerLog.ProxyProtocol(_log);
        if (Options.Tls is not { } tls) return;
        // A handshake that must come first leaves no way in without it.
        var handshakeOnly = tls.HandshakeFirst && tls.HandshakeFirstFallback == TimeSpan.Zero;
        ServerLog.ClientTls(_log, Options.AllowNonTls && !handshakeOnly ? "available" : "required");
        if (handshakeOnly) ServerLog.HandshakeFirstOnly(_log);
    }

    private void LogClusterName()
    {
        ServerLog.ClusterName(_log, ClusterName);
        if (_routes!.IsDynamicName) ServerLog.ClusterNameGenerated(_log);
    }

    private bool HasPlaintextPasswords()
    {
        var users = Options.Authorization.Users.Concat(Options.Accounts.SelectMany(account => account.Users));
        return users.Select(user => user.Password).Append(Options.Authorization.Password)
            .Any(password => !string.IsNullOrEmpty(password) && !Primitives.Bcrypt.IsBcryptHash(password));
    }

    private static List<string> BuildUrls(IPEndPoint bound, string? advertise)
    {
        var urls = new List<string>();
        if (advertise is { } advertised && HostAndPort.TryParse(advertised, out var told))
        {
            urls.Add(told.WithDefaultPort(bound.Port).ToString());
        }
        else if (bound.Address.Equals(IPAddress.Any) || bound.Address.Equals(IPAddress.IPv6Any))
        {
            foreach (var address in InterfaceAddresses()) urls.Add(new HostAndPort(address.ToString(), bound.Port).ToString());
        }
        if (urls.Count == 0) urls.Add(new HostAndPort(bound.Address.ToString(), bound.Port).ToString());
        return urls;
    }

    /// <summary>Addresses of all interfaces that others can reach: neither loopback nor link-local.</summary>
    private static IEnumerable<IPAddress> InterfaceAddresses() =>
        NetworkInterface.GetAllNetworkInterfaces()
            .Where(card => card.OperationalStatus == OperationalStatus.Up)
            .SelectMany(card => card.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address)
            .Where(address => !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal);

    /// <summary>The server as its routes see it.</summary>
    private sealed class RouteHost(NatsServer server) : IRouteHost
    {
        public ServerOptions Options => server.Options;

        public AccountRegistry Accounts => server.Accounts;

        public TlsContext? Tls => server._routeTls;

        public ILogger Log => server._log;

        public string ServerId => server.Id;

        public string ServerName => server.Name;

        public IReadOnlyList<string> ClientUrls => server.ClientUrls;

        public IReadOnlyList<string> WebSocketUrls => server.WebSocketUrls;

        public ulong NextConnectionId() => server.NextConnectionId();

        public IoLoop NextLoop() => server.NextLoop();

        public string? GatewayUrl => server._gateways?.Url;

        public string? LeafNodeUrl => server._leafs?.AdvertisedUrl;

        public IReadOnlyList<byte[]> GatewayNews() => server._gateways?.News() ?? [];

        public void OnGatewayNews(ServerInfo info, string? from)
        {
            if (server._gateways is { } gateways) gateways.OnNews(info, from);
            else ServerLog.GatewayNotConfigured(server._log, info.Gateway ?? "", from ?? "");
        }

        public void OnPeerJoined(string name)
        {
            server._jetStreamService?.Meta?.ServerIsBack(name);
            server._jetStream?.ServerIsBack(name);
        }

        public void OnPeerEnded(string name)
        {
            server._jetStreamService?.Meta?.ServerHasEnded(name);
            server._jetStream?.ServerHasEnded(name);
        }

        public void OnClusterChanged(PeerAddresses peers)
        {
            server.Accounts.UpdateClusterName(peers.ClusterName);
            server._gateways?.UpdatePeerUrls(peers.Gateways);
            server._clients.UpdateInfo(info => info with
            {
                Cluster = peers.ClusterName,
                ConnectUrls = WithOwn(server.IsLameDuck ? [] : server.ClientUrls, peers.Clients),
                WebSocketConnectUrls = WithOwn(server.IsLameDuck ? [] : server.WebSocketUrls, peers.WebSockets),
            });
            server._leafs?.OnClusterName(peers.ClusterName);
            server._leafs?.OnPeerUrls(peers.LeafNodes);
        }

        private static string[]? WithOwn(IReadOnlyList<string> own, IReadOnlyList<string> others) =>
            others.Count == 0 ? null : [.. own.Concat(others).Distinct()];
    }
}
