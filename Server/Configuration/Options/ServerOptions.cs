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

    /// <summary>True when the server has no client listener at all.</summary>
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

    /// <summary>What the configuration asks for and this build does not do, each with its place; it does not start with any.</summary>
    public IReadOnlyList<string> UnservedFeatures { get; init; } = [];

    /// <summary>Path of the configuration file the options came from; null: none.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>sha256:… of the parsed configuration, as <c>-t</c> prints it; null without a file.</summary>
    public string? ConfigDigest { get; init; }
}
