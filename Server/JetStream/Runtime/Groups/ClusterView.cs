using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Streams.Catchup;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>What assets know of the cluster they are in. From any thread.</summary>
/// <param name="ServerName">This server's.</param>
/// <param name="ClusterName">The cluster's.</param>
/// <param name="NameOf">The name of a peer; its id, when it is unknown.</param>
/// <param name="IsOnline">Whether a peer is there.</param>
internal sealed record ClusterView(string ServerName, Func<string> ClusterName, Func<PeerId, string> NameOf, Func<PeerId, bool> IsOnline)
{
    /// <summary>Catch-ups of this server that may ask at the same time.</summary>
    public CatchupSlots Slots { get; } = new();

    /// <summary>Bytes that this server has under way to replicas that are behind.</summary>
    public CatchupWindow Window { get; init; } = new();

    /// <summary>An asset that no group has.</summary>
    public ClusterInfo Alone() => new() { Name = ClusterName(), Leader = ServerName };

    /// <summary>The members of a group, as its leader or another member sees them. In its mailbox.</summary>
    public ClusterInfo Describe(GroupHost group)
    {
        var (core, now) = (group.Core, group.Now);
        var leader = core.Leads ? core.Self : core.Leader;
        return new ClusterInfo
        {
            Name = ClusterName(),
            RaftGroup = group.Name,
            Leader = leader.IsNone ? null : NameOf(leader),
            SystemAccount = true,
            TrafficAccount = group.Traffic,
            Replicas =
            [
                .. core.GetPeers(now).Where(peer => peer.Id != leader).Select(peer => new PeerInfo
                {
                    Name = NameOf(peer.Id),
                    Current = peer.IsCurrent,
                    Offline = peer.Id != core.Self && !IsOnline(peer.Id),
                    Active = peer.Heard is { } heard ? Math.Max(0, now - heard) * 1_000_000 : 0,
                    Lag = peer.Lag,
                    Peer = peer.Id.ToString(),
                }),
            ],
        };
    }
}
