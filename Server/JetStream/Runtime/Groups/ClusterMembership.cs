using NatsAspire.Server.Accounts;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>This server's place in a cluster, before anything of JetStream runs.</summary>
/// <param name="Self">The server.</param>
/// <param name="Traffic">The account that carries what servers say to each other: the system account.</param>
/// <param name="View">What assets know of the cluster.</param>
internal sealed record ClusterMembership(PeerId Self, Account Traffic, ClusterView View)
{
    /// <summary>Elections, heartbeats and the like.</summary>
    public RaftTimings Timings { get; init; } = new();

    /// <summary>What assets are made of.</summary>
    public AssetParts Parts { get; init; } = new();
}
