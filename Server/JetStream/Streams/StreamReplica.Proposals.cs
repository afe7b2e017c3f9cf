using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>What becomes of a message before it is in the log: the leader's side.</summary>
public partial class StreamReplica
{
    private readonly HeaderEditor _proposedHeaders = new();
    private readonly HeaderEditor _normalized = new();
    private PublishAdmission _admission;
    private BatchAdmission _batchAdmission;
    private SubjectRewriter _proposedSubjects;

    /// <summary>Judges a message a client has published, as the leader.</summary>
    /// <param name="message">Its sequence counts for nothing; its time is the leader's clock.</param>
    /// <param name="reply">Where the acknowledgement goes; empty: nowhere.</param>
    /// <param name="entry">To be appended to the log when the message is admitted; good until the next proposal.</param>
    /// <param name="isSourced">It comes from another stream, or from the stream itself.</param>
    public Admission Propose(in StoredMessage message, ReadOnlySpan<byte> reply, out StreamMessageEntry entry, bool isSourced = false) =>
        Propose(message, reply, out entry, isSourced, null);

    /// <summary>The same behind what has been proposed and not applied yet.</summary>
    /// <param name="message">It can be judged now (<see cref="Foresight"/>).</param>
    /// <param name="reply">Where the acknowledgement goes; empty: nowhere.</param>
    /// <param name="entry">To be appended to the log when the message is admitted; good until the next proposal.</param>
    /// <param name="isSourced">It comes from another stream, or from the stream itself.</param>
    /// <param name="flight">What comes before it; null: nothing ever does.</param>
    internal Admission Propose(in StoredMessage message, ReadOnlySpan<byte> reply, out StreamMessageEntry entry, bool isSourced, InFlight? flight)
    {
        var last = _store.State;
        var sequence = (flight?.LastSequence ?? last.LastSequence) + 1;
        var admission = _admission.Judge(
            new StoredMessage
            {
                Sequence = sequence,
                Timestamp = message.Timestamp,
                Subject = _proposedSubjects.Rewrite(message.Subject, sequence),
                Headers = message.Headers,
                Payload = message.Payload,
            },
            isSourced,
            flight);
        entry = new StreamMessageEntry
        {
            LastSequence = flight?.LogSequence ?? last.LastSequence,
            // Time does not run backwards in a stream.
            Timestamp = Math.Max(message.Timestamp, flight?.LastTimestamp ?? last.LastTimestamp),
            IsJudged = flight is not null && !new PublishHeaders(message.Headers).ExpectedLastMessageId.IsEmpty,
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
    /// <param name="flight">What comes before the batch and is not applied yet; null: nothing ever does.</param>
    internal Admission Judge(in StoredMessage message, StagedChanges staged, InFlight? flight) => _batchAdmission.Judge(
        new StoredMessage
        {
            Sequence = message.Sequence,
            Timestamp = message.Timestamp,
            Subject = _proposedSubjects.Rewrite(message.Subject, message.Sequence),
            Headers = message.Headers,
            Payload = message.Payload,
        },
        staged,
        flight);

    /// <summary>The subject that a message will be stored under; good until the next proposal.</summary>
    internal ReadOnlySpan<byte> StoredSubjectOf(ReadOnlySpan<byte> subject, ulong sequence) => _proposedSubjects.Rewrite(subject, sequence);

    /// <summary>What a message will count for limits when it is stored.</summary>
    /// <param name="entry">It.</param>
    /// <param name="subject">It will be stored under.</param>
    internal ulong SizeOf(in StreamMessageEntry entry, ReadOnlySpan<byte> subject) => _store.SizeOf(new StoredMessage
    {
        Sequence = 0,
        Timestamp = entry.Timestamp,
        Subject = subject,
        Headers = entry.Headers.IsEmpty ? default : MessageNormalizer.Normalize(entry.Headers, new PublishHeaders(entry.Headers), Configuration, _normalized, out _),
        Payload = entry.Payload,
    });

    /// <summary>Whether messages published under a subject are stored under it.</summary>
    internal bool KeepsSubject(ReadOnlySpan<byte> subject) => _proposedSubjects.Rewrite(subject, _store.State.LastSequence + 1).SequenceEqual(subject);
}
