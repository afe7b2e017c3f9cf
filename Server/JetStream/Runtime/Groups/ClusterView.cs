using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Streams.Catchup;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>What assets know of the cluster they are in. From any thread.</summary>
/// <param name="ServerName">This server's.</param>
/// <param name="ClusterName">The cluster's.</param>
/// <param name="NameOf">The name of a peer; its id, when it is unknown.</param>
/// <param name="IsOnline">Whether a peer is there.</param>
internal sealed record ClusterView(string ServerName, Func<string> ClusterName, Func<PeerId, string> NameOf, Func<PeerId, bool> IsOnline)
{
    /// <summary>Whether a peer leaves its groups as soon as it is assigned no more.</summary>
    public Func<PeerId, bool> LeavesAtOnce { get; init; } = static _ => false;

    /// <summary>Catch-ups of this server that may ask at the same time.</summary>
    public CatchupSlots Slots { get; } = new();

    /// <summary>Bytes that this server has under way to replicas that are behind.</summary>
    public CatchupWindow Window { get; init; } = new();

    /// <summary>An asset that no group has.</summary>
    public ClusterInfo Alone() => new() { Name = ClusterName(), Leader = ServerName };

    /// <summary>The members of a group, as one of them sees them. In its mailbox.</summary>
    public ClusterInfo Describe(GroupHost group) => Describe(GroupStatus.Of(group), group.Traffic);

    /// <summary>All members of a group, as one of them sees them, itself among them: what advisories tell. In its mailbox.</summary>
    public ValueList<PeerInfo> MembersOf(GroupHost group) => MembersOf(GroupStatus.Of(group), static _ => true);

    /// <summary>The members of a group, as one of them saw them, without itself as long as somebody leads. From any thread.</summary>
    public ClusterInfo Describe(GroupStatus status, string traffic) => new()
    {
        Name = ClusterName(),
        RaftGroup = status.Group,
        Leader = status.Leader.IsNone ? null : NameOf(status.Leader),
        LeaderSince = status.LeaderSince is { } since ? ApiTime.From(since) : null,
        SystemAccount = true,
        TrafficAccount = traffic,
        Replicas = MembersOf(status, peer => peer != status.Self || status.Leader.IsNone),
    };

    private ValueList<PeerInfo> MembersOf(GroupStatus status, Func<PeerId, bool> isTold) =>
    [
        .. status.Peers.Where(peer => isTold(peer.Id)).Select(peer => new PeerInfo
        {
            Name = NameOf(peer.Id),
            Current = peer.IsCurrent,
            Offline = peer.Id != status.Self && !IsOnline(peer.Id),
            Active = peer.Heard is { } heard ? Math.Max(0, status.At - heard) * 1_000_000 : 0,
            Lag = peer.Lag,
            Peer = peer.Id.ToString(),
        }).OrderBy(peer => peer.Name, StringComparer.Ordinal),
    ];
}
