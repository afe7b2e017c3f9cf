namespace NatsAspire.Server.Configuration;

/// <summary>The <c>cluster</c> block: this server's place in a full mesh of routes.</summary>
public sealed record ClusterOptions
{
    /// <summary>Cluster name; null: generated, and replaced by a peer's configured name.</summary>
    public string? Name { get; init; }

    public string Host { get; init; } = Defaults.Host;

    /// <summary>Route port: 0 no listener, -1 a free one.</summary>
    public int Port { get; init; }

    /// <summary>True when a cluster block, -cluster or -routes asked for clustering.</summary>
    public bool Enabled => Port != 0 || Routes.Count > 0;

    /// <summary>host:port told to peers; null: the bound address.</summary>
    public string? Advertise { get; init; }

    /// <summary>Do not tell clients the URLs of other servers.</summary>
    public bool NoAdvertise { get; init; }

    /// <summary>Routes to solicit for ever: nats-route://[user:pass@]host:port.</summary>
    public IReadOnlyList<Uri> Routes { get; init; } = [];

    /// <summary>Retries of a route learned from a peer; 0 tries once.</summary>
    public int ConnectRetries { get; init; }

    /// <summary>Doubles the pause between attempts up to 30 s.</summary>
    public bool ConnectBackoff { get; init; }

    /// <summary>Connections per peer; 0 default of 3, -1 no pool (one connection carries every account).</summary>
    public int PoolSize { get; init; } = Defaults.RoutePoolSize;

    /// <summary>Accounts with a route connection of their own.</summary>
    public IReadOnlyList<string> PinnedAccounts { get; init; } = [];

    /// <summary>User that peers must give; null: none asked.</summary>
    public string? Username { get; init; }

    public string? Password { get; init; }

    public TimeSpan AuthTimeout { get; init; } = Defaults.AuthTimeout;

    /// <summary>Subjects this server's interest (import) and messages (export) are limited to.</summary>
    public RoutePermissionOptions? Permissions { get; init; }

    public TimeSpan? PingInterval { get; init; }

    public int? MaxPingsOut { get; init; }

    public TimeSpan? WriteDeadline { get; init; }

    /// <summary>Compression mode as written (<c>accept</c>, <c>off</c>, <c>s2_fast</c> …); null: not named.</summary>
    public string? Compression { get; init; }

    /// <summary>With s2_auto, the round trip times at which the next better level starts; empty: the default ones.</summary>
    public IReadOnlyList<TimeSpan> CompressionRttThresholds { get; init; } = [];

    public WriteTimeoutPolicy WriteTimeout { get; init; }

    public TlsOptions? Tls { get; init; }
}

/// <summary>Import and export lists of a cluster block; an empty allow list allows everything.</summary>
public sealed record RoutePermissionOptions
{
    public SubjectPermissionOptions? Import { get; init; }

    public SubjectPermissionOptions? Export { get; init; }
}
