namespace NatsAspire.Server.Storage.Messages;

public abstract partial class IndexedMessageStore
{
    /// <summary>So many subjects are looked for by sieve; a filter that finds more reads every chunk.</summary>
    private const int MaxHashes = 16;

    /// <summary>Records looked at before the subjects of a filter are.</summary>
    private const int NearRecords = 64;

    /// <inheritdoc/>
    public bool TryLoad(ulong sequence, MessageBuffer into)
    {
        if (!IsLive(sequence)) return false;
        var chunk = Holding(sequence, out var index);
        into.Set(chunk.Message(index));
        return true;
    }

    /// <inheritdoc/>
    public ulong AtHandThrough(ulong sequence) => NextLive(sequence) is var next && next == 0 ? ulong.MaxValue : ReadThrough(next);

    /// <inheritdoc/>
    public bool IsLastAtHand(ReadOnlySpan<byte> subject)
    {
        var id = Index.Find(subject);
        return id < 0 || (!Index[id].LastStale && AtHandThrough(Index[id].Last) >= Index[id].Last);
    }

    /// <summary>The last sequence of what is in memory around a live message; 0: it is not.</summary>
    private protected virtual ulong ReadThrough(ulong sequence) => ulong.MaxValue;

    /// <inheritdoc/>
    public bool TryLoadLast(ReadOnlySpan<byte> subject, ulong atMost, MessageBuffer into)
    {
        var id = Index.Find(subject);
        return id >= 0 && LoadLast(subject, id, atMost, into);
    }

    /// <inheritdoc/>
    public bool TryLoadNext(SubjectFilter filter, ulong atLeast, MessageBuffer into)
    {
        atLeast = Math.Max(atLeast, _first);
        if (_messages == 0 || atLeast > _last) return false;
        if (filter.IsAll) return NextLive(atLeast) is var next && next != 0 && TryLoad(next, into);
        if (filter.Literal is { } literal)
        {
            var id = Index.Find(literal);
            return id >= 0 && LoadNext(literal, id, atLeast, into);
        }
        Span<ulong> hashes = stackalloc ulong[MaxHashes];
        if (TryNear(filter, atLeast, into)) return true;
        if (!Narrow(filter, atLeast, _last, ref hashes, out var range)) return false;
        var chunk = Seek(SubjectSearch.For(filter, hashes), range.First, range.Last, out var index);
        if (chunk is null) return false;
        into.Set(chunk.Message(index));
        return true;
    }

    /// <inheritdoc/>
    public bool TryLoadPrevious(SubjectFilter filter, ulong atMost, MessageBuffer into)
    {
        atMost = Math.Min(atMost, _last);
        if (_messages == 0 || atMost < _first) return false;
        if (filter.IsAll) return TryLoad(RemovedSequences.PreviousAbsent(atMost), into);
        if (filter.Literal is { } literal) return TryLoadLast(literal, atMost, into);
        Span<ulong> hashes = stackalloc ulong[MaxHashes];
        if (!Narrow(filter, _first, atMost, ref hashes, out var range)) return false;
        var chunk = SeekBack(SubjectSearch.For(filter, hashes), range.Last, range.First, out var index);
        if (chunk is null) return false;
        into.Set(chunk.Message(index));
        return true;
    }

    /// <summary>The first live sequence at or above one; 0: none.</summary>
    private ulong NextLive(ulong sequence)
    {
        if (_messages == 0 || sequence > _last) return 0;
        var next = RemovedSequences.NextAbsent(Math.Max(sequence, _first));
        return next <= _last ? next : 0;
    }

    private bool LoadLast(ReadOnlySpan<byte> subject, int id, ulong atMost, MessageBuffer into)
    {
        if (Index[id].Last <= atMost) return TryLoad(LastOf(subject, id), into);
        if (Index[id].First > atMost) return false;
        var sequence = LastAtMost(subject, id, atMost);
        return sequence != 0 && TryLoad(sequence, into);
    }

    private bool LoadNext(ReadOnlySpan<byte> subject, int id, ulong atLeast, MessageBuffer into)
    {
        if (Index[id].First >= atLeast) return TryLoad(FirstOf(subject, id), into);
        if (Index[id].Last < atLeast) return false;
        if (!Index[id].LastStale && Index[id].Last == atLeast) return TryLoad(atLeast, into);
        var hash = SubjectSieve.Hash(subject);
        var chunk = Seek(SubjectSearch.For(subject, in hash), atLeast, Index[id].Last, out var index);
        if (chunk is null) return false;
        into.Set(chunk.Message(index));
        return true;
    }

