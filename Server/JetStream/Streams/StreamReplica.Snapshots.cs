using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Storage.Migration;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>Replicas that are behind: what a snapshot says goes, and messages fetched from the leader.</summary>
public partial class StreamReplica
{
    /// <summary>What it holds now, for the log to be cut off here. Not while a batch waits (<see cref="HasStagedBatch"/>).</summary>
    /// <exception cref="InvalidOperationException">A batch waits: it would be lost.</exception>
    public byte[] TakeSnapshot()
    {
        if (HasStagedBatch) throw new InvalidOperationException("A batch waits for its commit.");
        return StreamSnapshot.Encode(_store.State, Failed, _store.Deleted());
    }

    /// <summary>
    /// Goes by a snapshot: what is gone there goes here. Messages that are missing then are those after its own last one
    /// (<see cref="TakeFetched"/>), and <see cref="CountLacking"/>.
    /// </summary>
    /// <param name="snapshot">Of the same log, at or after the last entry applied here.</param>
    public void Install(StreamSnapshot snapshot)
    {
        DropStaged();
        Failed = snapshot.Failed;
        if (snapshot.FirstSequence > _store.State.FirstSequence) _store.Compact(snapshot.FirstSequence);
        var gone = Within(snapshot.Deleted, _store.State).Without(_store.Deleted()).ToList();
        foreach (var range in gone)
        {
            for (var sequence = range.First; _store.TryLoadNext(SubjectFilter.All, sequence, _buffer) && _buffer.Sequence <= range.Last; sequence = _buffer.Sequence + 1)
            {
                _store.Remove(_buffer.Sequence, erase: false);
            }
        }
    }

    /// <summary>
    /// How many messages of a snapshot are missing here that this replica should have: the expired, or lost ones.
    /// Fetching what comes after the last one does not bring them back.
    /// </summary>
    public ulong CountLacking(StreamSnapshot snapshot)
    {
        var state = _store.State;
        var last = Math.Min(state.LastSequence, snapshot.LastSequence);
        if (last < snapshot.FirstSequence) return 0;
        IEnumerable<SequenceRange> head = state.FirstSequence > snapshot.FirstSequence
            ? [new SequenceRange(snapshot.FirstSequence, Math.Min(state.FirstSequence - 1, last))]
            : [];
        var lacking = 0UL;
        foreach (var range in head.Concat(_store.Deleted()).Without(snapshot.Deleted))
        {
            var (from, to) = (Math.Max(range.First, snapshot.FirstSequence), Math.Min(range.Last, last));
            if (from <= to) lacking += to - from + 1;
        }
        return lacking;
    }

    /// <summary>
    /// Stores what the leader has sent of its messages: a message under its own sequence and subject, or sequences
    /// that are left out.
    /// </summary>
    /// <param name="message">Operation 4, 14 or 15, as in the log; the last sequence told is the message's own.</param>
    /// <param name="limit">The last sequence asked for.</param>
    /// <returns>Null, or what is wrong with it; nothing has changed then.</returns>
    public string? TakeFetched(ReadOnlySpan<byte> message, ulong limit)
    {
        if (message.IsEmpty) return "bad catchup msg";
        if (message[0] == (byte)EntryOperation.DeleteRange) return TakeRange(JsonEntry.Decode(EntryOperation.DeleteRange, message, EntryJson.Default.DeleteRangeEntry), limit);
        if (!StreamMessageEntry.TryDecode(message, _scratch, out var entry) || !entry.BatchId.IsEmpty) return "bad catchup msg";
        var state = _store.State;
        if (entry.LastSequence != state.LastSequence + 1 || entry.LastSequence > limit) return $"message {entry.LastSequence} does not follow {state.LastSequence}";
        if (entry.Subject.IsEmpty)
        {
            _store.Skip(1, state.LastTimestamp);
            return null;
        }
        var headers = new PublishHeaders(entry.Headers);
        var timestamp = Math.Max(entry.Timestamp, state.LastTimestamp);
        _store.Append(new StoredMessage
        {
            Sequence = entry.LastSequence,
            Timestamp = timestamp,
            Subject = entry.Subject,
            Headers = entry.Headers,
            Payload = entry.Payload,
        });
        Remember(headers.MessageId, entry.LastSequence, timestamp);
        if (PublishHeaders.TryParseTtl(headers.Ttl, out var ttl)) _expiry.Add(entry.LastSequence, timestamp, ttl);
        _schedules?.Stored(headers, entry.Subject, entry.LastSequence, timestamp);
        return null;
    }

    private string? TakeRange(DeleteRangeEntry? range, ulong limit)
    {
        var state = _store.State;
        if (range is null || range.Count == 0) return "bad catchup msg";
        if (range.First != state.LastSequence + 1 || range.First > limit || range.Count > limit - range.First + 1) return "wrong sequence for skipped msg";
        _store.Skip(range.Count, state.LastTimestamp);
        return null;
    }

    /// <summary>The part of ranges that lies between the ends of what is held.</summary>
    private static IEnumerable<SequenceRange> Within(IEnumerable<SequenceRange> ranges, StoreState state)
    {
        foreach (var range in ranges)
        {
            var (first, last) = (Math.Max(range.First, state.FirstSequence), Math.Min(range.Last, state.LastSequence));
            if (first <= last) yield return new SequenceRange(first, last);
        }
    }
}
