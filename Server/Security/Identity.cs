using System.Security.Cryptography.X509Certificates;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;

namespace NatsAspire.Server.Security;

/// <summary>What a connection shows beside its CONNECT.</summary>
/// <param name="Nonce">What it was asked to sign; empty: nothing.</param>
/// <param name="Certificate">Its TLS certificate, verified if the listener verifies; null: none.</param>
/// <param name="ConnectionType">STANDARD, WEBSOCKET, MQTT … as allowed_connection_types names them.</param>
public sealed record ConnectionFacts(string Nonce, X509Certificate2? Certificate = null, string ConnectionType = ConnectionFacts.Standard)
{
    /// <summary>A client over TCP or TLS.</summary>
    public const string Standard = "STANDARD";

    /// <summary>A client of the server's own process.</summary>
    public const string InProcess = "IN_PROCESS";

    /// <summary>A client over WebSocket.</summary>
    public const string WebSocket = "WEBSOCKET";

    /// <summary>A leaf node.</summary>
    public const string LeafNode = "LEAFNODE";

    /// <summary>A leaf node over WebSocket.</summary>
    public const string LeafNodeWebSocket = "LEAFNODE_WS";

    /// <summary>The listener takes users from certificates.</summary>
    public bool MapsCertificate { get; init; }
}

/// <summary>Outcome of an authentication.</summary>
/// <param name="Admitted">False: Authorization Violation.</param>
/// <param name="Account">Account the connection belongs to; null: the global one.</param>
/// <param name="User">The user it is; null: nobody in particular.</param>
/// <param name="Permissions">What it may do; null: everything.</param>
public sealed record Identity(bool Admitted, string? Account = null, UserOptions? User = null, Permissions? Permissions = null)
{
    public static readonly Identity Refused = new(false);

    public static readonly Identity Anonymous = new(true);

    public static readonly Identity ProxyNotTrusted = new(false) { Refusal = CloseReason.ProxyNotTrusted };

    public static readonly Identity ProxyRequired = new(false) { Refusal = CloseReason.ProxyRequired };

    /// <summary>Why it was refused.</summary>
    public CloseReason Refusal { get; init; } = CloseReason.AuthenticationViolation;

    /// <summary>Key of the trusted proxy that vouches for the connection; null: none.</summary>
    public string? ProxyKey { get; init; }

    /// <summary>The name it gave, which counts for nothing beside its certificate; null: none.</summary>
    public string? OverruledName { get; init; }

    /// <summary>Name or key the monitoring pages show; null: nobody in particular.</summary>
    public string? UserName => User?.Username ?? User?.NKey;
}
