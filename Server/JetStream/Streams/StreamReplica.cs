using System.Buffers;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// A stream as a state machine over the log of its operations: the leader proposes entries, every replica applies the
/// same ones in the same order and holds the same messages. No clock, disk or network; belongs to one mailbox.
/// </summary>
/// <remarks>Entries are those of clusterwire.md §7. An entry that has been applied before changes nothing.</remarks>
public sealed partial class StreamReplica
{
    private readonly IMessageStore _store;
    private readonly DedupeWindow _dedupe;
    private readonly ArrayBufferWriter<byte> _scratch = new();
    private readonly MessageBuffer _buffer = new();
    private StreamLimits _limits;
    private PublishAdmission _admission;

    /// <param name="configuration">Valid (see <see cref="StreamValidation"/>).</param>
    /// <param name="store">Its messages, maybe from an earlier run.</param>
    public StreamReplica(StreamConfiguration configuration, IMessageStore store)
    {
        Configuration = configuration;
        _store = store;
        _dedupe = new DedupeWindow(configuration.DuplicateWindow);
        _limits = new StreamLimits(configuration, store);
        _admission = new PublishAdmission(configuration, store, _dedupe);
        RememberIds();
    }

    public StreamConfiguration Configuration { get; private set; }

    public StoreState State => _store.State;

    /// <summary>Message ids within the duplicate window.</summary>
    public int RememberedIds => _dedupe.Count;

    /// <summary>Judges a message a client has published, as the leader.</summary>
    /// <param name="message">Its sequence counts for nothing; its time is the leader's clock.</param>
    /// <param name="reply">Where the acknowledgement goes; empty: nowhere.</param>
    /// <param name="entry">To be appended to the log when the message is admitted; its spans are the message's.</param>
    public Admission Propose(in StoredMessage message, ReadOnlySpan<byte> reply, out StreamMessageEntry entry)
    {
        var last = _store.State;
        entry = new StreamMessageEntry
        {
            LastSequence = last.LastSequence,
            // Time does not run backwards in a stream.
            Timestamp = Math.Max(message.Timestamp, last.LastTimestamp),
            Subject = message.Subject,
            Reply = reply,
            Headers = message.Headers,
            Payload = message.Payload,
        };
        var admission = _admission.Judge(message);
        if (admission.Counter is { } counter) entry = entry.WithPayload(CounterValue.Format(counter));
        return admission;
    }

    /// <summary>Applies an entry of the log.</summary>
    /// <returns>False when it is none this version knows; nothing has changed then.</returns>
    public bool Apply(ReadOnlySpan<byte> entry)
    {
        if (entry.IsEmpty) return false;
        var operation = (EntryOperation)entry[0];
        if (operation is EntryOperation.BatchMessage or EntryOperation.BatchCommitMessage) return ApplyBatch(entry);
        DropStaged();
        return operation switch
        {
            EntryOperation.StreamMessage or EntryOperation.CompressedStreamMessage => ApplyMessage(entry),
            EntryOperation.PurgeStream => ApplyPurge(JsonEntry.Decode(EntryOperation.PurgeStream, entry, EntryJson.Default.PurgeStreamEntry)),
            EntryOperation.DeleteMessage => ApplyDelete(JsonEntry.Decode(EntryOperation.DeleteMessage, entry, EntryJson.Default.DeleteMessageEntry)),
            EntryOperation.DeleteRange => ApplySkip(JsonEntry.Decode(EntryOperation.DeleteRange, entry, EntryJson.Default.DeleteRangeEntry)),
            _ => false,
        };
    }

    /// <summary>Goes by another configuration: what is too much for it goes.</summary>
    /// <param name="configuration">Valid, and a legal update of the present one.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    public void Update(StreamConfiguration configuration, long now)
    {
        Configuration = configuration;
        _dedupe.Resize(configuration.DuplicateWindow, now);
        _limits = new StreamLimits(configuration, _store);
        _admission = new PublishAdmission(configuration, _store, _dedupe);
        _limits.EnforceAll();
    }

