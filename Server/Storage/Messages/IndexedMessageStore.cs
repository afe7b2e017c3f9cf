using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>
/// What the stores have in common: counts and ends, the index of subjects, removed sequences, and every query over
/// chunks of records. Where the chunks are is the heir's.
/// </summary>
public abstract partial class IndexedMessageStore : IMessageStore
{
    private ulong _first = 1;
    private ulong _last;
    private ulong _messages;
    private ulong _bytes;
    private long _lastTimestamp;
    private long? _firstTimestamp;

    private protected IndexedMessageStore()
    {
    }

    /// <inheritdoc/>
    public StoreState State => new(_first, FirstTimestamp(), _last, _lastTimestamp, _messages, _bytes, Index.Count);

    /// <inheritdoc/>
    public abstract ulong AppliedIndex { get; }

    /// <inheritdoc/>
    public virtual long ReclaimableBytes => 0;

    /// <inheritdoc/>
    public ulong Landmark { get; set; } = ulong.MaxValue;

    /// <inheritdoc/>
    public IStoreObserver? Observer { get; set; }

    private protected SubjectTree<SubjectTotals> Index { get; private set; } = new();

    /// <summary>Removed sequences above the first one.</summary>
    private protected SequenceSet RemovedSequences { get; private set; } = new();

    private protected ulong FirstSequence => _first;

    private protected ulong LastSequence => _last;

    /// <inheritdoc/>
    public void Append(in StoredMessage message)
    {
        if (message.Sequence != _last + 1) throw new ArgumentException($"Message {message.Sequence} after {_last}.", nameof(message));
        var id = Index.FindOrAdd(message.Subject, out _);
        try
        {
            Store(message);
        }
        catch
        {
            if (Index[id].Messages == 0) Index.Remove(message.Subject);
            throw;
        }
        Index.Edit(id).Add(message.Sequence);
        if (_messages == 0) (_first, _firstTimestamp) = (message.Sequence, message.Timestamp);
        _messages++;
        _bytes += SizeOf(message);
        (_last, _lastTimestamp) = (message.Sequence, message.Timestamp);
        Observer?.Added(message.Sequence, message.Subject);
    }

    /// <inheritdoc/>
    public void Skip(ulong count, long timestamp)
    {
        if (count == 0) return;
        var last = checked(_last + count);
        if (_messages == 0) _first = last + 1;
        else RemovedSequences.AddRange(_last + 1, last);
        (_last, _lastTimestamp) = (last, timestamp);
    }

    /// <inheritdoc/>
    public bool Remove(ulong sequence, bool erase)
    {
        if (!IsLive(sequence)) return false;
        var chunk = Holding(sequence, out var index);
        RemoveRecord(chunk, index, erase);
        return true;
    }

    /// <inheritdoc/>
    public ulong Purge(SubjectFilter filter, ulong below, ulong keep)
    {
        if (filter.IsAll && below == 0 && keep == 0) return Clear();
        if (filter.IsAll && keep == 0) return Compact(below);
        var matching = CountPending(filter, 0, lastPerSubject: false);
        if (matching <= keep) return 0;
        Span<ulong> hashes = stackalloc ulong[MaxHashes];
        if (!Narrow(filter, _first, _last, ref hashes, out var range)) return 0;
        return RemoveFound(SubjectSearch.For(filter, hashes), range.First, below == 0 ? ulong.MaxValue : below, matching - keep);
    }

    /// <inheritdoc/>
    public ulong Compact(ulong first)
    {
        if (first <= _first) return 0;
        if (first <= _last) return RemoveFound(SubjectSearch.Everything, _first, first, ulong.MaxValue);
        var removed = Clear();
        (_first, _last) = (first, first - 1);
        return removed;
    }

    /// <inheritdoc/>
    public void Truncate(ulong last)
    {
        if (last >= _last) return;
        if (last < _first || _messages == 0)
        {
            Clear();
            DropAbove(last);
            (_first, _last, _lastTimestamp) = (last + 1, last, last == 0 ? 0 : _lastTimestamp);
            return;
        }
        RemoveFound(SubjectSearch.Everything, last + 1, ulong.MaxValue, ulong.MaxValue);
        RemovedSequences.RemoveAbove(last);
        DropAbove(last);
        _last = last;
        if (_messages == 0)
        {
            _first = last + 1;
            return;
        }
        var chunk = Holding(RemovedSequences.PreviousAbsent(last), out var index);
        _lastTimestamp = chunk.Timestamp(index);
    }

    /// <inheritdoc/>
    public abstract IStoreCheckpoint BeginCheckpoint(ulong appliedIndex);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of what the heir holds.</summary>
    protected abstract void Dispose(bool disposing);

    /// <inheritdoc/>
    public abstract ulong SizeOf(in StoredMessage message);

