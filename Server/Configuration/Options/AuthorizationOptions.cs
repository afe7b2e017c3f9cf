namespace NatsAspire.Server.Configuration;

/// <summary>The <c>authorization</c> block and what accounts say of their users.</summary>
public sealed record AuthorizationOptions
{
    public string? Username { get; init; }

    public string? Password { get; init; }

    public string? Token { get; init; }

    /// <summary>Users and nkeys of the authorization block, which belong to the global account.</summary>
    public IReadOnlyList<UserOptions> Users { get; init; } = [];

    /// <summary>Permissions of users that have none of their own.</summary>
    public PermissionOptions? DefaultPermissions { get; init; }

    public TimeSpan Timeout { get; init; } = Defaults.AuthTimeout;

    /// <summary>User that a connection without credentials becomes; null: none.</summary>
    public string? NoAuthUser { get; init; }

    /// <summary>Connections may only come through a trusted proxy.</summary>
    public bool ProxyRequired { get; init; }

    /// <summary>Service that decides about connections; null: none.</summary>
    public AuthCalloutOptions? Callout { get; init; }
}

/// <summary>One user: either <see cref="Username"/> with <see cref="Password"/>, or <see cref="NKey"/>.</summary>
public sealed record UserOptions
{
    public string? Username { get; init; }

    /// <summary>Plain text or a bcrypt hash ($2a$, $2b$, $2x$, $2y$).</summary>
    public string? Password { get; init; }

    /// <summary>Public user nkey (U…).</summary>
    public string? NKey { get; init; }

    public PermissionOptions? Permissions { get; init; }

    /// <summary>STANDARD, WEBSOCKET, MQTT …; empty: all.</summary>
    public IReadOnlyList<string> AllowedConnectionTypes { get; init; } = [];

    /// <summary>The user may only come through a trusted proxy.</summary>
    public bool ProxyRequired { get; init; }
}

/// <summary>What a user may publish and subscribe to.</summary>
public sealed record PermissionOptions
{
    public SubjectPermissionOptions? Publish { get; init; }

    /// <summary>Entries may carry a queue after a space: <c>"subject queue"</c>.</summary>
    public SubjectPermissionOptions? Subscribe { get; init; }

    public ResponsePermissionOptions? Responses { get; init; }
}

/// <summary>Allow and deny lists; null allow allows everything, deny wins over allow.</summary>
public sealed record SubjectPermissionOptions
{
    public IReadOnlyList<string>? Allow { get; init; }

    public IReadOnlyList<string>? Deny { get; init; }
}

/// <summary>How often and how long a client may answer a request it received.</summary>
public sealed record ResponsePermissionOptions
{
    /// <summary>Messages per reply subject; -1 unlimited.</summary>
    public int MaxMessages { get; init; } = 1;

    /// <summary>Life of the permission; zero or less: for ever.</summary>
    public TimeSpan Expires { get; init; } = TimeSpan.FromMinutes(2);
}