    /// <summary>When the oldest message will be too old, nanoseconds since 1970; null: never.</summary>
    public long? NextExpiry => Configuration.MaxAge > 0 && _store.State is { Messages: > 0 } state ? state.FirstTimestamp + Configuration.MaxAge : null;

    /// <summary>Drops messages that are too old.</summary>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <returns>When the next one will be; null: none ever.</returns>
    public long? ExpireAged(long now) => _limits.ExpireAged(now);

    private bool ApplyMessage(ReadOnlySpan<byte> bytes)
    {
        if (!StreamMessageEntry.TryDecode(bytes, _scratch, out var entry)) return false;
        var last = _store.State.LastSequence;
        if (entry.LastSequence < last) return true;
        if (entry.LastSequence > last) _store.Skip(entry.LastSequence - last, entry.Timestamp);
        if (entry.Subject.IsEmpty)
        {
            _store.Skip(1, entry.Timestamp);
            return true;
        }
        var sequence = entry.LastSequence + 1;
        _store.Append(new StoredMessage
        {
            Sequence = sequence,
            Timestamp = entry.Timestamp,
            Subject = entry.Subject,
            Headers = entry.Headers,
            Payload = entry.Payload,
        });
        var headers = new PublishHeaders(entry.Headers);
        _dedupe.Add(headers.MessageId, sequence, entry.Timestamp);
        RollUp(headers.Rollup, entry.Subject, sequence);
        _limits.Enforce(entry.Subject);
        return true;
    }

    private void RollUp(ReadOnlySpan<byte> rollup, ReadOnlySpan<byte> subject, ulong sequence)
    {
        if (rollup.IsEmpty || !Configuration.AllowRollup || Configuration.DenyPurge) return;
        if (System.Text.Ascii.EqualsIgnoreCase(rollup, "all"u8)) _store.Purge(SubjectFilter.All, sequence, 0);
        else if (System.Text.Ascii.EqualsIgnoreCase(rollup, "sub"u8) && _store.OfSubject(subject).Messages > 1) _store.Purge(SubjectFilter.Of([subject.ToArray()]), sequence, 0);
    }

    private bool ApplyPurge(PurgeStreamEntry? entry)
    {
        if (entry is null) return false;
        var request = entry.Request ?? new PurgeRequestEntry();
        var filter = request.Filter is { Length: > 0 } subject ? SubjectFilter.Of(subject) : SubjectFilter.All;
        // What came after the purge was asked for stays.
        var below = request.Sequence > 0 ? request.Sequence : entry.LastSequence + 1;
        _store.Purge(filter, below, request.Keep);
        return true;
    }

    private bool ApplyDelete(DeleteMessageEntry? entry)
    {
        if (entry is null) return false;
        _store.Remove(entry.Sequence, erase: !entry.NoErase);
        return true;
    }

    private bool ApplySkip(DeleteRangeEntry? entry)
    {
        if (entry is null) return false;
        var state = _store.State;
        var end = entry.First + entry.Count - 1;
        if (entry.Count > 0 && end >= entry.First && end > state.LastSequence) _store.Skip(end - state.LastSequence, state.LastTimestamp);
        return true;
    }

    /// <summary>The ids of the stored messages of the window; the last message's id in any case.</summary>
    private void RememberIds()
    {
        var state = _store.State;
        if (state.Messages == 0) return;
        var from = Math.Min(_store.SequenceAt(state.LastTimestamp - Configuration.DuplicateWindow), state.LastSequence);
        for (var sequence = from; _store.TryLoadNext(SubjectFilter.All, sequence, _buffer); sequence = _buffer.Sequence + 1)
        {
            _dedupe.Add(new PublishHeaders(_buffer.Headers).MessageId, _buffer.Sequence, _buffer.Timestamp);
        }
    }
}
