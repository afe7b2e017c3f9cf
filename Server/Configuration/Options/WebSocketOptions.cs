namespace NatsAspire.Server.Configuration;

/// <summary>The <c>websocket</c> block.</summary>
public sealed record WebSocketOptions
{
    public string Host { get; init; } = "";

    /// <summary>0: no listener, -1: a free port.</summary>
    public int Port { get; init; }

    public string? Advertise { get; init; }

    public bool NoTls { get; init; }

    public TlsOptions? Tls { get; init; }

    public bool SameOrigin { get; init; }

    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    /// <summary>Zero: the default.</summary>
    public TimeSpan HandshakeTimeout { get; init; }

    public bool Compression { get; init; }

    public SimpleAuthorizationOptions Authorization { get; init; } = new();

    public string? NoAuthUser { get; init; }

    public string? JwtCookie { get; init; }

    public string? UsernameCookie { get; init; }

    public string? PasswordCookie { get; init; }

    public string? TokenCookie { get; init; }

    /// <summary>Headers of the answer to the upgrade.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Zero: that of other clients.</summary>
    public TimeSpan PingInterval { get; init; }
}
