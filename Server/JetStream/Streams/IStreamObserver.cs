using NatsAspire.Server.JetStream.Replication;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>What becomes of an entry of a stream's log.</summary>
public enum EntryOutcome
{
    /// <summary>It has changed the stream, or would have if there had been anything to change.</summary>
    Applied,

    /// <summary>It was applied before, or is nothing that replicas keep.</summary>
    Passed,

    /// <summary>It waits for the commit of its batch.</summary>
    Staged,

    /// <summary>It has come to nothing, here as on every replica: <see cref="StreamReplica.Failed"/> has grown.</summary>
    Refused,

    /// <summary>This version does not know it, or it is damaged; nothing has changed.</summary>
    Unknown,

    /// <summary>It does not follow what this replica holds, which is therefore not what it should be; nothing has changed.</summary>
    Gap,
}

/// <summary>
/// Hears what entries do to a replica, in the middle of it: must not enter the replica again. Spans live until the call
/// returns.
/// </summary>
public interface IStreamObserver
{
    /// <summary>A message is about to be stored.</summary>
    /// <param name="entry">As in the log.</param>
    /// <param name="sequence">It gets.</param>
    /// <param name="subject">It is stored under.</param>
    void Storing(in StreamMessageEntry entry, ulong sequence, ReadOnlySpan<byte> subject);

    /// <summary>A message has been stored, with all that follows from it, or is left out because nobody wants it.</summary>
    /// <param name="entry">As in the log.</param>
    /// <param name="sequence">It has got.</param>
    /// <param name="subject">It is stored under.</param>
    void Stored(in StreamMessageEntry entry, ulong sequence, ReadOnlySpan<byte> subject);

    /// <summary>A message is not stored, since it expected another last message id.</summary>
    void Refused(in StreamMessageEntry entry);

    /// <summary>An origin's request of flow control has come through the log, and is to be answered now.</summary>
    /// <param name="reply">Where.</param>
    /// <param name="headers">The request's.</param>
    void FlowControlled(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers);

    /// <summary>Messages were purged.</summary>
    void Purged(PurgeStreamEntry entry, ulong count);

    /// <summary>A message was to be removed.</summary>
    /// <param name="entry">Which.</param>
    /// <param name="wasThere">False: it was not there.</param>
    void Deleted(DeleteMessageEntry entry, bool wasThere);
}
