namespace NatsAspire.Server.Configuration;

/// <summary>A stream or service other accounts may import.</summary>
public sealed record ExportOptions
{
    public required string Subject { get; init; }

    public required bool IsService { get; init; }

    /// <summary>Accounts that may import it; null: all.</summary>
    public IReadOnlyList<string>? Accounts { get; init; }

    /// <summary>Token of the subject that must be the importing account, from 1; 0: none.</summary>
    public int AccountTokenPosition { get; init; }

    public ServiceResponse Response { get; init; }

    /// <summary>Time for answers; zero: 2 min.</summary>
    public TimeSpan ResponseThreshold { get; init; }

    public ServiceLatencyOptions? Latency { get; init; }

    public bool AllowTrace { get; init; }
}

/// <summary>How many answers a service gives to a request.</summary>
public enum ServiceResponse
{
    Single,
    Stream,
    Chunked,
}

/// <summary>Measurements of a service.</summary>
/// <param name="Subject">Where they are published.</param>
/// <param name="Sampling">Share of the requests in percent; 0: those whose headers ask for it.</param>
public sealed record ServiceLatencyOptions(string Subject, int Sampling);

/// <summary>A stream or service of another account.</summary>
public sealed record ImportOptions
{
    public required string Account { get; init; }

    public required string Subject { get; init; }

    public required bool IsService { get; init; }

    /// <summary>Subject it has here; empty: the same.</summary>
    public string To { get; init; } = "";

    /// <summary>What a stream's subjects get in front.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The service may learn who asks.</summary>
    public bool Share { get; init; }

    public bool AllowTrace { get; init; }
}

/// <summary>A service that decides about connections.</summary>
public sealed record AuthCalloutOptions
{
    /// <summary>Public key of the account that signs its answers.</summary>
    public required string Issuer { get; init; }

    /// <summary>Account the service lives in.</summary>
    public string Account { get; init; } = "$G";

    /// <summary>Users that are not asked about.</summary>
    public IReadOnlyList<string> AuthUsers { get; init; } = [];

    /// <summary>Public curve key requests are encrypted to; null: none.</summary>
    public string? XKey { get; init; }

    /// <summary>Accounts it may put users into; empty: all.</summary>
    public IReadOnlyList<string> AllowedAccounts { get; init; } = [];
}
