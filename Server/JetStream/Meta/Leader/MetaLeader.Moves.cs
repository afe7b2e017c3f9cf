using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Peers;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Meta.Leader;

/// <summary>
/// Streams that go to other servers. A move gives a stream the new peers besides the old ones, which stand first; when the
/// new ones have everything, the stream's leader proposes that the old ones go.
/// </summary>
public sealed partial class MetaLeader
{
    /// <summary><c>ACCOUNT.STREAM.MOVE</c>: another server for one of a stream's, or another cluster when its own has none.</summary>
    /// <param name="request">The request, about the stream's account.</param>
    /// <param name="name">Of the stream.</param>
    /// <param name="body">The request.</param>
    public void MoveStream(MetaRequest request, string name, StreamMoveRequest body)
    {
        if (_proposals.Find(Current, KeyOf(request, name)) is not { } stream)
        {
            _effects.Refuse(request, JetStreamErrors.JSStreamNotFoundErr);
            return;
        }
        var peers = stream.Group.Peers;
        if (body.Server is { } server)
        {
            if (PeerOf(server, body.Cluster, body.Domain) is not { } leaving)
            {
                _effects.Refuse(request, JetStreamErrors.JSClusterServerNotMemberErr);
                return;
            }
            if (!stream.Group.IsMember(leaving))
            {
                _effects.Refuse(request, JetStreamErrors.JSClusterPeerNotMemberErr);
                return;
            }
            // Peers go from the first on.
            peers = [leaving, .. peers.Where(peer => peer != leaving)];
        }
        if (FindTarget(stream, peers, body.Tags, out var target) is { } refusal) _effects.Refuse(request, refusal.ToError());
        else Decide(new StreamChange(OfAccount(request), stream.Configuration, false) { Peers = target });
    }

    /// <summary><c>ACCOUNT.STREAM.CANCEL_MOVE</c>: back to the servers a stream came from.</summary>
    /// <param name="request">The request, about the stream's account.</param>
    /// <param name="name">Of the stream.</param>
    public void CancelMove(MetaRequest request, string name)
    {
        if (_proposals.Find(Current, KeyOf(request, name)) is not { } stream)
        {
            _effects.Refuse(request, JetStreamErrors.JSStreamNotFoundErr);
            return;
        }
        var replicas = (int)Math.Max(1, stream.Configuration.Replicas);
        if (stream.Group.Peers.Count <= replicas)
        {
            _effects.Refuse(request, JetStreamErrors.JSStreamMoveNotInProgress);
            return;
        }
        ValueList<string> peers = [.. stream.Group.Peers.AsSpan()[..replicas]];
        var configuration = stream.Configuration;
        // A move by new tags: the old servers do not have them. A placement that they do not keep must not stay.
        foreach (var peer in peers)
        {
            var tags = configuration.Placement?.Tags ?? [];
            if (tags.IsEmpty) break;
            if (_registry.Find(peer) is not { } known)
            {
                _effects.Refuse(request, JetStreamErrors.JSStreamGeneralErrorF.With($"peer {peer} not present for tag validation"));
                return;
            }
            if (!tags.All(known.HasTag)) configuration = configuration with { Placement = null };
        }
        Decide(new StreamChange(OfAccount(request), configuration, false) { Peers = peers });
    }

    /// <summary>One peer more in the same cluster, or as many as the stream has replicas in another.</summary>
    private PeerRefusal? FindTarget(StreamAssignment stream, ValueList<string> peers, ValueList<string> tags, out ValueList<string> target)
    {
        var configuration = stream.Configuration;
        if (!tags.IsEmpty)
        {
            var placement = configuration.Placement ?? new Placement();
            configuration = configuration with { Placement = placement with { Tags = [.. placement.Tags, .. tags] } };
        }
        var replicas = (int)Math.Max(1, configuration.Replicas);
        var cluster = stream.Group.Cluster ?? "";
        var wanted = new PeerRequest { Replicas = replicas + 1, Cluster = cluster, Stream = configuration, Existing = peers, Leaving = 1 };
        var refusal = _selector.Select(wanted, _effects.MetaPeers, Current, out target);
        if (refusal is null && target.Count > replicas) return null;
        refusal ??= new PeerRefusal();
        foreach (var other in _registry.Peers.Values.Select(static peer => peer.Cluster).Where(other => other != cluster).Distinct().Order(StringComparer.Ordinal))
        {
            wanted = new PeerRequest { Replicas = replicas, Cluster = other, Stream = configuration };
            var reason = _selector.Select(wanted, _effects.MetaPeers, Current, out var found);
            if (reason is null)
            {
                target = [.. peers, .. found];
                return null;
            }
            refusal.Add(reason);
        }
        return refusal;
    }

    /// <summary>The stream and its consumers on their way.</summary>
    /// <returns>The new group; null: it was refused.</returns>
    private RaftGroupAssignment? Move(StreamChange change, StreamAssignment before, StreamConfiguration after, RaftGroupAssignment group, List<ConsumerAssignment> consumers)
    {
        var peers = change.Peers;
        if (peers.IsEmpty)
        {
            if (NewGroup(change.Request.Client, after, out var target) is { } refusal)
            {
                _effects.Refuse(change.Request, refusal.ToError());
                return null;
            }
            peers = [.. group.Peers.Where(peer => !target.IsMember(peer)), .. target.Peers];
        }
        if (group.Peers.Count == 1) group = group with { Preferred = peers[0] };
        foreach (var consumer in _proposals.Consumers(Current, AssetKey.Of(before)))
        {
            if (consumer.Unsupported is null) consumers.Add(Moved(consumer, before.Configuration, peers, (int)after.Replicas));
        }
        return group with { Peers = peers };
    }

    /// <summary>A consumer that goes where its stream goes: its old peers that do not stay, and as many as it has replicas of those that will.</summary>
    private ConsumerAssignment Moved(ConsumerAssignment consumer, StreamConfiguration stream, ValueList<string> peers, int replicas)
    {
        string[] staying = [.. peers.AsSpan()[^replicas..]];
        _environment.Shuffle(staying.AsSpan());
        // Peers it has already are the last, which are taken first.
        staying = [.. staying.OrderBy(consumer.Group.IsMember)];
        var own = (int)consumer.Configuration.ReplicasOf(stream);
        IEnumerable<string> kept = staying[^own..];
        IEnumerable<string> leaving = peers.Count == replicas ? [] : consumer.Group.Peers.Where(peer => !staying.Contains(peer));
        var group = consumer.Group with { Peers = [.. leaving, .. kept] };
        return consumer with { Group = group, State = null };
    }

    /// <summary>What the system account asks for is done as if the account had asked.</summary>
    private static MetaRequest OfAccount(MetaRequest request) => request with { Client = request.Client with { Account = request.Account.Name } };

    private string? PeerOf(string server, string? cluster, string? domain) => _effects.MetaPeers.FirstOrDefault(peer =>
        _registry.Find(peer) is { } known && known.Name == server && (cluster is null || cluster == known.Cluster) && (domain is null || domain == known.Domain));
}
