using NatsAspire.Server.Connections.WebSockets;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;

namespace NatsAspire.Server.Clients;

/// <summary>What is different for clients that came through a WebSocket.</summary>
public sealed partial class ClientConnection
{
    /// <summary>How it came through an HTTP upgrade; null: it did not.</summary>
    public WebSocketSession? WebSocket { get; }

    /// <summary>Name of the way it came, as allowed_connection_types has it.</summary>
    private string ConnectionType => _isInProcess ? ConnectionFacts.InProcess : WebSocket is null ? ConnectionFacts.Standard : ConnectionFacts.WebSocket;

    private Authenticator Authenticator => WebSocket is null ? _hub.Authenticator : _hub.Settings.WebSocket?.Authenticator ?? _hub.Authenticator;

    /// <summary>Address and number, as log lines begin.</summary>
    private string Peer => WebSocket switch
    {
        null => $"{(_isInProcess ? "pipe" : RemoteEndPoint)} - cid:{Id}",
        { ClientIp: null } => $"{RemoteEndPoint} - wid:{Id}",
        { ClientIp: var ip } => $"{(ip.Contains(':') ? $"[{ip}]" : ip)}/{RemoteEndPoint} - wid:{Id}",
    };

    private TimeSpan PingInterval => WebSocket is not null && _hub.Options.WebSocket.PingInterval > TimeSpan.Zero
        ? _hub.Options.WebSocket.PingInterval
        : _hub.Options.Limits.PingInterval;

    private TimeSpan AuthenticationTimeout => WebSocket is not null && _hub.Options.WebSocket.Authorization.Timeout > TimeSpan.Zero
        ? _hub.Options.WebSocket.Authorization.Timeout
        : _hub.Options.Authorization.Timeout;

    protected override void OnReadFault(string fault) => ClientLog.Error(Log, _label, "read error: " + fault);

    /// <summary>INFO of the WebSocket listener: its address, its TLS, the addresses of its like.</summary>
    private ServerInfo ForWebSocket(ServerInfo info, ServerInfo shared)
    {
        var isTls = Tls is not null;
        var address = _hub.WebSocketAddress;
        return info with
        {
            Host = address.Host,
            Port = address.Port,
            TlsAvailable = isTls,
            TlsRequired = isTls,
            ConnectUrls = shared.WebSocketConnectUrls,
        };
    }

    /// <summary>Cookies stand in for what CONNECT leaves out.</summary>
    private static ConnectOptions WithCookies(ConnectOptions connect, WebSocketSession session) => connect with
    {
        Jwt = string.IsNullOrEmpty(connect.Jwt) ? session.JwtCookie : connect.Jwt,
        User = string.IsNullOrEmpty(connect.User) ? session.UsernameCookie : connect.User,
        Password = string.IsNullOrEmpty(connect.Password) ? session.PasswordCookie : connect.Password,
        Token = string.IsNullOrEmpty(connect.Token) ? session.TokenCookie : connect.Token,
    };
}
