using System.Text;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams.Expiry;

/// <summary>
/// Takes expired messages out of a stream that marks deletes (ADR-43): the last message of a subject makes way for a
/// marker that says so and expires in turn; any other is removed by an entry of the log.
/// </summary>
/// <param name="replica">The leader's own copy of the stream.</param>
internal sealed class DeleteMarkers(StreamReplica replica)
{
    /// <summary>Nanoseconds after which what was proposed and has not come about is proposed again.</summary>
    private const long RetryAfter = 2 * GoDuration.Second;

    private readonly MessageBuffer _message = new();

    /// <summary>Messages whose removal is proposed, by sequence: their subjects. A stream alone has none.</summary>
    private readonly Dictionary<ulong, byte[]> _proposed = [];

    /// <summary>How many of them each subject has.</summary>
    private readonly Dictionary<byte[], ulong> _perSubject = new(ByteArrayComparer.Instance);

    /// <summary>Takes out what is due, at most <see cref="StreamReplica.MaxExpired"/> messages.</summary>
    public void Expire(long now, StreamLeader leader, IStreamEffects effects)
    {
        ForgetRemoved();
        var expiry = replica.Expiry;
        for (var count = 0; count < StreamReplica.MaxExpired && expiry.TryTake(now, out var sequence); count++)
        {
            if (!replica.Store.TryLoad(sequence, _message)) continue;
            var isMarked = IsLast(sequence, leader) && !IsMarker(_message.Headers) ? TryMark(now, leader, effects) : false;
            if (isMarked is null)
            {
                expiry.Retry(sequence, now + StreamLeader.LookAgainAfter);
                continue;
            }
            if (isMarked == false) Remove(sequence, leader, effects);
            if (!replica.Store.TryLoad(sequence, _message)) continue;
            Remember(sequence, _message.Subject.ToArray());
            expiry.Retry(sequence, now + RetryAfter);
        }
    }

    /// <summary>A marker, or what a key-value client puts in its place.</summary>
    private static bool IsMarker(ReadOnlySpan<byte> headers) =>
        (HeaderBlock.TryGet(headers, "Nats-Marker-Reason"u8, out var reason) && !reason.IsEmpty)
        || (HeaderBlock.TryGet(headers, "KV-Operation"u8, out var operation) && operation.SequenceEqual("PURGE"u8));

    /// <summary>Whether no other message of the subject will be left.</summary>
    private bool IsLast(ulong sequence, StreamLeader leader)
    {
        if (leader.IsInFlight(_message.Subject)) return false;
        var messages = replica.Store.OfSubject(_message.Subject).Messages;
        if (_proposed.Count == 0) return messages == 1;
        var going = _perSubject.GetValueOrDefault(_message.Subject.ToArray());
        return messages - (_proposed.ContainsKey(sequence) ? going - 1 : going) == 1;
    }

    /// <summary>Puts a marker in a message's place. It replaces the subject's messages.</summary>
    /// <returns>False: it cannot be stored. Null: that cannot be known yet.</returns>
    private bool? TryMark(long now, StreamLeader leader, IStreamEffects effects)
    {
        var seconds = GoDuration.OfSeconds(replica.Configuration.SubjectDeleteMarkerTtl / GoDuration.Second);
        var headers = Encoding.ASCII.GetBytes($"NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: {seconds}\r\nNats-Rollup: sub\r\n\r\n");
        var subject = _message.Subject;
        // Under another subject it would mark another's end, and leave this message where it is.
        return replica.KeepsSubject(subject)
            ? leader.Store(new StoredMessage { Sequence = 0, Timestamp = now, Subject = subject, Headers = headers }, effects)
            : false;
    }

    private void Remove(ulong sequence, StreamLeader leader, IStreamEffects effects)
    {
        var entry = new DeleteMessageEntry { Stream = replica.Configuration.Name, Sequence = sequence, NoErase = true };
        leader.Propose(JsonEntry.Encode(EntryOperation.DeleteMessage, entry, EntryJson.Default.DeleteMessageEntry), effects);
    }

    private void Remember(ulong sequence, byte[] subject)
    {
        if (_proposed.TryAdd(sequence, subject)) _perSubject[subject] = _perSubject.GetValueOrDefault(subject) + 1;
    }

    private void ForgetRemoved()
    {
        foreach (var (sequence, subject) in _proposed)
        {
            if (replica.Store.TryLoad(sequence, _message)) continue;
            _proposed.Remove(sequence);
            if (--_perSubject[subject] == 0) _perSubject.Remove(subject);
        }
    }
}
