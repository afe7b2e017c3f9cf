using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>
/// The consumers of a stream, in its mailbox: who they are, what clients tell them, what they hear of the stream, when
/// they have their turns, and what of it stands in the stream's log.
/// </summary>
internal sealed partial class StreamConsumers : IConsumerCatalog
{
    /// <summary>Messages of all consumers together before what has been delivered goes out.</summary>
    private const int Budget = 2048;

    /// <summary>Bytes of all consumers together, about.</summary>
    private const int BudgetBytes = 4 << 20;

    /// <summary>Messages of one consumer before others have their turn.</summary>
    private const int Share = 256;

    /// <summary>Bytes of one consumer, about: well below what a reader may leave waiting between being slow and being too slow.</summary>
    private const int ShareBytes = 256 << 10;

    /// <summary>Nanoseconds.</summary>
    private const long LookAgainAfter = 2_000_000;

    private readonly Dictionary<byte[], ConsumerHost> _byName = new(ByteArrayComparer.Instance);
    private readonly Dictionary<byte[], ConsumerHost>.AlternateLookup<ReadOnlySpan<byte>> _find;
    private readonly Dictionary<ulong, ConsumerHost> _byId = [];
    private readonly Queue<ConsumerHost> _due = [];
    private readonly PriorityQueue<ConsumerHost, long> _timers = new();
    private ulong _lastId;
    private bool _isRunning;
    private long _sentBytes;
    private readonly List<ConsumerHost> _heldUp = [];
    private long _lookAgain;

    /// <param name="host">The stream.</param>
    /// <param name="store">Its messages.</param>
    /// <param name="isLogged">What consumers do is kept in the stream's log.</param>
    public StreamConsumers(StreamHost host, IMessageStore store, bool isLogged)
    {
        Host = host;
        IsLogged = isLogged;
        _store = store;
        _find = _byName.GetAlternateLookup<ReadOnlySpan<byte>>();
        Visible = new VisibleMessages(store);
        LeaderOptions = OptionsFor(host);
        _capture = new ConsumerCapture(this);
        store.Observer = this;
    }

    public StreamHost Host { get; }

    public bool IsLogged { get; }

    /// <summary>The messages that consumers see.</summary>
    public VisibleMessages Visible { get; }

    public ConsumerLeaderOptions LeaderOptions { get; private set; }

    /// <summary>All of them, in the order of their names.</summary>
    public IEnumerable<ConsumerHost> All => _byId.Values.OrderBy(consumer => consumer.Name, StringComparer.Ordinal);

    public int Count => _byId.Count;

    IEnumerable<KeyValuePair<string, ConsumerConfiguration>> IConsumerCatalog.Consumers =>
        _byId.Values.Select(consumer => KeyValuePair.Create(consumer.Name, consumer.Configuration));

    /// <inheritdoc/>
    public int LimitableCount => _limitable;

    ConsumerConfiguration? IConsumerCatalog.Find(string name) => Find(System.Text.Encoding.UTF8.GetBytes(name))?.Configuration;

    /// <summary>When somebody is to be woken, nanoseconds since 1970; null: nobody.</summary>
    public long? NextTick
    {
        get
        {
            var next = _timers.TryPeek(out _, out var due) ? due : long.MaxValue;
            if (_lazySince != 0) next = Math.Min(next, _lazySince + LazyFor);
            if (_heldUp.Count > 0) next = Math.Min(next, _lookAgain);
            if (NextGroupTick is { } group) next = Math.Min(next, group);
            return next == long.MaxValue ? null : next;
        }
    }

    /// <summary>Somebody may have something to deliver.</summary>
    public bool HasDue => _due.Count > 0;

    public ConsumerHost? Find(ReadOnlySpan<byte> name) => _find.TryGetValue(name, out var consumer) ? consumer : null;

    /// <summary>Takes up the work of all, once the stream has what its log says.</summary>
    public void Start(long now)
    {
        _isRunning = true;
        Visible.Last = _store.State.LastSequence;
        foreach (var consumer in _byId.Values) Begin(consumer, now);
        if (Host.Group is null) RemoveAcknowledged();
    }

