using System.Collections.Immutable;
using System.Globalization;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Peers;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Meta.Leader;

/// <summary>Streams changed: what they are, how many replicas they have, where those are.</summary>
public sealed partial class MetaLeader
{
    /// <summary><c>STREAM.UPDATE</c>; the stream's leader answers.</summary>
    public void UpdateStream(MetaRequest request, string name, StreamConfigurationRequest body)
    {
        if (StreamValidation.Check(body.Stream, EnvironmentOf(request.Account), body.Pedantic, out var requested) is { } invalid) _effects.Refuse(request, invalid);
        else if (requested.Name != name) _effects.Refuse(request, JetStreamErrors.JSStreamMismatchErr);
        else Decide(new StreamChange(request, requested, body.Pedantic));
    }

    /// <summary>Decides a change, from the beginning: when something has to be asked first, it is decided again with what was said.</summary>
    private void Decide(StreamChange change)
    {
        var request = change.Request;
        if (Check(change, out var before, out var after) is { } error)
        {
            _effects.Refuse(request, error, delayed: error.Is(JetStreamErrors.JSStreamOfflineErr) || error.Is(JetStreamErrors.JSStreamOfflineReasonErrF));
            return;
        }
        var group = before.Group;
        var isMove = change.Peers.Count > 0 || (after.Placement is not null && after.Placement != before.Configuration.Placement);
        var isScale = after.Replicas != before.Configuration.Replicas;
        if (isMove && !IsCancellation(change, before) && before.Configuration.Replicas != group.Peers.Count)
        {
            RefuseSecondMove(change, before);
            return;
        }
        if (isMove && isScale)
        {
            _effects.Refuse(request, JetStreamErrors.JSStreamMoveAndScaleErr);
            return;
        }
        var consumers = new List<ConsumerAssignment>();
        group = group with { IsScaleUp = false };
        if (isScale)
        {
            if (Scale(change, before, after, group, consumers) is not { } scaled) return;
            group = scaled;
        }
        else if (isMove)
        {
            if (Move(change, before, after, group, consumers) is not { } moved) return;
            group = IsBecomingShared(before) ? moved with { IsScaleUp = true } : moved;
        }
        else
        {
            // Who is to begin the group with what it had alone must be known until it has.
            group = IsBecomingShared(before) ? before.Group : group with { Preferred = null };
        }
        ProposeChange(request, before, after, group, consumers);
    }

    /// <summary>It was on one server, and others join it: those that have nothing yet must not begin without the one that has.</summary>
    private static bool IsBecomingShared(StreamAssignment stream) =>
        stream.Group.Preferred is not null && (stream.Group.IsScaleUp || (stream.Configuration.Replicas == 1 && stream.Group.Peers.Count > 1));

    private void ProposeChange(MetaRequest request, StreamAssignment before, StreamConfiguration after, RaftGroupAssignment group, List<ConsumerAssignment> consumers)
    {
        var changed = before with
        {
            Client = request.Client,
            Subject = request.Subject,
            Reply = request.Reply,
            Group = group,
            Sync = before.Sync.Length == 0 ? NewSync() : before.Sync,
            RestoreState = null,
        };
        if (!ProposeUpdate(changed.WithConfiguration(after))) return;
        // Behind the stream: their servers must have it first.
        foreach (var consumer in consumers)
        {
            if (!Propose(consumer)) return;
        }
    }

    /// <summary>Everything that can be said against a change before anybody asks where it goes.</summary>
    private ApiError? Check(StreamChange change, out StreamAssignment before, out StreamConfiguration after)
    {
        after = change.Stream;
        var key = KeyOf(change.Request, change.Stream.Name);
        before = _proposals.Find(Current, key) ?? new StreamAssignment();
        if (before.Name.Length == 0) return JetStreamErrors.JSStreamNotFoundErr;
        if (before.Unsupported is { } reason) return JetStreamErrors.JSStreamOfflineReasonErrF.With(reason);
        if (_registry.AreAllOffline(before.Group.Peers)) return JetStreamErrors.JSStreamOfflineErr;
        var environment = EnvironmentOf(change.Request.Account);
        return StreamUpdate.Check(before.Configuration, change.Stream.WithRequiredLevel(), environment, change.IsPedantic, out after)
            ?? StreamAdmission.CheckOverlap(change.Stream, environment)
            ?? ConsumerUpdate.CheckStreamUpdate(before.Configuration, after, ConsumersOf(key));
    }

    /// <summary>A move back to where the stream came from: the first of its peers, as many as it has replicas.</summary>
    private static bool IsCancellation(StreamChange change, StreamAssignment before) =>
        change.Peers.Count > 0 && change.Peers.Count == before.Configuration.Replicas && change.Peers.Count <= before.Group.Peers.Count
        && change.Peers.AsSpan().SequenceEqual(before.Group.Peers.AsSpan()[..change.Peers.Count]);

    private void RefuseSecondMove(StreamChange change, StreamAssignment before)
    {
        Ask(AssetKey.Of(before), null, facts =>
        {
            var text = facts is null
                ? "error retrieving info: timeout while waiting for response"
                : string.Create(CultureInfo.InvariantCulture, $"total peers: {before.Group.Peers.Count}, current peers: {facts.CurrentPeers}, combined lag: {facts.Lag}");
            _effects.Refuse(change.Request, JetStreamErrors.JSStreamMoveInProgressF.With(text));
        });
    }

