namespace NatsAspire.Server.Configuration;

/// <summary>The <c>leafnodes</c> block: a listener for leaf nodes and the hubs this server is a leaf of.</summary>
public sealed record LeafNodeOptions
{
    public string Host { get; init; } = "";

    /// <summary>0: no listener, -1: a free port.</summary>
    public int Port { get; init; }

    public string? Advertise { get; init; }

    public bool NoAdvertise { get; init; }

    public string? Username { get; init; }

    public string? Password { get; init; }

    public string? NKey { get; init; }

    /// <summary>Account of leaf nodes; null: the global one.</summary>
    public string? Account { get; init; }

    public bool ProxyRequired { get; init; }

    /// <summary>Zero: the default.</summary>
    public TimeSpan AuthTimeout { get; init; }

    public IReadOnlyList<LeafUserOptions> Users { get; init; } = [];

    public TlsOptions? Tls { get; init; }

    public IReadOnlyList<RemoteLeafOptions> Remotes { get; init; } = [];

    /// <summary>Zero: 1 s.</summary>
    public TimeSpan ReconnectInterval { get; init; }

    /// <summary>Zero: the default.</summary>
    public TimeSpan DialTimeout { get; init; }

    /// <summary>Oldest server that may connect, at least 2.8.0; null: any.</summary>
    public string? MinimumVersion { get; init; }

    public CompressionOptions Compression { get; init; } = CompressionOptions.Default with { };

    public bool IsolateInterest { get; init; }

    /// <summary>Zero: the server's.</summary>
    public TimeSpan WriteDeadline { get; init; }

    public WriteTimeoutPolicy WriteTimeout { get; init; }
}

/// <summary>One user leaf nodes may connect as.</summary>
public sealed record LeafUserOptions
{
    public string Username { get; init; } = "";

    public string? Password { get; init; }

    /// <summary>Null: the global account.</summary>
    public string? Account { get; init; }

    public bool ProxyRequired { get; init; }
}

/// <summary>A hub this server connects to as a leaf.</summary>
public sealed record RemoteLeafOptions
{
    public IReadOnlyList<Uri> Urls { get; init; } = [];

    public bool NoRandomize { get; init; }

    /// <summary>Local account; null: the global one.</summary>
    public string? LocalAccount { get; init; }

    public string? CredentialsFile { get; init; }

    /// <summary>Seed of the user (SU…).</summary>
    public string? NKeySeed { get; init; }

    public TlsOptions? Tls { get; init; }

    /// <summary>This side acts as the hub.</summary>
    public bool Hub { get; init; }

    public IReadOnlyList<string> DenyImports { get; init; } = [];

    public IReadOnlyList<string> DenyExports { get; init; } = [];

    public bool WebSocketCompression { get; init; }

    public bool WebSocketNoMasking { get; init; }

    public bool JetStreamClusterMigrate { get; init; }

    public TimeSpan JetStreamClusterMigrateDelay { get; init; }

    public bool LocalIsolation { get; init; }

    public bool RequestIsolation { get; init; }

    public CompressionOptions Compression { get; init; } = CompressionOptions.Default with { };

    /// <summary>Zero: 1 s.</summary>
    public TimeSpan FirstInfoTimeout { get; init; }

    /// <summary>Zero: the default.</summary>
    public TimeSpan DialTimeout { get; init; }

    public bool Disabled { get; init; }

    public HttpProxyOptions? Proxy { get; init; }

    public bool IgnoreDiscoveredServers { get; init; }
}

/// <summary>HTTP proxy of a WebSocket leaf connection.</summary>
public sealed record HttpProxyOptions
{
    public string Url { get; init; } = "";

    public string Username { get; init; } = "";

    public string Password { get; init; } = "";

    /// <summary>Zero: the default.</summary>
    public TimeSpan Timeout { get; init; }
}
