using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Peers;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Meta.Leader;

/// <summary>Servers that come and go, and who leads next.</summary>
public sealed partial class MetaLeader
{
    /// <summary>Who asked for the removal of a peer; answered when the log has it.</summary>
    private readonly Dictionary<string, MetaRequest> _removals = new(StringComparer.Ordinal);

    /// <summary><c>STREAM.PEER.REMOVE</c>: another server takes its place.</summary>
    public void RemoveStreamPeer(MetaRequest request, string name, PeerRemoveRequest body)
    {
        if (body.Peer.Length == 0)
        {
            _effects.Refuse(request, JetStreamErrors.JSBadRequestErr);
            return;
        }
        if (_proposals.Find(Current, KeyOf(request, name)) is not { } stream)
        {
            _effects.Refuse(request, JetStreamErrors.JSStreamNotFoundErr);
            return;
        }
        var peer = NodeHash.Of(body.Peer);
        if (!stream.Group.IsMember(peer)) peer = body.Peer;
        if (!stream.Group.IsMember(peer)) _effects.Refuse(request, JetStreamErrors.JSClusterPeerNotMemberErr);
        else if (stream.Unsupported is { } reason) _effects.Refuse(request, JetStreamErrors.JSStreamOfflineReasonErrF.With(reason), delayed: true);
        else if (!Remap(stream, peer)) _effects.Refuse(request, JetStreamErrors.JSPeerRemapErr);
        else _effects.Answer(request, new SuccessResponse(ResponseTypes.StreamRemovePeer));
    }

    /// <summary><c>SERVER.REMOVE</c>: out of the meta group. One at a time; answered when a majority has it (<see cref="PeerRemoved"/>).</summary>
    public void RemoveServer(MetaRequest request, ServerRemoveRequest body)
    {
        if (_removals.Count > 0)
        {
            _effects.Refuse(request, JetStreamErrors.JSClusterServerMemberChangeInflightErr);
            return;
        }
        var peer = _effects.MetaPeers.FirstOrDefault(peer => body.PeerId is { } id ? peer == id : _registry.Find(peer)?.Name == body.Server);
        if (peer is null)
        {
            _effects.Refuse(request, JetStreamErrors.JSClusterServerNotMemberErr);
            return;
        }
        _removals[peer] = request;
        if (_effects.ProposePeerRemoval(peer) is not { } error) return;
        _removals.Remove(peer);
        _effects.Refuse(request, error);
    }

    /// <summary>A server has left the meta group: others take its assets. To be called for every server that leads, when it is applied.</summary>
    public void PeerRemoved(string peer)
    {
        if (!IsLeading) return;
        foreach (var stream in _proposals.Streams(Current))
        {
            if (stream.Group.IsMember(peer) && !IsLeftAlone(stream)) Remap(stream, peer);
        }
        if (_removals.Remove(peer, out var request)) _effects.Answer(request, new SuccessResponse(ResponseTypes.MetaServerRemove));
    }

    /// <summary>A server has joined the meta group: it fills groups that lack a peer.</summary>
    public void PeerAdded(string peer)
    {
        if (!IsLeading || _registry.Find(peer) is not { } known) return;
        foreach (var stream in _proposals.Streams(Current))
        {
            if (IsLeftAlone(stream) || stream.Group.IsMember(peer) || stream.Group.Peers.Count >= stream.Configuration.Replicas || known.Cluster != stream.Client?.Cluster) continue;
            var peers = new ValueList<string>([.. stream.Group.Peers, peer]);
            var grown = stream with { Group = stream.Group with { Peers = peers }, RestoreState = null };
            if (!Propose(grown)) return;
            foreach (var consumer in _proposals.Consumers(Current, AssetKey.Of(stream)))
            {
                var count = consumer.Group.Peers.Count + 1;
                if (consumer.Unsupported is not null || count > consumer.Configuration.ReplicasOf(stream.Configuration)) continue;
                if (!Propose(consumer with { Group = consumer.Group with { Peers = Arrange(consumer.Group.Peers, grown, count, null) } })) return;
            }
        }
    }

