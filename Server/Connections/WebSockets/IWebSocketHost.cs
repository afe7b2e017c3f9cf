using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>Who listens for WebSocket connections: what upgrades go by, and where they lead.</summary>
public interface IWebSocketHost
{
    /// <summary>What requests are judged by now.</summary>
    UpgradeRules Rules { get; }

    /// <summary>Time from accepting a connection to the end of its upgrade.</summary>
    TimeSpan HandshakeTimeout { get; }

    /// <summary>Gives certificates for the server name a peer asks for; null: no TLS.</summary>
    Func<string, SslServerAuthenticationOptions>? Tls { get; }

    /// <summary>Whether a peer's certificate is among those that may connect.</summary>
    bool IsPinned(X509Certificate2? certificate);

    /// <summary>An upgrade is over.</summary>
    /// <returns>What goes on; null: nothing does, the connection is closed.</returns>
    Connection? OnUpgraded(Transport transport, WebSocketSession session);

    /// <summary>A handshake came to nothing; <paramref name="line"/> is for the log.</summary>
    void OnRefused(string line);

    /// <summary>The upgrade began or is over, however.</summary>
    void OnUpgrading(UpgradeConnection connection, bool isOver);
}