    /// <summary>Puts a record behind the last one.</summary>
    private protected abstract void Store(in StoredMessage message);

    /// <summary>A record is no longer needed; the sequences say so already.</summary>
    private protected abstract void Release(ulong sequence, int recordSize, bool erase);

    /// <summary>Everything below is removed.</summary>
    private protected abstract void DropBelow(ulong first);

    /// <summary>Everything above is removed, and sequences above will be given again.</summary>
    private protected abstract void DropAbove(ulong last);

    /// <summary>
    /// The first chunk worth reading with a record at or above a sequence; null: none. It is good until the next chunk is
    /// asked for.
    /// </summary>
    private protected abstract RecordChunk? ChunkFrom(ulong sequence, in SubjectSearch search);

    /// <summary>The last chunk worth reading with a record at or below a sequence.</summary>
    private protected abstract RecordChunk? ChunkUpTo(ulong sequence, in SubjectSearch search);

    /// <summary>The first record stored at or after a time is not below this sequence.</summary>
    private protected abstract ulong SeekTime(long timestamp);

    private protected bool IsLive(ulong sequence) =>
        sequence >= _first && sequence <= _last && _messages > 0 && !RemovedSequences.Contains(sequence);

    /// <summary>What was read from a checkpoint.</summary>
    private protected void Restore(in StoreState state, SubjectTree<SubjectTotals> index, SequenceSet removed)
    {
        (_first, _last, _lastTimestamp) = (state.FirstSequence, state.LastSequence, state.LastTimestamp);
        (_messages, _bytes) = (state.Messages, state.Bytes);
        _firstTimestamp = state.Messages == 0 ? null : state.FirstTimestamp;
        (Index, RemovedSequences) = (index, removed);
    }

    /// <summary>The chunk of a live sequence.</summary>
    private protected RecordChunk Holding(ulong sequence, out int index)
    {
        var chunk = ChunkFrom(sequence, SubjectSearch.Everything);
        index = chunk?.IndexAtLeast(sequence) ?? 0;
        if (chunk is null || index == chunk.Count || chunk.Sequence(index) != sequence) throw Lost(sequence);
        return chunk;
    }

    private protected virtual CorruptStoreException Lost(ulong sequence) => new($"Message {sequence} is not where it should be.");

    private long FirstTimestamp()
    {
        if (_messages == 0) return 0;
        if (_firstTimestamp is { } known) return known;
        var chunk = Holding(_first, out var index);
        var timestamp = chunk.Timestamp(index);
        _firstTimestamp = timestamp;
        return timestamp;
    }

    /// <summary>Removes what a search finds from a sequence up to another, that one not, but no more than so many.</summary>
    private ulong RemoveFound(in SubjectSearch search, ulong from, ulong below, ulong most)
    {
        ulong removed = 0;
        while (removed < most && ChunkFrom(from, search) is { } chunk)
        {
            var next = chunk.Last + 1;
            for (var i = chunk.IndexAtLeast(from); i < chunk.Count && removed < most; i++)
            {
                var sequence = chunk.Sequence(i);
                if (sequence >= below) return removed;
                if (!IsLive(sequence) || !search.Finds(chunk.Subject(i))) continue;
                RemoveRecord(chunk, i, erase: false);
                removed++;
            }
            from = next;
        }
        return removed;
    }

    private void RemoveRecord(RecordChunk chunk, int index, bool erase)
    {
        var message = chunk.Message(index);
        Observer?.Removed(message.Sequence, message.Subject);
        var id = Index.Find(message.Subject);
        if (id < 0) throw new CorruptStoreException($"The subject of message {message.Sequence} is not in the index.");
        if (Index[id].Messages <= 1) Index.Remove(message.Subject);
        else Index.Edit(id).Remove(message.Sequence);
        _messages--;
        _bytes -= SizeOf(message);
        var first = _first;
        if (_messages == 0)
        {
            _first = _last + 1;
            RemovedSequences.Clear();
        }
        else if (message.Sequence == _first)
        {
            _first = RemovedSequences.NextAbsent(message.Sequence + 1);
            RemovedSequences.RemoveBelow(_first);
        }
        else
        {
            RemovedSequences.Add(message.Sequence);
        }
        Release(message.Sequence, RecordChunk.SizeOf(message), erase);
        if (_first == first) return;
        _firstTimestamp = null;
        DropBelow(_first);
    }

    private ulong Clear()
    {
        var removed = _messages;
        if (removed > 0) Index = new SubjectTree<SubjectTotals>();
        RemovedSequences.Clear();
        (_messages, _bytes, _firstTimestamp) = (0, 0, null);
        _first = _last + 1;
        DropBelow(_first);
        if (removed > 0) Observer?.Cleared();
        return removed;
    }
}