    /// <summary>Looks at the records that come next: where a filter finds often, its subjects need not be asked for.</summary>
    private bool TryNear(SubjectFilter filter, ulong atLeast, MessageBuffer into)
    {
        if (ChunkFrom(atLeast, SubjectSearch.Everything) is not { } chunk) return false;
        var from = chunk.IndexAtLeast(atLeast);
        for (var i = from; i < Math.Min(from + NearRecords, chunk.Count); i++)
        {
            if (!filter.Includes(chunk.Subject(i)) || !IsLive(chunk.Sequence(i))) continue;
            into.Set(chunk.Message(i));
            return true;
        }
        return false;
    }

    /// <summary>The sequence of a subject's first message.</summary>
    private protected ulong FirstOf(ReadOnlySpan<byte> subject, int id)
    {
        if (!Index[id].FirstStale) return Index[id].First;
        var hash = SubjectSieve.Hash(subject);
        var chunk = Seek(SubjectSearch.For(subject, in hash), Index[id].First, _last, out var index)
            ?? throw new CorruptStoreException($"No message of a subject that should have {Index[id].Messages:N0}.");
        Index.Edit(id).SetFirst(chunk.Sequence(index));
        return Index[id].First;
    }

    /// <summary>The sequence of a subject's last message.</summary>
    private protected ulong LastOf(ReadOnlySpan<byte> subject, int id)
    {
        if (!Index[id].LastStale) return Index[id].Last;
        var hash = SubjectSieve.Hash(subject);
        var chunk = SeekBack(SubjectSearch.For(subject, in hash), Index[id].Last, _first, out var index)
            ?? throw new CorruptStoreException($"No message of a subject that should have {Index[id].Messages:N0}.");
        Index.Edit(id).SetLast(chunk.Sequence(index));
        return Index[id].Last;
    }

    /// <summary>The sequence of a subject's last message at or below one; 0: none.</summary>
    private ulong LastAtMost(ReadOnlySpan<byte> subject, int id, ulong atMost)
    {
        var hash = SubjectSieve.Hash(subject);
        var chunk = SeekBack(SubjectSearch.For(subject, in hash), atMost, Math.Max(_first, Index[id].First), out var index);
        return chunk?.Sequence(index) ?? 0;
    }

    /// <summary>The first live record that a search finds between two sequences.</summary>
    private RecordChunk? Seek(in SubjectSearch search, ulong from, ulong to, out int index)
    {
        from = Math.Max(from, _first);
        while (ChunkFrom(from, search) is { } chunk)
        {
            for (index = chunk.IndexAtLeast(from); index < chunk.Count; index++)
            {
                var sequence = chunk.Sequence(index);
                if (sequence > to) return null;
                if (search.Finds(chunk.Subject(index)) && IsLive(sequence)) return chunk;
            }
            from = chunk.Last + 1;
        }
        index = 0;
        return null;
    }

    /// <summary>The last live record that a search finds between two sequences, the higher one first.</summary>
    private RecordChunk? SeekBack(in SubjectSearch search, ulong from, ulong to, out int index)
    {
        while (from >= to && ChunkUpTo(from, search) is { } chunk)
        {
            for (index = chunk.IndexAtMost(from); index >= 0; index--)
            {
                var sequence = chunk.Sequence(index);
                if (sequence < to) return null;
                if (search.Finds(chunk.Subject(index)) && IsLive(sequence)) return chunk;
            }
            from = chunk.First - 1;
        }
        index = 0;
        return null;
    }

    /// <summary>
    /// Where the subjects of a filter have messages between two sequences, and, when they are few, their hashes.
    /// </summary>
    /// <returns>False when there are none.</returns>
    private bool Narrow(SubjectFilter filter, ulong from, ulong to, ref Span<ulong> hashes, out SequenceRange range)
    {
        range = new SequenceRange(from, to);
        var count = 0;
        if (!filter.IsAll)
        {
            var (least, most) = (ulong.MaxValue, 0UL);
            var walk = new FilterWalk(Index, filter);
            while (walk.MoveNext())
            {
                ref readonly var totals = ref walk.Totals;
                if (totals.Last < from || totals.First > to) continue;
                if (count == hashes.Length)
                {
                    count = -1;
                    break;
                }
                hashes[count++] = SubjectSieve.Hash(walk.Subject);
                (least, most) = (Math.Min(least, totals.First), Math.Max(most, totals.Last));
            }
            if (count == 0) return false;
            if (count > 0) range = new SequenceRange(Math.Max(from, least), Math.Min(to, most));
        }
        hashes = hashes[..Math.Max(0, count)];
        return true;
    }
}
