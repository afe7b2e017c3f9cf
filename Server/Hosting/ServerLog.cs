using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Hosting;

/// <summary>Log lines of the server's life; tools parse them, so the texts are upstream's to the letter.</summary>
internal static partial class ServerLog
{
    [LoggerMessage(1, LogLevel.Information, "Starting nats-server")]
    public static partial void Starting(ILogger log);

    [LoggerMessage(2, LogLevel.Information, "  {Name}{Value}")]
    public static partial void Banner(ILogger log, string name, string value);

    [LoggerMessage(3, LogLevel.Information, "Using configuration file: {File} ({Digest})")]
    public static partial void ConfigurationFile(ILogger log, string file, string digest);

    [LoggerMessage(4, LogLevel.Information, "Listening for client connections on {Address}")]
    public static partial void ListeningForClients(ILogger log, string address);

    [LoggerMessage(5, LogLevel.Information, "Server is ready")]
    public static partial void Ready(ILogger log);

    [LoggerMessage(6, LogLevel.Information, "Cluster name is {Name}")]
    public static partial void ClusterName(ILogger log, string name);

    [LoggerMessage(7, LogLevel.Warning, "Cluster name was dynamically generated, consider setting one")]
    public static partial void ClusterNameGenerated(ILogger log);

    [LoggerMessage(8, LogLevel.Information, "Listening for route connections on {Address}")]
    public static partial void ListeningForRoutes(ILogger log, string address);

    [LoggerMessage(9, LogLevel.Information, "Starting {Scheme} monitor on {Address}")]
    public static partial void MonitorStarted(ILogger log, string scheme, string address);

    [LoggerMessage(10, LogLevel.Information, "Initiating Shutdown...")]
    public static partial void ShutdownInitiated(ILogger log);

    [LoggerMessage(11, LogLevel.Information, "Server Exiting..")]
    public static partial void Exiting(ILogger log);

    [LoggerMessage(12, LogLevel.Information, "Entering lame duck mode, stop accepting new clients")]
    public static partial void LameDuckEntered(ILogger log);

    [LoggerMessage(13, LogLevel.Information, "Waiting {Grace} before closing clients")]
    public static partial void LameDuckGrace(ILogger log, string grace);

    [LoggerMessage(14, LogLevel.Information, "Closing existing clients")]
    public static partial void LameDuckClosing(ILogger log);

    [LoggerMessage(15, LogLevel.Warning, "Plaintext passwords detected, use nkeys or bcrypt")]
    public static partial void PlaintextPasswords(ILogger log);

    [LoggerMessage(16, LogLevel.Error, "Fault in a connection's handler; that connection is closed")]
    public static partial void ConnectionFault(ILogger log, Exception fault);

    [LoggerMessage(30, LogLevel.Information, "Listening for websocket clients on {Url}")]
    public static partial void ListeningForWebSockets(ILogger log, string url);

    [LoggerMessage(31, LogLevel.Warning, "Websocket not configured with TLS. DO NOT USE IN PRODUCTION!")]
    public static partial void WebSocketWithoutTls(ILogger log);

    [LoggerMessage(32, LogLevel.Error, "{Line}")]
    public static partial void WebSocketRefused(ILogger log, string line);

    [LoggerMessage(33, LogLevel.Error, "Not configured to accept leaf node connections")]
    public static partial void NoLeafNodes(ILogger log);

    [LoggerMessage(34, LogLevel.Information, "TLS {How} for client connections")]
    public static partial void ClientTls(ILogger log, string how);

    [LoggerMessage(35, LogLevel.Warning, "Clients that are not using \"TLS Handshake First\" option will fail to connect")]
    public static partial void HandshakeFirstOnly(ILogger log);

    [LoggerMessage(36, LogLevel.Information, "PROXY protocol enabled for client connections")]
    public static partial void ProxyProtocol(ILogger log);

    [LoggerMessage(38, LogLevel.Information, "Listening for leafnode connections on {Address}")]
    public static partial void ListeningForLeafNodes(ILogger log, string address);

    [LoggerMessage(39, LogLevel.Warning, "TLS certificate chain and hostname of solicited leafnodes will not be verified. DO NOT USE IN PRODUCTION!")]
    public static partial void LeafNodesAreNotVerified(ILogger log);

    [LoggerMessage(37, LogLevel.Warning, "TLS certificate chain and hostname of solicited routes will not be verified. DO NOT USE IN PRODUCTION!")]
    public static partial void RoutesAreNotVerified(ILogger log);

    [LoggerMessage(38, LogLevel.Information, "Gateway name is {Name}")]
    public static partial void GatewayName(ILogger log, string name);

    [LoggerMessage(39, LogLevel.Information, "Listening for gateways connections on {Address}")]
    public static partial void ListeningForGateways(ILogger log, string address);

    [LoggerMessage(40, LogLevel.Information, "{What} for gateway {Name} is {Address}")]
    public static partial void GatewayAddress(ILogger log, string name, string what, string address);

    [LoggerMessage(41, LogLevel.Warning, "TLS certificate chain and hostname of solicited gateways will not be verified. DO NOT USE IN PRODUCTION!")]
    public static partial void GatewaysAreNotVerified(ILogger log);

    [LoggerMessage(42, LogLevel.Error, "Received information about gateway {Name} from {Server}, but gateway is not configured")]
    public static partial void GatewayNotConfigured(ILogger log, string name, string server);

    [LoggerMessage(18, LogLevel.Information, "Reloaded: {Change}")]
    public static partial void ReloadedOption(ILogger log, string change);

    [LoggerMessage(19, LogLevel.Information, "Reloaded server configuration {Digest}")]
    public static partial void Reloaded(ILogger log, string digest);

    [LoggerMessage(17, LogLevel.Error, "Accept failed on {Address}: {Error}")]
    public static partial void AcceptFailed(ILogger log, string address, string error);
}
