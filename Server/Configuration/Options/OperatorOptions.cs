namespace NatsAspire.Server.Configuration;

/// <summary>Operator mode: accounts come as JWTs from a resolver.</summary>
public sealed record OperatorOptions
{
    /// <summary>JWTs of trusted operators.</summary>
    public IReadOnlyList<OperatorClaims> Operators { get; init; } = [];

    /// <summary>Public keys of operators trusted without a JWT.</summary>
    public IReadOnlyList<string> TrustedKeys { get; init; } = [];

    public ResolverOptions? Resolver { get; init; }

    public TlsOptions? ResolverTls { get; init; }

    /// <summary>Account JWTs by public key.</summary>
    public IReadOnlyDictionary<string, string> Preload { get; init; } = new Dictionary<string, string>();

    /// <summary>Accounts that may connect; empty: all.</summary>
    public IReadOnlySet<string> PinnedAccounts { get; init; } = new HashSet<string>();

    /// <summary>User JWT of connections that give none; null: none.</summary>
    public string? DefaultSentinel { get; init; }
}

/// <summary>What an operator JWT says.</summary>
public sealed record OperatorClaims
{
    public required string Jwt { get; init; }

    /// <summary>Public key of the operator.</summary>
    public required string Subject { get; init; }

    public string Name { get; init; } = "";

    public IReadOnlyList<string> SigningKeys { get; init; } = [];

    public string SystemAccount { get; init; } = "";

    public string AccountServerUrl { get; init; } = "";

    /// <summary>Oldest server it wants; empty: any.</summary>
    public string AssertServerVersion { get; init; } = "";

    public bool StrictSigningKeyUsage { get; init; }
}

/// <summary>Where account JWTs are kept.</summary>
public enum ResolverKind
{
    Memory,
    Url,
    Full,
    Cache,
}

/// <summary>Where account JWTs come from.</summary>
public sealed record ResolverOptions
{
    public required ResolverKind Kind { get; init; }

    /// <summary>With <see cref="ResolverKind.Url"/>.</summary>
    public string? Url { get; init; }

    /// <summary>Folder of <see cref="ResolverKind.Full"/> and <see cref="ResolverKind.Cache"/>.</summary>
    public string? Directory { get; init; }

    /// <summary>JWTs to keep; 0: the default.</summary>
    public long Limit { get; init; }

    public TimeSpan TimeToLive { get; init; }

    /// <summary>Time between exchanges with other servers; zero: the default.</summary>
    public TimeSpan SyncInterval { get; init; }

    /// <summary>Time for a look-up; zero: the default.</summary>
    public TimeSpan FetchTimeout { get; init; }

    public bool AllowDelete { get; init; }

    public bool HardDelete { get; init; }
}
