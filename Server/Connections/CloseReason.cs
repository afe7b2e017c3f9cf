namespace NatsAspire.Server.Connections;

/// <summary>Why a connection was closed; numbers and texts are those of upstream's ClosedState, as /connz shows them.</summary>
public enum CloseReason
{
    None = 0,
    ClientClosed = 1,
    AuthenticationTimeout,
    AuthenticationViolation,
    TlsHandshakeError,
    SlowConsumerPendingBytes,
    SlowConsumerWriteDeadline,
    WriteError,
    ReadError,
    ParseError,
    StaleConnection,
    ProtocolViolation,
    BadClientProtocolVersion,
    WrongPort,
    MaxAccountConnectionsExceeded,
    MaxConnectionsExceeded,
    MaxPayloadExceeded,
    MaxControlLineExceeded,
    MaxSubscriptionsExceeded,
    DuplicateRoute,
    RouteRemoved,
    ServerShutdown,
    AuthenticationExpired,
    WrongGateway,
    MissingAccount,
    Revocation,
    InternalError,
    MsgHeaderViolation,
    NoRespondersRequiresHeaders,
    ClusterNameConflict,
    DuplicateRemoteLeafnodeConnection,
    DuplicateClientId,
    DuplicateServerName,
    MinimumVersionRequired,
    ClusterNamesIdentical,
    Kicked,
    ProxyNotTrusted,
    ProxyRequired,
}

/// <summary>Texts of <see cref="CloseReason"/>.</summary>
public static class CloseReasons
{
    private static readonly string[] Texts =
    [
        "", "Client Closed", "Authentication Timeout", "Authentication Failure", "TLS Handshake Failure",
        "Slow Consumer (Pending Bytes)", "Slow Consumer (Write Deadline)", "Write Error", "Read Error",
        "Parse Error", "Stale Connection", "Protocol Violation", "Bad Client Protocol Version",
        "Incorrect Port", "Maximum Account Connections Exceeded", "Maximum Connections Exceeded",
        "Maximum Message Payload Exceeded", "Maximum Control Line Exceeded", "Maximum Subscriptions Exceeded",
        "Duplicate Route", "Route Removed", "Server Shutdown", "Authentication Expired", "Wrong Gateway",
        "Missing Account", "Credentials Revoked", "Internal Client", "Message Header Violation",
        "No Responders Requires Headers", "Cluster Name Conflict", "Duplicate Remote LeafNode Connection",
        "Duplicate Client ID", "Duplicate Server Name", "Minimum Version Required", "Cluster Names Identical",
        "Kicked", "Proxy Not Trusted", "Proxy Required",
    ];

    public static string Text(this CloseReason reason) => Texts[(int)reason];
}
