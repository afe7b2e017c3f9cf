namespace NatsAspire.Server.Configuration;

/// <summary>One entry of the <c>accounts</c> block.</summary>
public sealed record AccountOptions
{
    public required string Name { get; init; }

    public IReadOnlyList<UserOptions> Users { get; init; } = [];

    public PermissionOptions? DefaultPermissions { get; init; }

    public IReadOnlyList<SubjectMappingOptions> Mappings { get; init; } = [];

    /// <summary>Connections of the account: -1 unlimited.</summary>
    public int MaxConnections { get; init; } = -1;

    /// <summary>Subscriptions of one connection of the account: -1 unlimited.</summary>
    public int MaxSubscriptions { get; init; } = -1;

    /// <summary>Bytes of one message: -1 the server's limit.</summary>
    public int MaxPayload { get; init; } = -1;

    /// <summary>Leaf node connections of the account: -1 unlimited.</summary>
    public int MaxLeafNodes { get; init; } = -1;

    /// <summary>Public account nkey (A…); null: none.</summary>
    public string? NKey { get; init; }

    public IReadOnlyList<ExportOptions> Exports { get; init; } = [];

    public IReadOnlyList<ImportOptions> Imports { get; init; } = [];

    /// <summary>JetStream of the account; null: none.</summary>
    public AccountJetStreamOptions? JetStream { get; init; }

    /// <summary>Where traces of messages with a trace header go; null: nowhere.</summary>
    public string? TraceDestination { get; init; }

    /// <summary>Share of messages traced in percent, 0..100.</summary>
    public int TraceSampling { get; init; }
}

/// <summary>A subject mapping: where messages for <see cref="Source"/> go instead (ADR-30).</summary>
public sealed record SubjectMappingOptions
{
    public required string Source { get; init; }

    public required IReadOnlyList<MappingDestinationOptions> Destinations { get; init; }
}

/// <summary>One weighted destination of a mapping.</summary>
/// <param name="Subject">Destination, with transform functions.</param>
/// <param name="Weight">Share in percent, 0..100.</param>
/// <param name="Cluster">Only in this cluster; empty: everywhere.</param>
public sealed record MappingDestinationOptions(string Subject, int Weight, string Cluster = "");
