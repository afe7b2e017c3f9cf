using System.Buffers;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Expiry;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.JetStream.Streams.Schedules;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// A stream as a state machine over the log of its operations: the leader proposes entries, every replica applies the
/// same ones in the same order and holds the same messages. No clock, disk or network; belongs to one mailbox.
/// </summary>
/// <remarks>Entries are those of clusterwire.md §7. An entry that has been applied before changes nothing.</remarks>
public partial class StreamReplica
{
    private readonly IMessageStore _store;
    private readonly DedupeWindow _dedupe;
    private readonly ArrayBufferWriter<byte> _scratch = new();
    private readonly MessageBuffer _buffer = new();
    private readonly HeaderEditor _editor = new();
    private StreamLimits _limits;
    private MessageExpiry _expiry;
    private ScheduleIndex? _schedules;
    private SubjectRewriter _subjects;

    /// <param name="configuration">Valid (see <see cref="StreamValidation"/>).</param>
    /// <param name="store">Its messages, maybe from an earlier run.</param>
    /// <param name="room">What account and server let it hold, for the leader to judge by; null: any number of bytes.</param>
    public StreamReplica(StreamConfiguration configuration, IMessageStore store, StorageRoom? room = null)
    {
        Room = room;
        Configuration = configuration;
        _store = store;
        _dedupe = new DedupeWindow(configuration.DuplicateWindow);
        _limits = new StreamLimits(configuration, store);
        _admission = new PublishAdmission(configuration, store, _dedupe, room);
        _batchAdmission = new BatchAdmission(configuration, store, _dedupe);
        _subjects = SubjectRewriter.Of(configuration.SubjectTransform);
        _proposedSubjects = SubjectRewriter.Of(configuration.SubjectTransform);
        _expiry = new MessageExpiry(configuration, store);
        if (configuration.AllowMessageSchedules) _schedules = new ScheduleIndex(store);
        RememberIds();
        Index(configuration.AllowMessageTtl ? _expiry : null, _schedules);
    }

    public StreamConfiguration Configuration { get; private set; }

    public StoreState State => _store.State;

    internal IMessageStore Store => _store;

    internal DedupeWindow Dedupe => _dedupe;

    internal StreamLimits Limits => _limits;

    /// <summary>Null: account and server let it hold any number of bytes.</summary>
    internal StorageRoom? Room { get; }

    internal MessageExpiry Expiry => _expiry;

    /// <summary>Null: the stream allows none.</summary>
    internal ScheduleIndex? Schedules => _schedules;

    /// <summary>Message ids within the duplicate window.</summary>
    public int RememberedIds => _dedupe.Count;

    /// <summary>Applies an entry of the log.</summary>
    /// <returns>False when it is none this version knows, or does not follow; nothing has changed then.</returns>
    public bool Apply(ReadOnlySpan<byte> entry) => Apply(entry, null) is not (EntryOutcome.Unknown or EntryOutcome.Gap);

    /// <summary>Applies an entry of the log.</summary>
    /// <param name="entry">Operation and body.</param>
    /// <param name="observer">Hears what it does; null: nobody does.</param>
    public EntryOutcome Apply(ReadOnlySpan<byte> entry, IStreamObserver? observer)
    {
        if (entry.IsEmpty) return EntryOutcome.Unknown;
        var operation = (EntryOperation)entry[0];
        if (operation is EntryOperation.BatchMessage or EntryOperation.BatchCommitMessage) return ApplyBatch(entry, observer);
        RejectStaged();
        return operation switch
        {
            EntryOperation.StreamMessage or EntryOperation.CompressedStreamMessage => ApplyMessage(entry, observer),
            EntryOperation.PurgeStream => ApplyPurge(JsonEntry.Decode(EntryOperation.PurgeStream, entry, EntryJson.Default.PurgeStreamEntry), observer),
            EntryOperation.DeleteMessage => ApplyDelete(JsonEntry.Decode(EntryOperation.DeleteMessage, entry, EntryJson.Default.DeleteMessageEntry), observer),
            EntryOperation.DeleteRange => ApplySkip(JsonEntry.Decode(EntryOperation.DeleteRange, entry, EntryJson.Default.DeleteRangeEntry)),
            _ => EntryOutcome.Unknown,
        };
    }