    /// <summary>Listens for what concerns its consumers, if there are any.</summary>
    public void Follow()
    {
        var stream = Host.Configuration.Name;
        if (Host.Group is not null) _capture.Follow(SubjectsOfLed());
        else _capture.Follow(_byId.Count == 0 ? [] : [$"$JS.ACK.{stream}.>", $"$JS.ACK.*.*.{stream}.>", $"$JS.FC.{stream}.>", $"$JS.FC.*.*.{stream}.>"]);
    }

    /// <summary>Makes a consumer. The log has it when what is proposed now is durable.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="configuration">What it is.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="created">When it was made; null: now.</param>
    /// <param name="state">Where it is; empty: where it begins.</param>
    public ConsumerHost Create(string name, ConsumerConfiguration configuration, long now, long? created = null, ReadOnlyMemory<byte> state = default)
    {
        var consumer = new ConsumerHost(this, new ConsumerRecord(++_lastId, created ?? now, name, configuration));
        if (!state.IsEmpty) consumer.Replica.Decode(state.Span);
        Add(consumer);
        Assign(consumer);
        Begin(consumer, now);
        // Where it begins is part of what it is.
        ProposeLazy();
        Follow();
        AnnounceCreated(consumer);
        consumer.ReportPause(now);
        return consumer;
    }

    /// <summary>Says that a consumer was made, where it is for this server to say.</summary>
    public void AnnounceCreated(ConsumerHost consumer)
    {
        if (Speaks(consumer)) ConsumerReports.Announce(Host, consumer.Name, AdvisorySubjects.ConsumerCreated, AdvisoryAction.Create);
    }

    /// <summary>Goes by another configuration.</summary>
    public void Update(ConsumerHost consumer, ConsumerConfiguration configuration, long now)
    {
        var filter = consumer.Replica.Filter;
        Forget(consumer);
        RemoveInterest(consumer);
        CountFilter(consumer, -1);
        consumer.Update(consumer.Record with { Configuration = configuration }, now);
        CountFilter(consumer, 1);
        AddInterest(consumer);
        Assign(consumer);
        Schedule(consumer);
        if (!ReferenceEquals(filter, consumer.Replica.Filter)) RemoveUnwanted();
    }

    /// <summary>Deletes a consumer.</summary>
    public void Delete(ConsumerHost consumer)
    {
        var isAnnounced = Speaks(consumer);
        consumer.End("409 Consumer Deleted", withPending: false);
        LeaveGroup(consumer, isDeleted: true);
        Drop(consumer);
        if (consumer.IsKept) ProposeRemoval(consumer);
        if (isAnnounced) ConsumerReports.Announce(Host, consumer.Name, AdvisorySubjects.ConsumerDeleted, AdvisoryAction.Delete);
        RemoveUnwanted();
        Follow();
    }

    /// <summary>The stream ends, and with it all that wait.</summary>
    /// <param name="isDeleted">For good.</param>
    /// <param name="isAnnounced">It is gone everywhere, not only here.</param>
    public void Stop(bool isDeleted, bool isAnnounced)
    {
        _isRunning = false;
        _capture.Follow([]);
        foreach (var consumer in _byId.Values)
        {
            if (isDeleted && isAnnounced && Speaks(consumer)) ConsumerReports.Announce(Host, consumer.Name, AdvisorySubjects.ConsumerDeleted, AdvisoryAction.Delete);
            consumer.End(!isDeleted ? "409 Server Shutdown" : isAnnounced ? "409 Consumer Deleted" : "409 Leadership Change", withPending: !(isDeleted && isAnnounced));
        }
        foreach (var consumer in _grouped.ToList()) LeaveGroup(consumer, isDeleted);
        _due.Clear();
        _timers.Clear();
    }

    /// <summary>The stream goes by another configuration.</summary>
    public void StreamUpdated()
    {
        LeaderOptions = OptionsFor(Host);
        foreach (var consumer in _byId.Values)
        {
            RemoveInterest(consumer);
            AddInterest(consumer);
        }
        RemoveUnwanted();
    }

