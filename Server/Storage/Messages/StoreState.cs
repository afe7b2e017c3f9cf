namespace NatsAspire.Server.Storage.Messages;

/// <summary>What a store holds.</summary>
/// <param name="FirstSequence">Of the oldest message; the last one plus 1 when empty.</param>
/// <param name="FirstTimestamp">Nanoseconds since 1970; 0 when empty.</param>
/// <param name="LastSequence">Given last, be the message still there or not; 0: none yet.</param>
/// <param name="LastTimestamp">Of that sequence.</param>
/// <param name="Messages">Messages held.</param>
/// <param name="Bytes">What they count for limits: upstream's file or memory record size each.</param>
/// <param name="Subjects">Literal subjects held.</param>
public readonly record struct StoreState(
    ulong FirstSequence, long FirstTimestamp, ulong LastSequence, long LastTimestamp, ulong Messages, ulong Bytes, int Subjects)
{
    /// <summary>Sequences between the ends without a message.</summary>
    public ulong Deleted => Messages == 0 ? 0 : LastSequence - FirstSequence + 1 - Messages;
}

/// <summary>A literal subject in a store.</summary>
public readonly record struct SubjectEntry(byte[] Subject, ulong Messages, ulong FirstSequence, ulong LastSequence);

/// <summary>Counts and ends of what a filter lets through; zeros: nothing.</summary>
public readonly record struct FilteredState(ulong Messages, ulong FirstSequence, ulong LastSequence);

/// <summary>Sequences from one to another, both included.</summary>
public readonly record struct SequenceRange(ulong First, ulong Last);

/// <summary>What was stored cannot be trusted: nothing was cut or deleted; the message says where.</summary>
public sealed class CorruptStoreException(string message, Exception? inner = null) : IOException(message, inner);
