using System.Net;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clustering.LeafNodes;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Security;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Hosting;

/// <summary>Leaf nodes: the listener for them, and the hubs this server is a leaf of.</summary>
public sealed partial class NatsServer
{
    private readonly LeafManager? _leafs;
    private Listener? _leafListener;
    private volatile TlsContext? _leafTls;

    /// <summary>Bound address of the listener for leaf nodes; null: none.</summary>
    public IPEndPoint? LeafNodeEndPoint => _leafListener?.EndPoint;

    /// <summary>Leaf node connections, at either end, that have joined their account.</summary>
    public int LeafNodeCount => _leafs?.Count ?? 0;

    internal LeafManager? LeafNodes => _leafs;

    private static bool HasLeafNodes(ServerOptions options) => options.LeafNode.Port != 0 || options.LeafNode.Remotes.Count > 0;

    /// <summary>A server that stands alone and is a leaf is a cluster of its own to its hubs, which must know it again: a generated name would not tell them.</summary>
    private static string SoloClusterName(ServerOptions options) =>
        !options.Cluster.Enabled && options.LeafNode.Remotes.Count > 0 ? options.Cluster.Name ?? options.ServerName ?? "" : "";

    private void OpenLeafListener()
    {
        var host = Options.LeafNode.Host is { Length: > 0 } bound ? bound : AllInterfaces;
        var port = Options.LeafNode.Port;
        _leafListener = Listener.Bind(host, port, _leafs!.Accept, error => LogAcceptError(host, error));
        _leafs.ListenPort = _leafListener.EndPoint.Port;
        ServerLog.ListeningForLeafNodes(_log, $"{host}:{_leafListener.EndPoint.Port}");
        if (Options.LeafNode.Tls is { Insecure: true } || Options.LeafNode.Remotes.Any(remote => remote.Tls is { Insecure: true })) ServerLog.LeafNodesAreNotVerified(_log);
    }

    /// <summary>The server as its leaf node connections see it.</summary>
    private sealed class LeafHost(NatsServer server) : ILeafHost
    {
        public ServerOptions Options => server.Options;

        public AccountRegistry Accounts => server.Accounts;

        public TlsContext? Tls => server._leafTls;

        public ILogger Log => server._log;

        public string ServerId => server.Id;

        public string ServerName => server.Name;

        public string ClusterName => server.ClusterName;

        public IReadOnlyList<string> WebSocketUrls => server._clients.Info.WebSocketConnectUrls ?? server.WebSocketUrls;

        public Authenticator Users => server._clients.Authenticator;

        public Authenticator WebSocketUsers => server._clients.Settings.WebSocket?.Authenticator ?? Users;

        public bool HasJetStream(Account account) => server._jetStream is not null && server.JetStreamAccounts(server.Options).Any(enabled => ReferenceEquals(enabled.Account, account));

        public string FindAddress(string bound) =>
            IPAddress.TryParse(bound, out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any) ? bound
            : bound.Length > 0 && address is null ? bound
            : InterfaceAddresses().FirstOrDefault()?.ToString() ?? AllInterfaces;

        public ulong NextConnectionId() => server.NextConnectionId();

        public IoLoop NextLoop() => server.NextLoop();

        public void LetLead(Account account, bool mayLead) => server._jetStreamService?.LetLead(account, mayLead);

        public void OnSystemShared(bool isExtension) => server._jetStreamService?.OnSystemShared(isExtension);

        public void OnJoined(LeafConnection leaf) => server._system?.OnJoined(leaf);

        public void OnLeft(LeafConnection leaf) => server._system?.OnLeft(leaf);
    }
}