    /// <summary>Who leads a group next, by what a request to step down says.</summary>
    /// <param name="peers">The group's.</param>
    /// <param name="leader">Who leads it now.</param>
    /// <param name="placement">From the request; null: anybody.</param>
    /// <param name="preferred">The next leader; null: the group chooses.</param>
    /// <returns>Null, or why not.</returns>
    public ApiError? ChooseLeader(IReadOnlyList<string> peers, string leader, Placement? placement, out string? preferred)
    {
        preferred = null;
        if (placement is null) return null;
        if (placement.Preferred is { } name)
        {
            preferred = peers.FirstOrDefault(peer => _registry.Find(peer)?.Name == name);
            if (preferred == leader) return JetStreamErrors.JSClusterNoPeersErrF.With($"preferred server \"{name}\" is already leader");
            return preferred is null ? JetStreamErrors.JSClusterNoPeersErrF.With($"preferred server \"{name}\" not known") : null;
        }
        var possible = peers.Where(peer => peer != leader && _registry.Find(peer) is { IsOffline: false } known
            && (placement.Cluster is null || known.Cluster == placement.Cluster) && placement.Tags.All(known.HasTag)).ToList();
        if (possible.Count == 0) return JetStreamErrors.JSClusterNoPeersErrF.With("no replacement peer connected");
        preferred = possible[_environment.Random(possible.Count)];
        return null;
    }

    private bool IsLeftAlone(StreamAssignment stream) => stream.Unsupported is not null || Current.Find(stream.Account, stream.Name)?.OfflineReason is not null;

    /// <summary>Takes a peer out of a stream and its consumers; another one comes in if there is one.</summary>
    /// <returns>Whether there is.</returns>
    private bool Remap(StreamAssignment stream, string peer)
    {
        var isReplaced = TryReplace(stream, peer, out var peers);
        if (!isReplaced) _effects.Warn($"JetStream cluster could not replace peer for stream '{stream.Account} > {stream.Name}'");
        // The only one that has the data stays, maybe it comes back.
        if (peers.IsEmpty) return false;
        var keepsPreferred = !isReplaced || (IsBecomingShared(stream) && peers.Contains(stream.Group.Preferred!));
        var changed = stream with { Group = stream.Group with { Peers = peers, Preferred = keepsPreferred ? stream.Group.Preferred : null }, RestoreState = null };
        if (!Propose(changed)) return false;
        foreach (var consumer in _proposals.Consumers(Current, AssetKey.Of(stream)))
        {
            if (consumer.Unsupported is null && !Remap(consumer, changed, peer)) return false;
        }
        return isReplaced;
    }

    /// <summary>The peers of a stream without one of them. One that is left anyway needs no replacement; one that the stream moves to gets it there.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="peer">Who goes.</param>
    /// <param name="peers">Who is left; the same or another number. Empty: nobody.</param>
    private bool TryReplace(StreamAssignment stream, string peer, out ValueList<string> peers)
    {
        var staying = stream.StayingPeers;
        ValueList<string> leaving = [.. stream.Group.Peers.Where(one => one != peer && !staying.Contains(one))];
        ValueList<string> retained = [.. staying.Where(one => one != peer)];
        peers = [.. leaving, .. retained];
        if (retained.Count == staying.Count) return true;
        var isMoving = staying.Count < stream.Group.Peers.Count;
        var cluster = isMoving ? retained.Append(peer).Select(one => _registry.Find(one)?.Cluster).FirstOrDefault(static one => one is not null) : null;
        var wanted = new PeerRequest
        {
            Replicas = staying.Count,
            Cluster = cluster ?? stream.Group.Cluster ?? "",
            Stream = stream.Configuration,
            Existing = retained,
            Ignored = [peer, .. leaving],
        };
        if (_selector.Select(wanted, _effects.MetaPeers, Current, out var found) is not null) return false;
        peers = [.. leaving, .. found];
        return true;
    }

    /// <summary>A durable consumer keeps its number of peers; others go with the peer they were on.</summary>
    /// <returns>False: this server no longer leads.</returns>
    private bool Remap(ConsumerAssignment consumer, StreamAssignment stream, string leaving)
    {
        var group = consumer.Group;
        if (!consumer.Configuration.IsDurable) return !group.IsMember(leaving) || ProposeRemoval(consumer);
        var replicas = (int)Math.Min(consumer.Configuration.ReplicasOf(stream.Configuration), stream.StayingPeers.Count);
        var peers = replicas == stream.Group.Peers.Count ? stream.Group.Peers : Arrange(group.Peers, stream, replicas, null);
        return peers == group.Peers || Propose(consumer with { Group = group with { Peers = peers, Preferred = null } });
    }
}
