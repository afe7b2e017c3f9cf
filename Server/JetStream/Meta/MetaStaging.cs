using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Replication;

namespace NatsAspire.Server.JetStream.Meta;

/// <summary>
/// Entries and snapshots applied to a copy, and what they touched; carried out as one change. What was made and removed
/// again leaves only its removal, since its files may lie on disk.
/// </summary>
internal sealed class MetaStaging(MetaAssignments begin)
{
    private readonly SortedDictionary<AssetKey, StreamAssignment> _removedStreams = [];
    private readonly SortedDictionary<AssetKey, SortedDictionary<string, ConsumerAssignment>> _removedConsumers = [];
    private readonly SortedSet<AssetKey> _streams = [];

    /// <summary>By name, with the states that came along.</summary>
    private readonly SortedDictionary<AssetKey, SortedDictionary<string, RawJson?>> _consumers = [];

    /// <summary>The assignments with all that is staged.</summary>
    public MetaAssignments Result { get; private set; } = begin;

    /// <summary>Stages an entry.</summary>
    public void Apply(MetaEntry entry)
    {
        switch (entry.Operation)
        {
            case EntryOperation.AssignStream or EntryOperation.UpdateStream: _streams.Add(AssetKey.Of(entry.Stream!)); break;
            case EntryOperation.RemoveStream: Forget(entry.Stream!); break;
            case EntryOperation.RemoveConsumer: Forget(entry.Consumer!); break;
            default: Touch(entry.Consumer!); break;
        }
        Result = MetaReducer.Reduce(Result, entry);
    }

    /// <summary>Stages a snapshot: it takes the place of everything.</summary>
    public void Apply(IReadOnlyList<AssignedStream> snapshot)
    {
        var before = Result;
        var next = MetaAssignments.Of(snapshot);
        foreach (var stream in before.All)
        {
            if (next.Find(stream.Account, stream.Name) is not { } after || stream.Assignment.IsReplacedBy(after.Assignment)) Forget(stream.Assignment);
            else ForgetMissing(stream, after);
        }
        foreach (var stream in snapshot)
        {
            _streams.Add(AssetKey.Of(stream.Assignment));
            foreach (var consumer in stream.Consumers.Values) Touch(consumer.Assignment);
        }
        Result = snapshot.Aggregate(MetaAssignments.Empty, (all, stream) => all.With(Sticky(stream, before)));
    }

    /// <summary>Carries out what is staged: removals of consumers that are not gone with their stream, removals of streams, streams (new ones first), consumers.</summary>
    /// <param name="before">What was in force until now.</param>
    /// <param name="changes">Who does it.</param>
    public void CarryOut(MetaAssignments before, IMetaChanges changes)
    {
        foreach (var (key, removed) in _removedConsumers)
        {
            foreach (var (name, request) in removed) changes.Removed(request, before.Find(key.Account, key.Stream, name));
        }
        foreach (var (key, request) in _removedStreams) changes.Removed(request, before.Find(key.Account, key.Stream));
        PlaceStreams(before, changes, areNew: true);
        PlaceStreams(before, changes, areNew: false);
        foreach (var (key, consumers) in _consumers)
        {
            if (Result.Find(key.Account, key.Stream) is { } stream) PlaceConsumers(before, changes, key, stream, consumers);
        }
    }

    private void PlaceStreams(MetaAssignments before, IMetaChanges changes, bool areNew)
    {
        foreach (var key in _streams)
        {
            var known = _removedStreams.ContainsKey(key) ? null : before.Find(key.Account, key.Stream);
            if (known is null == areNew && Result.Find(key.Account, key.Stream) is { } after) changes.Placed(known, after);
        }
    }

    private void PlaceConsumers(MetaAssignments before, IMetaChanges changes, AssetKey key, AssignedStream stream, SortedDictionary<string, RawJson?> consumers)
    {
        var areNew = _removedStreams.ContainsKey(key);
        var removed = _removedConsumers.GetValueOrDefault(key);
        foreach (var (name, state) in consumers)
        {
            if (!stream.Consumers.TryGetValue(name, out var after)) continue;
            var isNew = areNew || removed?.ContainsKey(name) == true;
            changes.Placed(stream, isNew ? null : before.Find(key.Account, key.Stream, name), after, state);
        }
    }

    /// <summary>What was offline here stays so, unless another one took its name.</summary>
    private static AssignedStream Sticky(AssignedStream stream, MetaAssignments before)
    {
        var known = before.Find(stream.Account, stream.Name);
        if (known?.Assignment.IsReplacedBy(stream.Assignment) == true) known = null;
        var after = stream with { OfflineReason = stream.OfflineReason ?? known?.OfflineReason };
        foreach (var (name, consumer) in stream.Consumers)
        {
            var old = known?.Consumers.GetValueOrDefault(name);
            if (old?.Assignment.IsReplacedBy(consumer.Assignment) == true) old = null;
            if ((consumer.OfflineReason ?? old?.OfflineReason) is not { } reason) continue;
            after = after.With(consumer with { OfflineReason = reason }) with { OfflineReason = after.OfflineReason ?? UnsupportedReason.OfConsumer(name) };
        }
        return after;
    }

    private void ForgetMissing(AssignedStream before, AssignedStream after)
    {
        foreach (var (name, consumer) in before.Consumers)
        {
            if (!after.Consumers.TryGetValue(name, out var next) || consumer.Assignment.IsReplacedBy(next.Assignment)) Forget(consumer.Assignment);
        }
    }

    private void Forget(StreamAssignment stream)
    {
        var key = AssetKey.Of(stream);
        _removedStreams[key] = stream;
        _streams.Remove(key);
        _consumers.Remove(key);
        _removedConsumers.Remove(key);
    }

    private void Forget(ConsumerAssignment consumer)
    {
        // Meant is one that is here, or one that may lie on disk; not a later one of the same name.
        if (Result.Find(consumer.Account, consumer.Stream, consumer.Name) is not null && MetaReducer.Named(Result, consumer) is null) return;
        var key = AssetKey.Of(consumer);
        if (!_removedConsumers.TryGetValue(key, out var removed)) _removedConsumers.Add(key, removed = new(StringComparer.Ordinal));
        removed[consumer.Name] = consumer;
        _consumers.GetValueOrDefault(key)?.Remove(consumer.Name);
    }

    /// <summary>A state that came along counts as long as the consumer is the same.</summary>
    private void Touch(ConsumerAssignment consumer)
    {
        var key = AssetKey.Of(consumer);
        if (!_consumers.TryGetValue(key, out var consumers)) _consumers.Add(key, consumers = new(StringComparer.Ordinal));
        var isSame = MetaReducer.Named(Result, consumer) is not null;
        consumers[consumer.Name] = consumer.State ?? (isSame ? consumers.GetValueOrDefault(consumer.Name) : null);
    }
}

/// <summary>Changes of assignments, one after the other.</summary>
internal interface IMetaChanges
{
    /// <summary>A stream was assigned; <paramref name="before"/> is what it was, null: it is new.</summary>
    void Placed(AssignedStream? before, AssignedStream after);

    /// <summary>A removal was asked for; <paramref name="known"/> is what it meant, null: nothing that was assigned.</summary>
    void Removed(StreamAssignment request, AssignedStream? known);

    /// <summary>A consumer was assigned, maybe with a state to begin with.</summary>
    void Placed(AssignedStream parent, AssignedConsumer? before, AssignedConsumer after, RawJson? state);

    /// <summary>A removal was asked for.</summary>
    void Removed(ConsumerAssignment request, AssignedConsumer? known);
}
