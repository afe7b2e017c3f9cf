using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// Whether the leader of a replicated stream can judge a message now, by what it has proposed and not applied yet, just
/// as it would judge it when all that is applied. Where what is under way may take messages away that matter, it cannot:
/// then the message waits, which costs time and never a wrong answer.
/// </summary>
/// <param name="replica">The leader's own copy of the stream.</param>
/// <param name="flight">What is under way.</param>
internal sealed class Foresight(StreamReplica replica, InFlight flight)
{
    /// <summary>Bytes that any message counts at least.</summary>
    private const ulong SmallestMessage = 16;

    private readonly MessageBuffer _buffer = new();

    private StreamConfiguration Configuration => replica.Configuration;

    private IMessageStore Store => replica.Store;

    /// <summary>Whether a message can be judged.</summary>
    /// <param name="message">As published.</param>
    /// <param name="isSourced">It comes from another stream, or from the stream itself.</param>
    public bool IsClear(in StoredMessage message, bool isSourced)
    {
        if (flight.IsEmpty) return true;
        if (flight.IsFull) return false;
        var subject = replica.StoredSubjectOf(message.Subject, flight.LastSequence + 1);
        var headers = new PublishHeaders(message.Headers);
        if (Configuration.AllowMessageCounter && !TryFindLast(subject, out _)) return false;
        if (!headers.IsEmpty)
        {
            if (headers.ExpectedLastSubjectSequence is not null && !TryFindLast(headers.ExpectedLastSubject.IsEmpty ? subject : headers.ExpectedLastSubject, out _)) return false;
            if (!isSourced && !headers.Scheduler.IsEmpty) return false;
        }
        return HasCertainRoom(message, subject, isRollup: !headers.Rollup.IsEmpty || !headers.Schedule.IsEmpty, isSourced);
    }

    /// <summary>Whether a message of a batch can be judged together with the rest of it.</summary>
    /// <param name="message">As published.</param>
    /// <param name="others">Messages of the batch that are judged before.</param>
    /// <param name="othersSize">What they will count for limits, or less.</param>
    public bool IsClear(in StoredMessage message, int others, long othersSize)
    {
        if (flight.IsEmpty) return true;
        if (flight.IsFull || Configuration.AllowMessageCounter) return false;
        var headers = new PublishHeaders(message.Headers);
        if (!headers.IsEmpty && (headers.ExpectedLastSubjectSequence is not null || !headers.Scheduler.IsEmpty)) return false;
        var size = SizeOf(message);
        if (replica.Room is { } room && !room.HasRoomFor(size + flight.Bytes + (ulong)othersSize)) return false;
        if (Configuration.Discard != DiscardPolicy.New) return true;
        if (Configuration.DiscardNewPerSubject) return false;
        var state = Store.State;
        return (Configuration.MaxMessages <= 0 || state.Messages + flight.Messages + (ulong)others + 1 <= (ulong)Configuration.MaxMessages)
            && (Configuration.MaxBytes <= 0 || state.Bytes + flight.Bytes + (ulong)othersSize + size <= (ulong)Configuration.MaxBytes);
    }

    /// <summary>What a message counts under the subject that it is stored under.</summary>
    public ulong SizeOf(in StoredMessage message) => Store.SizeOf(As(message, replica.StoredSubjectOf(message.Subject, flight.LastSequence + 1)));

    /// <summary>The last sequence that a subject will have, 0 when none, if that can be known now.</summary>
    public bool TryFindLast(ReadOnlySpan<byte> subject, out ulong last)
    {
        last = 0;
        if (flight.IsEmpty)
        {
            last = PublishRules.LastSequence(Store, subject, _buffer);
            return true;
        }
        var isFollowed = flight.FollowsSubjects;
        flight.FollowSubjects();
        if (!isFollowed || flight.Removals > 0 || SubjectRules.HasWildcard(subject)) return false;
        if (flight.On(subject) is { } there)
        {
            last = there.Last;
            return !MayLoseOwn;
        }
        last = PublishRules.LastSequence(Store, subject, _buffer);
        return last == 0 || !MayLose(last);
    }

    /// <summary>What is under way is so much that limits may drop some of it.</summary>
    private bool MayLoseOwn => Configuration.Discard == DiscardPolicy.Old
        && ((Configuration.MaxMessages > 0 && flight.Messages >= (ulong)Configuration.MaxMessages) || (Configuration.MaxBytes > 0 && flight.Bytes >= (ulong)Configuration.MaxBytes));

    /// <summary>Whether what is under way may push a stored message out at the stream's beginning.</summary>
    private bool MayLose(ulong sequence)
    {
        if (Configuration.Discard != DiscardPolicy.Old) return false;
        var state = Store.State;
        var messages = Configuration.MaxMessages > 0 ? Excess(state.Messages + flight.Messages, (ulong)Configuration.MaxMessages) : 0;
        var bytes = Configuration.MaxBytes > 0 ? Excess(state.Bytes + flight.Bytes, (ulong)Configuration.MaxBytes) : 0;
        if (messages == 0 && bytes == 0) return false;
        var gone = messages + (bytes == 0 ? 0 : (bytes / SmallestMessage) + 1);
        return sequence - state.FirstSequence + 1 <= state.Deleted + gone;
    }

    private static StoredMessage As(in StoredMessage message, ReadOnlySpan<byte> subject) =>
        new() { Sequence = 0, Timestamp = 0, Subject = subject, Headers = message.Headers, Payload = message.Payload };

    private static ulong Excess(ulong amount, ulong limit) => amount > limit ? amount - limit : 0;

    private bool HasCertainRoom(in StoredMessage message, ReadOnlySpan<byte> subject, bool isRollup, bool isSourced)
    {
        var stored = As(message, subject);
        if (!isSourced && replica.Room is { } room)
        {
            var size = Store.SizeOf(stored);
            if (room.HasRoomFor(size) && !room.HasRoomFor(size + flight.Bytes)) return false;
        }
        if (Configuration.Discard != DiscardPolicy.New) return true;
        replica.Limits.CheckAhead(stored, isRollup, flight, out var isCertain);
        return isCertain;
    }
}
