namespace NatsAspire.Server.Storage.Messages;

/// <summary>
/// The messages of one stream. Belongs to the stream's mailbox: one thread at a time, no locks. It decides nothing:
/// limits, dedupe and retention are the stream's. Durability comes from the log of operations in front of it (the
/// write-ahead log or a Raft log): the store tells how far it has applied that log durably (<see cref="AppliedIndex"/>),
/// and the operations behind are applied again at the next start.
/// </summary>
/// <remarks>
/// Sequences begin at 1 and never go down. Subjects given to lookups may hold wildcards unless said otherwise; an empty
/// filter means every subject. All members throw <see cref="Disk.DiskException"/> when the disk fails and
/// <see cref="CorruptStoreException"/> when what was stored cannot be trusted.
/// </remarks>
public interface IMessageStore : IDisposable
{
    /// <summary>Counts and ends; a value, cheap to read.</summary>
    StoreState State { get; }

    /// <summary>Last operation of the log whose effect survives a crash now.</summary>
    ulong AppliedIndex { get; }

    /// <summary>Bytes on the disk that nothing needs and the next checkpoint gives back.</summary>
    long ReclaimableBytes { get; }

    /// <summary>
    /// A sequence that the store's owner wants to know again at the next start: kept by each checkpoint, means nothing to
    /// the store. <see cref="ulong.MaxValue"/>: none was ever set.
    /// </summary>
    ulong Landmark { get; set; }

    /// <summary>Is told of what comes and goes; null: nobody is.</summary>
    IStoreObserver? Observer { get; set; }

    /// <summary>Adds the message after <see cref="StoreState.LastSequence"/>.</summary>
    /// <param name="message">Its sequence must be the last one plus 1; its time not before the last one's.</param>
    void Append(in StoredMessage message);

    /// <summary>Leaves sequences out, as if those messages had been removed.</summary>
    /// <param name="count">How many after the last sequence.</param>
    /// <param name="timestamp">Becomes the last time.</param>
    void Skip(ulong count, long timestamp);

    /// <summary>Reads one message; its spans live in the buffer until its next use.</summary>
    /// <returns>False when it is not there (any more).</returns>
    bool TryLoad(ulong sequence, MessageBuffer into);

    /// <summary>How far messages from a sequence on can be read without waiting for a disk.</summary>
    /// <returns>The last such sequence, <see cref="ulong.MaxValue"/>: all that there are; 0: the first may have to be read.</returns>
    ulong AtHandThrough(ulong sequence);

    /// <summary>Whether the last message of a literal subject, or that there is none, can be known without waiting for a disk.</summary>
    bool IsLastAtHand(ReadOnlySpan<byte> subject);

    /// <summary>The last message of a literal subject, at or below a sequence.</summary>
    bool TryLoadLast(ReadOnlySpan<byte> subject, ulong atMost, MessageBuffer into);

    /// <summary>The first message at or above a sequence that a filter lets through.</summary>
    bool TryLoadNext(SubjectFilter filter, ulong atLeast, MessageBuffer into);

    /// <summary>The first message at or below a sequence, going down, that a filter lets through.</summary>
    bool TryLoadPrevious(SubjectFilter filter, ulong atMost, MessageBuffer into);

    /// <summary>Removes a message; false when it is not there.</summary>
    /// <param name="sequence">Which.</param>
    /// <param name="erase">Its bytes are overwritten too.</param>
    bool Remove(ulong sequence, bool erase);

    /// <summary>Removes messages of a filter.</summary>
    /// <param name="filter">Which subjects.</param>
    /// <param name="below">Only sequences below this; 0: all. One beyond the last, when every subject is meant and none kept, becomes the first.</param>
    /// <param name="keep">So many of the newest stay.</param>
    /// <returns>Messages removed.</returns>
    ulong Purge(SubjectFilter filter, ulong below, ulong keep);

    /// <summary>Removes everything below a sequence, which becomes the first (also beyond the last one).</summary>
    ulong Compact(ulong first);

    /// <summary>Removes everything above a sequence, which becomes the last: what a Raft log took back.</summary>
    void Truncate(ulong last);

    /// <summary>Count and ends of each literal subject that a filter lets through.</summary>
    IEnumerable<SubjectEntry> Subjects(SubjectFilter filter);

    /// <summary>Count and ends of one literal subject. Allocates nothing.</summary>
    FilteredState OfSubject(ReadOnlySpan<byte> subject);

    /// <summary>What a message counts in <see cref="StoreState.Bytes"/>.</summary>
    ulong SizeOf(in StoredMessage message);

    /// <summary>Counts and ends over all subjects of a filter, from a sequence on.</summary>
    FilteredState Filtered(SubjectFilter filter, ulong atLeast);

    /// <summary>How many messages from a sequence on a filter lets through.</summary>
    /// <param name="filter">Which subjects.</param>
    /// <param name="atLeast">First sequence counted.</param>
    /// <param name="lastPerSubject">Only the last message of each subject counts.</param>
    ulong CountPending(SubjectFilter filter, ulong atLeast, bool lastPerSubject);

    /// <summary>The last sequence of each subject of the filters, ascending.</summary>
    /// <param name="filter">Which subjects.</param>
    /// <param name="atMost">Only messages at or below; 0: all.</param>
    /// <param name="limit">More than so many: null.</param>
    IReadOnlyList<ulong>? LastSequences(SubjectFilter filter, ulong atMost, int limit);

    /// <summary>First sequence stored at or after a time (nanoseconds since 1970); last plus 1 when there is none.</summary>
    ulong SequenceAt(long timestamp);

    /// <summary>Removed sequences between the first and the last, as ascending ranges.</summary>
    IEnumerable<SequenceRange> Deleted();

    /// <summary>
    /// Begins to make everything applied so far durable. The work itself may run on any thread while the store goes on;
    /// one at a time.
    /// </summary>
    /// <param name="appliedIndex">The last operation of the log that has been applied.</param>
    IStoreCheckpoint BeginCheckpoint(ulong appliedIndex);
}

/// <summary>A checkpoint under way.</summary>
public interface IStoreCheckpoint
{
    /// <summary>Writes and syncs. On any thread; blocks for as long as the disk does.</summary>
    void Run();

    /// <summary>Back in the mailbox, after <see cref="Run"/>: the store's <see cref="IMessageStore.AppliedIndex"/> moves, old files go.</summary>
    void Complete();
}