    /// <summary>Does what is due and what clients want. Deliveries come later, in <see cref="Pump"/>.</summary>
    public void Turn(long now)
    {
        GoOnWithHeldUp(now);
        TakeTraffic(now);
        TakeInterest(now);
        while (_timers.TryPeek(out var consumer, out var due) && due <= now)
        {
            _timers.Dequeue();
            // An earlier time may have been noted since; then it has had its turn.
            if (consumer.IsOver || consumer.Armed != due || consumer.Leader is null) continue;
            consumer.Armed = long.MaxValue;
            consumer.Leader.Tick(now, consumer.Effects);
            if (consumer.Leader.IsAbandoned) Abandon(consumer);
            else Schedule(consumer);
        }
        ProposeReleased();
    }

    /// <summary>Delivers what may be delivered.</summary>
    /// <returns>Whether there may be more for another turn.</returns>
    public bool Pump(long now)
    {
        var share = ShareOf(_store.State);
        _sentBytes = 0;
        for (var left = Budget; left > 0 && _sentBytes < BudgetBytes && _due.TryDequeue(out var consumer); left -= Share)
        {
            consumer.IsDue = false;
            // Who waits for others to agree is due again when they have.
            if (consumer.IsOver || consumer.Leader is null || consumer.IsCrowded || IsHeldUp(consumer, now)) continue;
            var hasMore = consumer.Leader.Pump(now, share, consumer.Effects);
            Note(consumer);
            Arm(consumer);
            if (hasMore) SetDue(consumer);
        }
        ProposeReleased();
        return _due.Count > 0;
    }

    /// <summary>Messages that a consumer may deliver at once: fewer of large ones.</summary>
    private static int ShareOf(in StoreState state) =>
        state.Messages == 0 ? Share : (int)Math.Clamp(ShareBytes / Math.Max(1, (long)(state.Bytes / state.Messages)), 1, Share);

    /// <summary>Whether a consumer's reader has so much to read that it would be closed for more; it is looked at again a little later.</summary>
    private bool IsHeldUp(ConsumerHost consumer, long now)
    {
        if (consumer.Behind is not { } reader) return false;
        if (!reader.IsBehind)
        {
            consumer.Behind = null;
            return false;
        }
        if (_heldUp.Count == 0) _lookAgain = now + LookAgainAfter;
        _heldUp.Add(consumer);
        return true;
    }

    private void GoOnWithHeldUp(long now)
    {
        if (_heldUp.Count == 0 || _lookAgain > now) return;
        foreach (var consumer in _heldUp) SetDue(consumer);
        _heldUp.Clear();
    }

    private void Begin(ConsumerHost consumer, long now)
    {
        consumer.Begin(now);
        Schedule(consumer);
    }

    private void Add(ConsumerHost consumer)
    {
        _byName.Add(consumer.Key, consumer);
        _byId.Add(consumer.Record.Id, consumer);
        _lastId = Math.Max(_lastId, consumer.Record.Id);
        Publish(consumer);
        CountFilter(consumer, 1);
        AddInterest(consumer);
    }

    private void Drop(ConsumerHost consumer)
    {
        _byName.Remove(consumer.Key);
        _byId.Remove(consumer.Record.Id);
        Unpublish(consumer);
        CountFilter(consumer, -1);
        Forget(consumer);
        RemoveInterest(consumer);
    }

    /// <summary>Something has happened to a consumer: it may deliver, and be due at another time.</summary>
    private void Schedule(ConsumerHost consumer)
    {
        if (consumer.Leader is null) return;
        Note(consumer);
        Arm(consumer);
        SetDue(consumer);
    }

    private void SetDue(ConsumerHost consumer)
    {
        if (consumer.IsDue || consumer.IsOver || consumer.Leader is null) return;
        consumer.IsDue = true;
        _due.Enqueue(consumer);
    }

    private void Arm(ConsumerHost consumer)
    {
        if (consumer.IsOver || consumer.Leader?.NextTick is not { } next || next >= consumer.Armed) return;
        consumer.Armed = next;
        _timers.Enqueue(consumer, next);
    }

    private static ConsumerLeaderOptions OptionsFor(StreamHost stream) => new()
    {
        Stream = stream.Configuration.Name,
        SubjectScope = stream.ControlScope,
        KeepsOnePerSubject = stream.Configuration.MaxMessagesPerSubject == 1,
    };
}