    /// <summary>More replicas or fewer.</summary>
    /// <returns>The new group; null: it was refused, or something is asked first.</returns>
    private RaftGroupAssignment? Scale(StreamChange change, StreamAssignment before, StreamConfiguration after, RaftGroupAssignment group, List<ConsumerAssignment> consumers)
    {
        var isUp = after.Replicas > group.Peers.Count;
        var scaled = isUp ? ScaleUp(change, before, after, group) : ScaleDown(change, before, after, group);
        if (scaled is null) return null;
        foreach (var consumer in _proposals.Consumers(Current, AssetKey.Of(before)))
        {
            if (consumer.Unsupported is not null) continue;
            // Without a name of its own one has a single replica, whatever it says.
            var follows = consumer.Configuration.Replicas == 0 && (consumer.Configuration.IsDurable || consumer.Configuration.Name is not null);
            if (follows || consumer.Group.Peers.Count > scaled.Peers.Count || after.Retention != RetentionPolicy.Limits) consumers.Add(Follow(consumer, scaled, isUp));
            else if (!isUp && !TryReplace(change, consumer, scaled, consumers)) return null;
        }
        return scaled;
    }

    private RaftGroupAssignment? ScaleUp(StreamChange change, StreamAssignment before, StreamConfiguration after, RaftGroupAssignment group)
    {
        var request = change.Request;
        if (StreamReservations.CheckNew(after, EnvironmentOf(request.Account)) is { } limit)
        {
            _effects.Refuse(request, limit);
            return null;
        }
        // Streams of old servers have no cluster.
        var cluster = group.Cluster ?? after.Placement?.Cluster ?? request.Client.Cluster ?? "";
        var wanted = new PeerRequest { Replicas = (int)after.Replicas, Cluster = cluster, Stream = after, Existing = group.Peers };
        if (_selector.Select(wanted, _effects.MetaPeers, Current, out var peers) is { } refusal)
        {
            _effects.Refuse(request, refusal.ToError());
            return null;
        }
        var scaled = group with { Cluster = cluster.Length == 0 ? null : cluster, Peers = peers, IsScaleUp = true };
        // It has the data, so it is to lead.
        if (group.Peers.Count == 1) scaled = scaled with { Preferred = group.Peers[0] };
        // A single server has no Raft group yet, and a log of a group of that name may lie about somewhere.
        return peers.Count == 1 || before.Configuration.Replicas == 1 ? WithNewName('S', scaled) : scaled;
    }

    private RaftGroupAssignment? ScaleDown(StreamChange change, StreamAssignment before, StreamConfiguration after, RaftGroupAssignment group)
    {
        if (change.Facts is not { } known)
        {
            Ask(AssetKey.Of(before), null, facts => Decide(change with { Facts = facts ?? new AssetFacts() }));
            return null;
        }
        var scaled = group with { Peers = _selector.Keep(group.Peers, known.Leader, (int)after.Replicas) };
        return scaled.Peers.Count == 1 ? WithNewName('S', scaled) : scaled;
    }

    /// <summary>A consumer that has the peers of its stream.</summary>
    private ConsumerAssignment Follow(ConsumerAssignment consumer, RaftGroupAssignment stream, bool isUp)
    {
        var peers = consumer.Group.Peers;
        var group = consumer.Group with { Peers = stream.Peers, Preferred = peers.Count == 1 && isUp ? peers[0] : null };
        return WithPeers(consumer, group, peers.Count);
    }

    /// <summary>A consumer with fewer peers than its stream that loses some of them to a smaller stream.</summary>
    /// <returns>False: its state is asked first.</returns>
    private bool TryReplace(StreamChange change, ConsumerAssignment consumer, RaftGroupAssignment stream, List<ConsumerAssignment> consumers)
    {
        var peers = consumer.Group.Peers;
        var lost = peers.Count(peer => !stream.IsMember(peer));
        if (lost == 0) return true;
        RawJson? state = null;
        if (lost == peers.Count)
        {
            // Nobody who has its state stays: it goes along with the assignment.
            if (!change.ConsumerFacts.TryGetValue(consumer.Name, out var facts))
            {
                Ask(AssetKey.Of(consumer), consumer.Name, said => Decide(change with { ConsumerFacts = change.ConsumerFacts.SetItem(consumer.Name, said) }));
                return false;
            }
            state = facts?.ConsumerState;
        }
        string[] others = [.. stream.Peers];
        _environment.Shuffle(others.AsSpan());
        var group = consumer.Group with { Peers = [.. others.Take(peers.Count)] };
        consumers.Add(WithPeers(consumer, group, peers.Count) with { State = state });
        return true;
    }

    private ConsumerAssignment WithPeers(ConsumerAssignment consumer, RaftGroupAssignment group, int before)
    {
        if (group.Peers.Count == 1 || before == 1) group = WithNewName('C', group);
        consumer = consumer with { Group = group, State = null };
        return consumer.Configuration.Replicas == 0 ? consumer : consumer.WithConfiguration(consumer.Configuration with { Replicas = group.Peers.Count });
    }

    /// <summary>A change of a stream that is being decided.</summary>
    /// <param name="Request">Who asks.</param>
    /// <param name="Stream">What the stream is to be.</param>
    /// <param name="IsPedantic">Refuse what would be corrected.</param>
    private sealed record StreamChange(MetaRequest Request, StreamConfiguration Stream, bool IsPedantic)
    {
        /// <summary>Where it is to go; empty: where its placement says.</summary>
        public ValueList<string> Peers { get; init; }

        /// <summary>What its leader said; null: it was not asked.</summary>
        public AssetFacts? Facts { get; init; }

        /// <summary>What leaders of consumers said, by consumer; null: nothing.</summary>
        public ImmutableDictionary<string, AssetFacts?> ConsumerFacts { get; init; } = ImmutableDictionary<string, AssetFacts?>.Empty;
    }
}
