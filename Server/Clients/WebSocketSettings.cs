using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections.WebSockets;
using NatsAspire.Server.Security;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Clients;

/// <summary>What the WebSocket listener goes by.</summary>
/// <param name="Rules">Which upgrades are granted.</param>
/// <param name="Authenticator">Who may connect as what.</param>
/// <param name="Tls">Its TLS; null: none.</param>
public sealed record WebSocketSettings(UpgradeRules Rules, Authenticator Authenticator, TlsContext? Tls)
{
    /// <summary>Compiles the <c>websocket</c> block; null: there is no listener.</summary>
    /// <exception cref="ConfigurationValueException">A certificate that cannot be used.</exception>
    public static WebSocketSettings? Create(ServerOptions options) => options.WebSocket.Port == 0
        ? null
        : new WebSocketSettings(new UpgradeRules(options), Authenticator.ForWebSocket(options), TlsContext.Create(options.WebSocket.Tls));
}
