using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>What becomes of a message before it is in the log: the leader's side.</summary>
public sealed partial class StreamReplica
{
    private readonly HeaderEditor _proposedHeaders = new();
    private PublishAdmission _admission;
    private BatchAdmission _batchAdmission;
    private SubjectRewriter _proposedSubjects;

    /// <summary>Judges a message a client has published, as the leader.</summary>
    /// <param name="message">Its sequence counts for nothing; its time is the leader's clock.</param>
    /// <param name="reply">Where the acknowledgement goes; empty: nowhere.</param>
    /// <param name="entry">To be appended to the log when the message is admitted; good until the next proposal.</param>
    /// <param name="isSourced">It comes from another stream, or from the stream itself.</param>
    public Admission Propose(in StoredMessage message, ReadOnlySpan<byte> reply, out StreamMessageEntry entry, bool isSourced = false)
    {
        var last = _store.State;
        var admission = _admission.Judge(
            new StoredMessage
            {
                Sequence = last.LastSequence + 1,
                Timestamp = message.Timestamp,
                Subject = _proposedSubjects.Rewrite(message.Subject, last.LastSequence + 1),
                Headers = message.Headers,
                Payload = message.Payload,
            },
            isSourced);
        entry = new StreamMessageEntry
        {
            LastSequence = last.LastSequence,
            // Time does not run backwards in a stream.
            Timestamp = Math.Max(message.Timestamp, last.LastTimestamp),
            Subject = message.Subject,
            Reply = reply,
            Headers = ProposedHeaders.Of(message.Headers, admission.AddsRollup, admission.Change, _proposedHeaders),
            Payload = admission.Change is { } change ? change.Payload : message.Payload,
            IsSourced = isSourced,
        };
        return entry.Headers.Length > ushort.MaxValue && admission.Error is null ? JetStreamErrors.JSStreamHeaderExceedsMaximumErr : admission;
    }

    /// <summary>Judges the next message of a batch.</summary>
    /// <param name="message">As published, with the sequence it would get.</param>
    /// <param name="staged">Those before it.</param>
    internal Admission Judge(in StoredMessage message, StagedChanges staged) => _batchAdmission.Judge(
        new StoredMessage
        {
            Sequence = message.Sequence,
            Timestamp = message.Timestamp,
            Subject = _proposedSubjects.Rewrite(message.Subject, message.Sequence),
            Headers = message.Headers,
            Payload = message.Payload,
        },
        staged);

    /// <summary>Whether messages published under a subject are stored under it.</summary>
    internal bool KeepsSubject(ReadOnlySpan<byte> subject) => _proposedSubjects.Rewrite(subject, _store.State.LastSequence + 1).SequenceEqual(subject);
}
