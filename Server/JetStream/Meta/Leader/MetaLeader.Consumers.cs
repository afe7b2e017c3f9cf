using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Meta.Leader;

/// <summary>Consumers made, changed, paused and removed.</summary>
public sealed partial class MetaLeader
{
    /// <summary><c>CONSUMER.CREATE</c> and <c>CONSUMER.DURABLE.CREATE</c>, names taken; the consumer's leader answers.</summary>
    public void CreateConsumer(MetaRequest request, ConsumerCreateRequest body) => CreateConsumer(request, body, null);

    /// <summary><c>CONSUMER.DELETE</c>; the consumer's leader answers when it is gone.</summary>
    public void DeleteConsumer(MetaRequest request, string stream, string name)
    {
        if (Current.Find(request.Account.Name, stream) is not { } parent) _effects.Refuse(request, JetStreamErrors.JSStreamNotFoundErr);
        else if (!parent.Consumers.TryGetValue(name, out var consumer)) _effects.Refuse(request, JetStreamErrors.JSConsumerNotFoundErr);
        else ProposeRemoval(consumer.Assignment with { Client = request.Client, Subject = request.Subject, Reply = request.Reply });
    }

    /// <summary><c>CONSUMER.PAUSE</c>, answered at once. One that this server does not understand is left to others.</summary>
    public void PauseConsumer(MetaRequest request, string stream, string name, ConsumerPauseRequest body)
    {
        if (Current.Find(request.Account.Name, stream) is not { } parent)
        {
            _effects.Refuse(request, JetStreamErrors.JSStreamNotFoundErr);
            return;
        }
        if (parent.OfflineReason is not null) return;
        if (!parent.Consumers.TryGetValue(name, out var known))
        {
            _effects.Refuse(request, JetStreamErrors.JSConsumerNotFoundErr);
            return;
        }
        if (known.OfflineReason is not null) return;
        // Whoever made the consumer has had his answer.
        var consumer = known.Assignment with { Subject = null, Reply = null, State = null };
        if (Propose(consumer.WithConfiguration(ConsumerAdmission.Pause(consumer.Configuration, body)))) _effects.Answer(request, new ConsumerPauseResponse(body.PauseUntil, _environment.Now));
    }

    /// <summary>
    /// A group for a consumer of a stream: the stream's peers, or some of those that are there when it has fewer replicas; of
    /// a stream that moves the new ones, for it would hold the move up on the others.
    /// Also for consumers that a restore brought along, whose stream's leader proposes them.
    /// </summary>
    /// <returns>Null when there are not enough.</returns>
    public RaftGroupAssignment? NewGroup(ConsumerConfiguration consumer, StreamAssignment stream)
    {
        var peers = stream.StayingPeers;
        if (peers.IsEmpty || consumer.Replicas > peers.Count) return null;
        var replicas = (int)consumer.ReplicasOf(stream.Configuration);
        string[] active = [.. peers.Where(_registry.IsOnline)];
        if (active.Length < (replicas / 2) + 1) return null;
        if (replicas > 0 && replicas < peers.Count)
        {
            if (active.Length < replicas) return null;
            _environment.Shuffle(active.AsSpan());
            peers = [.. active.Take(replicas)];
        }
        var storage = consumer.MemoryStorage ? StorageType.Memory : stream.Configuration.Storage;
        return new RaftGroupAssignment { Name = NameOfGroup('C', peers, storage), Storage = storage, Peers = peers };
    }

    /// <summary>With what the consumer's leader said, if it had to be asked.</summary>
    private void CreateConsumer(MetaRequest request, ConsumerCreateRequest body, AssetFacts? facts)
    {
        var key = KeyOf(request, body.Stream);
        var stream = _proposals.Find(Current, key);
        if (stream is not null && IsOffline(stream, request)) return;
        var decision = ConsumerAdmission.Decide(body, new ConsumerEnvironment
        {
            Stream = stream?.Configuration,
            Catalog = ConsumersOf(key),
            Tiers = request.Account.Tiers,
            Server = _options.Consumers,
            IsClustered = true,
            NewName = _environment.NewHash,
            HasInterest = request.Account.HasInterest,
        });
        if (decision.Error is { } error) _effects.Refuse(request, error);
        else if (_proposals.Find(Current, key, decision.Name) is { } existing) Change(request, body, stream!, existing, decision.Consumer!, facts);
        else Assign(request, stream!, decision.Name, decision.Consumer!);
    }

