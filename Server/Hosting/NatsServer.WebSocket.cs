using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Connections.WebSockets;

namespace NatsAspire.Server.Hosting;

/// <summary>The WebSocket listener.</summary>
public sealed partial class NatsServer
{
    private const string AllInterfaces = "0.0.0.0";

    /// <summary>Time for an upgrade when the configuration names none; a connection that says nothing is not kept.</summary>
    private static readonly TimeSpan UpgradeTimeout = TimeSpan.FromSeconds(10);

    private Listener? _webSocketListener;
    private WebSocketHost? _webSocketHost;
    private IReadOnlyList<string>? _webSocketUrls;

    /// <summary>Bound address of the WebSocket listener; null: none.</summary>
    public IPEndPoint? WebSocketEndPoint => _webSocketListener?.EndPoint;

    /// <summary>ws:// or wss://host:port to connect to from this machine; null: no such listener.</summary>
    public Uri? WebSocketUrl => WebSocketEndPoint is { } bound ? new Uri($"{WebSocketScheme}://{Reachable(bound)}") : null;

    private string WebSocketScheme => Options.WebSocket.Tls is null ? "ws" : "wss";

    private string WebSocketBindHost => Options.WebSocket.Host is { Length: > 0 } host ? host : AllInterfaces;

    /// <summary>host:port addresses under which WebSocket clients reach this server from elsewhere.</summary>
    private IReadOnlyList<string> WebSocketUrls =>
        _webSocketUrls ??= WebSocketEndPoint is { } bound ? BuildUrls(bound, Options.WebSocket.Advertise is { Length: > 0 } advertise ? advertise : null) : [];

    /// <exception cref="ConfigurationValueException">The address to advertise is none.</exception>
    private void OpenWebSocketListener()
    {
        if (Options.WebSocket.Advertise is { Length: > 0 } advertise && !IsAddress(advertise))
        {
            throw new ConfigurationValueException($"Unable to get websocket connect URLs: invalid address \"{advertise}\"");
        }
        var host = new WebSocketHost(this);
        _webSocketListener = Listener.Bind(
            WebSocketBindHost, Options.WebSocket.Port, host.Accept, error => LogAcceptError(WebSocketBindHost, error));
        _webSocketHost = host;
        var address = new HostAndPort(WebSocketBindHost, _webSocketListener.EndPoint.Port);
        _clients.WebSocketAddress = address;
        ServerLog.ListeningForWebSockets(_log, $"{WebSocketScheme}://{address}");
        if (Options.WebSocket.Tls is null) ServerLog.WebSocketWithoutTls(_log);
    }

    /// <summary>An IPv6 address has to be in brackets, or its end could be a port.</summary>
    private static bool IsAddress(string text) =>
        HostAndPort.TryParse(text, out _) && (text.StartsWith('[') || text.IndexOf(':') == text.LastIndexOf(':'));

    private async ValueTask CloseWebSocketListenerAsync()
    {
        if (_webSocketListener is null) return;
        await _webSocketListener.DisposeAsync().ConfigureAwait(false);
        _webSocketHost!.CloseAll();
    }

    /// <summary>The server as connections under upgrade see it.</summary>
    private sealed class WebSocketHost(NatsServer server) : IWebSocketHost
    {
        private readonly ConcurrentDictionary<UpgradeConnection, bool> _upgrading = new();

        public UpgradeRules Rules => Settings.Rules;

        public TimeSpan HandshakeTimeout =>
            server.Options.WebSocket.HandshakeTimeout is { Ticks: > 0 } timeout ? timeout : UpgradeTimeout;

        public Func<string, SslServerAuthenticationOptions>? Tls => Settings.Tls is { } tls ? tls.ForServer : null;

        private WebSocketSettings Settings => server._clients.Settings.WebSocket!;

        public void Accept(Socket socket) => new UpgradeConnection(socket, server.NextLoop(), this).Open();

        public bool IsPinned(X509Certificate2? certificate) => Settings.Tls?.IsPinned(certificate) ?? true;

        public Connection? OnUpgraded(Transport transport, WebSocketSession session)
        {
            if (session.Kind == WebSocketKind.Client)
            {
                return new ClientConnection(transport, server._clients, server.NextConnectionId(), session);
            }
            if (session.Kind != WebSocketKind.LeafNode) return null;
            if (server._leafListener is not null) return server._leafs!.Accept(transport, session);
            ServerLog.NoLeafNodes(server._log);
            return null;
        }

        public void OnRefused(string line) => ServerLog.WebSocketRefused(server._log, line);

        public void OnUpgrading(UpgradeConnection connection, bool isOver)
        {
            if (isOver) _upgrading.TryRemove(connection, out _);
            else _upgrading[connection] = true;
        }

        public void CloseAll()
        {
            foreach (var connection in _upgrading.Keys) connection.Close(CloseReason.ServerShutdown);
        }
    }
}
