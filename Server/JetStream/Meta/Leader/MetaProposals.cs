using NatsAspire.Server.JetStream.Meta.Assignments;

namespace NatsAspire.Server.JetStream.Meta.Leader;

/// <summary>
/// What a meta leader has proposed and has not seen applied yet: later requests are judged as if it were. Bounded by what
/// the log takes; a change of the leader clears it, for what was proposed may never come.
/// </summary>
public sealed class MetaProposals : IMetaObserver
{
    private readonly SortedDictionary<AssetKey, Proposed<StreamAssignment>> _streams = [];
    private readonly SortedDictionary<AssetKey, SortedDictionary<string, Proposed<ConsumerAssignment>>> _consumers = [];
    private readonly Dictionary<AssetKey, string> _answeredStreams = [];
    private readonly Dictionary<(AssetKey Stream, string Consumer), string> _answeredConsumers = [];

    /// <summary>Streams with a proposal under way.</summary>
    public int Count => _streams.Count + _consumers.Values.Sum(static consumers => consumers.Count);

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _streams.Clear();
        _consumers.Clear();
        _answeredStreams.Clear();
        _answeredConsumers.Clear();
    }

    /// <summary>A stream as it is to be: as it was proposed last, or as it is assigned. Null: there is none, or it is going.</summary>
    public StreamAssignment? Find(MetaAssignments current, AssetKey key) => _streams.TryGetValue(key, out var proposed)
        ? proposed.IsRemoval ? null : proposed.Assignment
        : current.Find(key.Account, key.Stream)?.Assignment;

    /// <summary>A consumer as it is to be.</summary>
    public ConsumerAssignment? Find(MetaAssignments current, AssetKey key, string consumer) =>
        _consumers.GetValueOrDefault(key)?.TryGetValue(consumer, out var proposed) == true
            ? proposed.IsRemoval ? null : proposed.Assignment
            : current.Find(key.Account, key.Stream, consumer)?.Assignment;

    /// <summary>Streams of an account as they are to be.</summary>
    public IEnumerable<StreamAssignment> Streams(MetaAssignments current, string account)
    {
        foreach (var (key, proposed) in _streams)
        {
            if (key.Account == account && !proposed.IsRemoval) yield return proposed.Assignment;
        }
        foreach (var stream in current.Of(account).Values)
        {
            if (!_streams.ContainsKey(new AssetKey(account, stream.Name))) yield return stream.Assignment;
        }
    }

    /// <summary>All streams as they are to be; a copy, so that proposals may be made meanwhile.</summary>
    public IReadOnlyList<StreamAssignment> Streams(MetaAssignments current) =>
    [
        .. _streams.Values.Where(static proposed => !proposed.IsRemoval).Select(static proposed => proposed.Assignment),
        .. current.All.Where(stream => !_streams.ContainsKey(AssetKey.Of(stream.Assignment))).Select(static stream => stream.Assignment),
    ];

    /// <summary>Consumers of a stream as they are to be, by name; a copy, so that proposals may be made meanwhile.</summary>
    public IReadOnlyList<ConsumerAssignment> Consumers(MetaAssignments current, AssetKey key)
    {
        var proposed = _consumers.GetValueOrDefault(key);
        IEnumerable<ConsumerAssignment> assigned = current.Find(key.Account, key.Stream)?.Consumers.Values.Select(static one => one.Assignment) ?? [];
        if (proposed is null) return [.. assigned];
        return [.. proposed.Values.Where(static one => !one.IsRemoval).Select(static one => one.Assignment).Concat(assigned.Where(one => !proposed.ContainsKey(one.Name))).OrderBy(static one => one.Name, StringComparer.Ordinal)];
    }

    /// <summary>Whether a stream is being put elsewhere because its first servers had no room: what they say of it no longer counts.</summary>
    public bool IsReassigned(AssetKey key) => _streams.TryGetValue(key, out var proposed) && proposed.IsReassignment;

    /// <summary>Notes that a request has been answered, by where the answer went.</summary>
    /// <returns>False: it had been before.</returns>
    public bool TryAnswer(StreamAssignment stream) => TryAnswer(_answeredStreams, AssetKey.Of(stream), stream.Reply);

    /// <summary>The same of a consumer's.</summary>
    public bool TryAnswer(ConsumerAssignment consumer) => TryAnswer(_answeredConsumers, (AssetKey.Of(consumer), consumer.Name), consumer.Reply);

    public void StreamApplied(string account, string stream)
    {
        var key = new AssetKey(account, stream);
        _answeredStreams.Remove(key);
        if (_streams.TryGetValue(key, out var proposed) && --proposed.Operations == 0) _streams.Remove(key);
    }

    public void ConsumerApplied(string account, string stream, string consumer)
    {
        var key = new AssetKey(account, stream);
        _answeredConsumers.Remove((key, consumer));
        if (!_consumers.TryGetValue(key, out var consumers) || !consumers.TryGetValue(consumer, out var proposed) || --proposed.Operations > 0) return;
        consumers.Remove(consumer);
        if (consumers.Count == 0) _consumers.Remove(key);
    }

    internal void Add(StreamAssignment stream, bool isRemoval, bool isReassignment = false)
    {
        var key = AssetKey.Of(stream);
        if (!_streams.TryGetValue(key, out var proposed)) _streams.Add(key, proposed = new Proposed<StreamAssignment>(stream));
        proposed.Next(stream, isRemoval, isReassignment);
    }

    internal void Add(ConsumerAssignment consumer, bool isRemoval)
    {
        var key = AssetKey.Of(consumer);
        if (!_consumers.TryGetValue(key, out var consumers)) _consumers.Add(key, consumers = new(StringComparer.Ordinal));
        if (!consumers.TryGetValue(consumer.Name, out var proposed)) consumers.Add(consumer.Name, proposed = new Proposed<ConsumerAssignment>(consumer));
        proposed.Next(consumer, isRemoval, isReassignment: false);
    }

    private static bool TryAnswer<TKey>(Dictionary<TKey, string> answered, TKey key, string? reply) where TKey : notnull
    {
        var at = reply ?? "";
        if (answered.TryGetValue(key, out var before) && before == at) return false;
        answered[key] = at;
        return true;
    }

    /// <summary>The latest of proposals about one asset, and how many there are.</summary>
    private sealed class Proposed<T>(T assignment)
    {
        public int Operations { get; set; }

        public T Assignment { get; private set; } = assignment;

        public bool IsRemoval { get; private set; }

        public bool IsReassignment { get; private set; }

        public void Next(T next, bool isRemoval, bool isReassignment)
        {
            Operations++;
            (Assignment, IsRemoval, IsReassignment) = (next, isRemoval, isReassignment);
        }
    }
}