    private void Assign(MetaRequest request, StreamAssignment stream, string name, ConsumerConfiguration consumer)
    {
        if (NewGroup(consumer, stream) is not { } group || HasTooManyAssets(group))
        {
            _effects.Refuse(request, JetStreamErrors.JSInsufficientResourcesErr);
            return;
        }
        Propose(new ConsumerAssignment
        {
            Client = request.Client,
            Created = _environment.Now,
            Name = name,
            Stream = stream.Name,
            Group = group with { Preferred = _selector.PreferredOf(group.Peers), Cluster = stream.Group.Cluster },
            Subject = request.Subject,
            Reply = request.Reply,
        }.WithConfiguration(consumer));
    }

    private bool HasTooManyAssets(RaftGroupAssignment group)
    {
        var most = _options.Placement.MaxHaAssets;
        return most > 0 && group.Peers.Count > 1 && group.Peers.Any(peer => _registry.Find(peer)?.Usage?.HaAssets > most);
    }

    private void Change(MetaRequest request, ConsumerCreateRequest body, StreamAssignment stream, ConsumerAssignment before, ConsumerConfiguration after, AssetFacts? facts)
    {
        if (before.Unsupported is { } reason)
        {
            _effects.Refuse(request, JetStreamErrors.JSConsumerOfflineReasonErrF.With(reason), delayed: true);
            return;
        }
        if (_registry.AreAllOffline(before.Group.Peers))
        {
            _effects.Refuse(request, JetStreamErrors.JSConsumerOfflineErr, delayed: true);
            return;
        }
        var replicas = (int)before.Configuration.ReplicasOf(stream.Configuration);
        var wanted = (int)after.ReplicasOf(stream.Configuration);
        if (replicas != wanted && facts is null)
        {
            Ask(AssetKey.Of(before), before.Name, said => CreateConsumer(request, body, said ?? new AssetFacts()));
            return;
        }
        var group = before.Group with { IsScaleUp = false };
        if (replicas < wanted)
        {
            if (stream.StayingPeers.Count < wanted)
            {
                _effects.Refuse(request, JetStreamErrors.JSConsumerReplicasExceedsStream);
                return;
            }
            group = group with { Peers = Arrange(group.Peers, stream, wanted, facts!.Leader), Preferred = facts.Leader, IsScaleUp = true };
            if (replicas == 1) group = WithNewName('C', group);
        }
        else if (replicas > wanted)
        {
            group = group with { Peers = Arrange(group.Peers, stream, wanted, facts!.Leader), Preferred = facts.Leader };
            if (group.Peers.Count == 1) group = WithNewName('C', group);
        }
        var changed = before with { Client = request.Client, Subject = request.Subject, Reply = request.Reply, Group = group, State = null };
        // A pause has a request of its own.
        Propose(changed.WithConfiguration(after with { PauseUntil = before.Configuration.PauseUntil }));
    }

    /// <summary>
    /// Peers for a consumer with so many replicas: those it has, as far as its stream stays there, and others of the stream's
    /// by chance. While the stream moves, old ones stay in front until their state has gone over.
    /// </summary>
    private ValueList<string> Arrange(ValueList<string> peers, StreamAssignment stream, int replicas, string? leader)
    {
        var staying = stream.StayingPeers;
        ValueList<string> own = [.. peers.Where(staying.Contains)];
        if (own.Count > replicas) own = _selector.Keep(own, leader, replicas);
        string[] others = [.. staying.Where(peer => !own.Contains(peer))];
        _environment.Shuffle(others.AsSpan());
        return [.. peers.Where(peer => stream.Group.IsMember(peer) && !staying.Contains(peer)), .. own, .. others.Take(Math.Max(0, replicas - own.Count))];
    }
}