    /// <summary>Goes by another configuration: what is too much for it goes.</summary>
    /// <param name="configuration">Valid, and a legal update of the present one.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    public void Update(StreamConfiguration configuration, long now)
    {
        var before = Configuration;
        Configuration = configuration;
        _dedupe.Resize(configuration.DuplicateWindow, now);
        _limits = new StreamLimits(configuration, _store);
        _admission = new PublishAdmission(configuration, _store, _dedupe, Room);
        _batchAdmission = new BatchAdmission(configuration, _store, _dedupe);
        _subjects = SubjectRewriter.Of(configuration.SubjectTransform);
        _proposedSubjects = SubjectRewriter.Of(configuration.SubjectTransform);
        var ages = before.MaxAge != configuration.MaxAge || before.AllowMessageTtl != configuration.AllowMessageTtl;
        if (ages) _expiry = new MessageExpiry(configuration, _store);
        var schedules = configuration.AllowMessageSchedules && _schedules is null ? new ScheduleIndex(_store) : null;
        _schedules = configuration.AllowMessageSchedules ? _schedules ?? schedules : null;
        Index(ages && configuration.AllowMessageTtl ? _expiry : null, schedules);
        _limits.EnforceAll();
    }

    /// <summary>
    /// Whether what expires goes by entries of the leader: where a marker takes the place of a subject's last message,
    /// all must agree which one that is.
    /// </summary>
    public bool MarksDeletes => Configuration.SubjectDeleteMarkerTtl >= GoDuration.Second;

    /// <summary>When <see cref="ExpireAged"/> has something to do, nanoseconds since 1970; null: never, as things are.</summary>
    public long? NextExpiry => MarksDeletes ? null : _expiry.NextDue;

    /// <summary>Drops messages that have lived long enough, at most <see cref="MaxExpired"/> of them, unless entries of the leader do.</summary>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <returns>When there is more to do; null: never, as things are.</returns>
    public long? ExpireAged(long now)
    {
        if (MarksDeletes) return null;
        for (var count = 0; count < MaxExpired && _expiry.TryTake(now, out var sequence); count++) _store.Remove(sequence, erase: false);
        return _expiry.NextDue;
    }

    /// <summary>Messages that expire in one go.</summary>
    public const int MaxExpired = 10_000;

    /// <summary>
    /// The ids of the stored messages of the window; the last message's id in any case. The store's landmark is the last
    /// message that has an id: where there are none, nothing is read.
    /// </summary>
    private void RememberIds()
    {
        var state = _store.State;
        var lastWithId = Math.Min(_store.Landmark, state.LastSequence);
        _store.Landmark = 0;
        if (state.Messages == 0) return;
        var from = Math.Min(_store.SequenceAt(state.LastTimestamp - Configuration.DuplicateWindow), state.LastSequence);
        for (var sequence = from; sequence <= lastWithId && _store.TryLoadNext(SubjectFilter.All, sequence, _buffer); sequence = _buffer.Sequence + 1)
        {
            Remember(new PublishHeaders(_buffer.Headers).MessageId, _buffer.Sequence, _buffer.Timestamp);
        }
        // What comes behind has none.
        if (lastWithId < state.LastSequence) _dedupe.Add(default, state.LastSequence, state.LastTimestamp);
        _store.Landmark = Math.Max(_store.Landmark, Math.Min(lastWithId, from - 1));
    }

    private void Remember(ReadOnlySpan<byte> id, ulong sequence, long timestamp)
    {
        _dedupe.Add(id, sequence, timestamp);
        if (!id.IsEmpty) _store.Landmark = sequence;
    }

    /// <summary>Tells what is stored to what follows from it.</summary>
    private void Index(MessageExpiry? expiry, ScheduleIndex? schedules)
    {
        if (expiry is null && schedules is null) return;
        for (var sequence = 0UL; _store.TryLoadNext(SubjectFilter.All, sequence, _buffer); sequence = _buffer.Sequence + 1)
        {
            var headers = new PublishHeaders(_buffer.Headers);
            if (expiry is not null && !headers.Ttl.IsEmpty && PublishHeaders.TryParseTtl(headers.Ttl, out var ttl)) expiry.Add(_buffer.Sequence, _buffer.Timestamp, ttl);
            schedules?.Stored(headers, _buffer.Subject, _buffer.Sequence, _buffer.Timestamp);
        }
    }
}
