using NatsAspire.Server.JetStream.Meta.Peers;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>What the meta group knows of its server's configuration.</summary>
/// <param name="ServerId">This server's id.</param>
/// <param name="ExpectedServers">Servers that form the cluster at its first start, as far as the configuration tells; at least 2.</param>
internal sealed record ClusterSettings(string ServerId, int ExpectedServers)
{
    /// <summary>The cluster's name. From any thread.</summary>
    public Func<string> ClusterName { get; init; } = static () => "";

    /// <summary>The system account is shared with a hub, whose JetStream this server may belong to.</summary>
    public bool SharesSystem { get; init; }

    /// <summary>Whether it waits for that hub before it takes part in decisions of its own.</summary>
    public bool AwaitsHub { get; init; }

    /// <summary>Entries and bytes of the meta log above which a snapshot takes their place; 0: as many as there are. From any thread.</summary>
    public Func<(long Entries, long Bytes)> LongestLog { get; init; } = static () => (0, 0);

    public PlacementRules Placement { get; init; } = new();

    public MetaParts Parts { get; init; } = new();
}
