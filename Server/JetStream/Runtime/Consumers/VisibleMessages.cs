using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>
/// A stream's messages as its consumers see them: only those that a loss of power cannot take back, or a consumer would
/// have been given a message that never was, and its sequence might become another's. To be read only.
/// </summary>
/// <param name="store">The stream's.</param>
internal sealed class VisibleMessages(IMessageStore store) : IMessageStore
{
    /// <summary>The last sequence that may be seen.</summary>
    public ulong Last { get; set; }

    public StoreState State
    {
        get
        {
            var state = store.State;
            return state.LastSequence <= Last ? state : state with { LastSequence = Last };
        }
    }

    public long ReclaimableBytes => store.ReclaimableBytes;

    public ulong AppliedIndex => store.AppliedIndex;

    public ulong Landmark { get => store.Landmark; set => throw ReadOnly(); }

    public IStoreObserver? Observer { get => null; set => throw ReadOnly(); }

    private bool HidesSome => store.State.LastSequence > Last;

    public bool TryLoad(ulong sequence, MessageBuffer into) => sequence <= Last && store.TryLoad(sequence, into);

    public bool IsLastAtHand(ReadOnlySpan<byte> subject) => store.IsLastAtHand(subject);

    public ulong AtHandThrough(ulong sequence) => store.AtHandThrough(sequence);

    public bool TryLoadLast(ReadOnlySpan<byte> subject, ulong atMost, MessageBuffer into) => store.TryLoadLast(subject, Math.Min(atMost, Last), into);

    public bool TryLoadNext(SubjectFilter filter, ulong atLeast, MessageBuffer into) =>
        atLeast <= Last && store.TryLoadNext(filter, atLeast, into) && into.Sequence <= Last;

    public bool TryLoadPrevious(SubjectFilter filter, ulong atMost, MessageBuffer into) => store.TryLoadPrevious(filter, Math.Min(atMost, Last), into);

    public IEnumerable<SubjectEntry> Subjects(SubjectFilter filter) => store.Subjects(filter);

    public FilteredState OfSubject(ReadOnlySpan<byte> subject) => store.OfSubject(subject);

    public ulong SizeOf(in StoredMessage message) => store.SizeOf(message);

    public FilteredState Filtered(SubjectFilter filter, ulong atLeast)
    {
        var all = store.Filtered(filter, atLeast);
        if (!HidesSome || all.LastSequence <= Last) return all;
        var message = new MessageBuffer();
        if (all.FirstSequence > Last || !store.TryLoadPrevious(filter, Last, message) || message.Sequence < all.FirstSequence) return default;
        return all with { Messages = all.Messages - store.CountPending(filter, Last + 1, lastPerSubject: false), LastSequence = message.Sequence };
    }

    public ulong CountPending(SubjectFilter filter, ulong atLeast, bool lastPerSubject)
    {
        if (atLeast > Last) return 0;
        var all = store.CountPending(filter, atLeast, lastPerSubject);
        return HidesSome ? all - Math.Min(all, store.CountPending(filter, Last + 1, lastPerSubject)) : all;
    }

    public IReadOnlyList<ulong>? LastSequences(SubjectFilter filter, ulong atMost, int limit) =>
        store.LastSequences(filter, HidesSome && (atMost == 0 || atMost > Last) ? Last : atMost, limit);

    public ulong SequenceAt(long timestamp) => Math.Min(store.SequenceAt(timestamp), Last + 1);

    public IEnumerable<SequenceRange> Deleted() => store.Deleted();

    public void Append(in StoredMessage message) => throw ReadOnly();

    public void Skip(ulong count, long timestamp) => throw ReadOnly();

    public bool Remove(ulong sequence, bool erase) => throw ReadOnly();

    public ulong Purge(SubjectFilter filter, ulong below, ulong keep) => throw ReadOnly();

    public ulong Compact(ulong first) => throw ReadOnly();

    public void Truncate(ulong last) => throw ReadOnly();

    public IStoreCheckpoint BeginCheckpoint(ulong appliedIndex) => throw ReadOnly();

    public void Dispose()
    {
        // The messages are the stream's.
    }

    private static InvalidOperationException ReadOnly() => new("Consumers only read.");
}
