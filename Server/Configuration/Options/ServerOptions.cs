namespace NatsAspire.Server.Configuration;

/// <summary>
/// Everything a server is told at its start: the outcome of nats.conf, flags and defaults.
/// Immutable; a reload builds another one and compares.
/// </summary>
public sealed record ServerOptions
{
    /// <summary>Name shown to clients and peers; null: the server id.</summary>
    public string? ServerName { get; init; }

    /// <summary>Address the client listener binds to.</summary>
    public string Host { get; init; } = Defaults.Host;

    /// <summary>Client port: 1..65535, -1 for a free one. 0 takes the default, 4222.</summary>
    public int Port { get; init; } = Defaults.ClientPort;

    /// <summary>True when the server has no client listener at all; clients of this process may connect without one.</summary>
    public bool DontListen { get; init; }

    /// <summary>host:port told to other servers and clients in place of the bound address; null: the bound one.</summary>
    public string? ClientAdvertise { get; init; }

    public ClusterOptions Cluster { get; init; } = new();

    public AuthorizationOptions Authorization { get; init; } = new();

    public IReadOnlyList<AccountOptions> Accounts { get; init; } = [];

    /// <summary>Name of the system account; null: <c>$SYS</c>.</summary>
    public string? SystemAccount { get; init; }

    /// <summary>Do not create <c>$SYS</c> when none is configured (upstream's NoSystemAccount).</summary>
    public bool NoSystemAccount { get; init; }

    /// <summary>Mappings of the global account (<c>mappings</c> at the top level).</summary>
    public IReadOnlyList<SubjectMappingOptions> Mappings { get; init; } = [];

    public LimitOptions Limits { get; init; } = new();

    public LoggingOptions Logging { get; init; } = new();

    public MonitoringOptions Monitoring { get; init; } = new();

    /// <summary>How long clients are given between lame duck's end of grace and the last close. At least 30 s.</summary>
    public TimeSpan LameDuckDuration { get; init; } = Defaults.LameDuckDuration;

    /// <summary>Pause before lame duck closes the first client. Less than the duration.</summary>
    public TimeSpan LameDuckGracePeriod { get; init; } = Defaults.LameDuckGracePeriod;

    public string? PidFile { get; init; }

    public string? PortsFileDirectory { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>Path of the configuration file the options came from; null: none.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>sha256:… of the parsed configuration, as <c>-t</c> prints it; null without a file.</summary>
    public string? ConfigDigest { get; init; }

    /// <summary>TLS of the client listener; null: none.</summary>
    public TlsOptions? Tls { get; init; }

    /// <summary>With <see cref="Tls"/>: also take clients without.</summary>
    public bool AllowNonTls { get; init; }

    public OcspOptions? Ocsp { get; init; }

    public OcspCacheOptions? OcspCache { get; init; }

    /// <summary>Clients start with a PROXY protocol header.</summary>
    public bool ProxyProtocol { get; init; }

    /// <summary>Public keys of proxies that vouch for clients; null: no <c>proxies</c> block.</summary>
    public IReadOnlyList<string>? TrustedProxies { get; init; }

    public WriteTimeoutPolicy WriteTimeout { get; init; }

    public IReadOnlyDictionary<string, bool> FeatureFlags { get; init; } = new Dictionary<string, bool>();

    /// <summary>Folder of streams; null: a temporary one.</summary>
    public string? StoreDirectory { get; init; }

    public JetStreamOptions JetStream { get; init; } = new();

    /// <summary>Domain that accounts without JetStream use, by account.</summary>
    public IReadOnlyDictionary<string, string> DefaultJetStreamDomains { get; init; } = new Dictionary<string, string>();

    public GatewayOptions Gateway { get; init; } = new();

    public LeafNodeOptions LeafNode { get; init; } = new();

    public WebSocketOptions WebSocket { get; init; } = new();

    public MqttOptions Mqtt { get; init; } = new();

    public OperatorOptions Operator { get; init; } = new();
}
