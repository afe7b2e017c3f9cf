using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>Why a message may not be added.</summary>
public enum LimitReached
{
    None,
    Messages,
    Bytes,
    MessagesPerSubject,
}

/// <summary>
/// What a stream may hold. Which messages go follows from the messages alone, so that all replicas drop the same ones.
/// </summary>
/// <param name="configuration">The stream's.</param>
/// <param name="store">Its messages.</param>
public sealed class StreamLimits(StreamConfiguration configuration, IMessageStore store)
{
    private readonly MessageBuffer _first = new();

    /// <summary>Whether a message would go beyond what a stream that discards new messages holds.</summary>
    /// <param name="message">The message.</param>
    /// <param name="isRollup">It replaces those of its subject, and so makes room.</param>
    public LimitReached Check(in StoredMessage message, bool isRollup)
    {
        if (configuration.Discard != DiscardPolicy.New) return LimitReached.None;
        var subject = configuration.MaxMessagesPerSubject > 0 ? store.OfSubject(message.Subject) : default;
        var replaces = configuration.MaxMessagesPerSubject > 0 && subject.Messages >= (ulong)configuration.MaxMessagesPerSubject;
        if (replaces && configuration.DiscardNewPerSubject && !isRollup) return LimitReached.MessagesPerSubject;
        var state = store.State;
        if (configuration.MaxMessages > 0 && state.Messages >= (ulong)configuration.MaxMessages && !replaces) return LimitReached.Messages;
        if (configuration.MaxBytes <= 0) return LimitReached.None;
        var size = store.SizeOf(message);
        if (state.Bytes + size <= (ulong)configuration.MaxBytes) return LimitReached.None;
        // The oldest of its subject goes: that may be room enough.
        return replaces && store.TryLoad(subject.FirstSequence, _first) && SizeOf(_first) >= size ? LimitReached.None : LimitReached.Bytes;
    }

    /// <summary>The same for a message that others come before which are not applied yet.</summary>
    /// <param name="message">The message.</param>
    /// <param name="isRollup">It replaces those of its subject, and so makes room.</param>
    /// <param name="flight">What comes before it.</param>
    /// <param name="isCertain">False: it depends on what the others do.</param>
    internal LimitReached CheckAhead(in StoredMessage message, bool isRollup, InFlight flight, out bool isCertain)
    {
        isCertain = true;
        if (flight.IsEmpty || configuration.Discard != DiscardPolicy.New) return Check(message, isRollup);
        if (configuration.DiscardNewPerSubject && !flight.FollowsSubjects)
        {
            flight.FollowSubjects();
            isCertain = false;
            return LimitReached.None;
        }
        var reached = CheckSums(message, isRollup, flight);
        // What takes the place of another makes room for it, too.
        var mayReplace = configuration.MaxMessagesPerSubject > 0 && (isRollup || !configuration.DiscardNewPerSubject);
        isCertain = reached == LimitReached.None || (flight.Removals == 0 && !mayReplace);
        return reached;
    }

    private LimitReached CheckSums(in StoredMessage message, bool isRollup, InFlight flight)
    {
        if (configuration.MaxMessagesPerSubject > 0 && configuration.DiscardNewPerSubject && !isRollup)
        {
            var held = store.OfSubject(message.Subject).Messages + (ulong)(flight.On(message.Subject)?.Count ?? 0);
            if (held >= (ulong)configuration.MaxMessagesPerSubject) return LimitReached.MessagesPerSubject;
        }
        var state = store.State;
        if (configuration.MaxMessages > 0 && state.Messages + flight.Messages >= (ulong)configuration.MaxMessages) return LimitReached.Messages;
        var bytes = state.Bytes + flight.Bytes + store.SizeOf(message);
        return configuration.MaxBytes > 0 && bytes > (ulong)configuration.MaxBytes ? LimitReached.Bytes : LimitReached.None;
    }

    /// <summary>Drops what is too much after a message was added.</summary>
    /// <param name="subject">The message's.</param>
    public void Enforce(ReadOnlySpan<byte> subject)
    {
        EnforcePerSubject(subject);
        if (configuration.Discard != DiscardPolicy.Old) return;
        while (configuration.MaxMessages > 0 && store.State.Messages > (ulong)configuration.MaxMessages) RemoveFirst();
        while (configuration.MaxBytes > 0 && store.State.Bytes > (ulong)configuration.MaxBytes) RemoveFirst();
    }

    /// <summary>Drops what is too much for another configuration, everywhere.</summary>
    public void EnforceAll()
    {
        if (configuration.MaxMessagesPerSubject > 0)
        {
            foreach (var entry in store.Subjects(SubjectFilter.All).Where(entry => entry.Messages > (ulong)configuration.MaxMessagesPerSubject).ToList())
            {
                EnforcePerSubject(entry.Subject);
            }
        }
        Enforce(default);
    }

    private void EnforcePerSubject(ReadOnlySpan<byte> subject)
    {
        if (configuration.MaxMessagesPerSubject <= 0 || subject.IsEmpty) return;
        while (store.OfSubject(subject) is var held && held.Messages > (ulong)configuration.MaxMessagesPerSubject)
        {
            store.Remove(held.FirstSequence, erase: false);
        }
    }

    private void RemoveFirst() => store.Remove(store.State.FirstSequence, erase: false);

    private ulong SizeOf(MessageBuffer message) => store.SizeOf(new StoredMessage
    {
        Sequence = message.Sequence,
        Timestamp = message.Timestamp,
        Subject = message.Subject,
        Headers = message.Headers,
        Payload = message.Payload,
    });
}
