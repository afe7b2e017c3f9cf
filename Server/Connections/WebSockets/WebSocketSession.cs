namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>What speaks inside the frames; the request's path tells.</summary>
public enum WebSocketKind
{
    Client,
    LeafNode,
    Mqtt,
}

/// <summary>What a request for an upgrade came to.</summary>
/// <param name="Kind">What speaks inside the frames.</param>
/// <param name="Mode">How frames are made.</param>
public sealed record WebSocketSession(WebSocketKind Kind, WebSocketMode Mode)
{
    /// <summary>Address of the client behind a proxy (X-Forwarded-For); null: it is the peer.</summary>
    public string? ClientIp { get; init; }

    public string? JwtCookie { get; init; }

    public string? UsernameCookie { get; init; }

    public string? PasswordCookie { get; init; }

    public string? TokenCookie { get; init; }
}

/// <summary>What to answer to a request.</summary>
/// <param name="Response">Bytes to send.</param>
/// <param name="Session">What follows; null: the request is refused.</param>
/// <param name="Error">Why it is refused.</param>
public sealed record UpgradeAnswer(byte[] Response, WebSocketSession? Session, string Error);
