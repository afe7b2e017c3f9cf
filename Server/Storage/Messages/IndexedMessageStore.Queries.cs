namespace NatsAspire.Server.Storage.Messages;

public abstract partial class IndexedMessageStore
{
    /// <summary>So many subjects are followed back one by one; more of them in one walk over all.</summary>
    private const int FewSubjects = 8;

    /// <inheritdoc/>
    public IEnumerable<SubjectEntry> Subjects(SubjectFilter filter)
    {
        var walk = new FilterWalk(Index, filter);
        while (walk.MoveNext())
        {
            var (first, last) = (FirstOf(walk.Subject, walk.Id), LastOf(walk.Subject, walk.Id));
            yield return new SubjectEntry(walk.Subject.ToArray(), walk.Totals.Messages, first, last);
        }
    }

    /// <inheritdoc/>
    public FilteredState OfSubject(ReadOnlySpan<byte> subject)
    {
        var id = Index.Find(subject);
        return id < 0 ? default : new FilteredState(Index[id].Messages, FirstOf(subject, id), LastOf(subject, id));
    }

    /// <inheritdoc/>
    public FilteredState Filtered(SubjectFilter filter, ulong atLeast)
    {
        atLeast = Math.Max(atLeast, _first);
        var messages = CountPending(filter, atLeast, lastPerSubject: false);
        if (messages == 0) return default;
        Span<ulong> hashes = stackalloc ulong[MaxHashes];
        if (!Narrow(filter, atLeast, _last, ref hashes, out var range)) return default;
        var search = SubjectSearch.For(filter, hashes);
        var chunk = Seek(search, range.First, range.Last, out var index);
        if (chunk is null) return default;
        var first = chunk.Sequence(index);
        chunk = SeekBack(search, range.Last, range.First, out index);
        return new FilteredState(messages, first, chunk?.Sequence(index) ?? first);
    }

    /// <inheritdoc/>
    public ulong CountPending(SubjectFilter filter, ulong atLeast, bool lastPerSubject)
    {
        atLeast = Math.Max(atLeast, _first);
        if (_messages == 0 || atLeast > _last) return 0;
        if (lastPerSubject) return CountLasts(filter, atLeast);
        if (filter.IsAll) return _last - atLeast + 1 - RemovedSequences.CountIn(atLeast, _last);
        var (whole, all) = (0UL, 0UL);
        var straddling = false;
        var walk = new FilterWalk(Index, filter);
        while (walk.MoveNext())
        {
            ref readonly var totals = ref walk.Totals;
            all += totals.Messages;
            if (totals.First >= atLeast) whole += totals.Messages;
            else if (totals.Last >= atLeast) straddling = true;
        }
        return straddling ? CountFrom(filter, atLeast, all) : whole;
    }

    /// <inheritdoc/>
    public IReadOnlyList<ulong>? LastSequences(SubjectFilter filter, ulong atMost, int limit)
    {
        atMost = atMost == 0 ? _last : Math.Min(atMost, _last);
        var found = new List<ulong>();
        var behind = new HashSet<int>();
        var few = new List<byte[]>(FewSubjects);
        var walk = new FilterWalk(Index, filter);
        while (walk.MoveNext())
        {
            if (walk.Totals.First > atMost) continue;
            if (walk.Totals.Last <= atMost) found.Add(LastOf(walk.Subject, walk.Id));
            else if (behind.Add(walk.Id) && few.Count < FewSubjects) few.Add(walk.Subject.ToArray());
            if (found.Count > limit) return null;
        }
        if (behind.Count > few.Count) FollowAll(behind, atMost, limit, found);
        else few.ForEach(subject => Follow(subject, atMost, found));
        if (found.Count > limit) return null;
        found.Sort();
        return found;
    }

    /// <inheritdoc/>
    public ulong SequenceAt(long timestamp)
    {
        if (_messages == 0) return _last + 1;
        var from = Math.Max(_first, SeekTime(timestamp));
        while (ChunkFrom(from, SubjectSearch.Everything) is { } chunk)
        {
            if (chunk.LastTimestamp >= timestamp)
            {
                var index = Math.Max(chunk.IndexAtLeast(from), FirstAt(chunk, timestamp));
                for (; index < chunk.Count; index++)
                {
                    if (IsLive(chunk.Sequence(index))) return chunk.Sequence(index);
                }
            }
            from = chunk.Last + 1;
        }
        return _last + 1;
    }

    /// <inheritdoc/>
    public IEnumerable<SequenceRange> Deleted() => RemovedSequences.Ranges();

    private static int FirstAt(RecordChunk chunk, long timestamp)
    {
        var (low, high) = (0, chunk.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (chunk.Timestamp(middle) < timestamp) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private ulong CountLasts(SubjectFilter filter, ulong atLeast)
    {
        ulong count = 0;
        var walk = new FilterWalk(Index, filter);
        while (walk.MoveNext())
        {
            if (walk.Totals.Last >= atLeast && LastOf(walk.Subject, walk.Id) >= atLeast) count++;
        }
        return count;
    }

    /// <summary>Counts on the shorter side of a sequence.</summary>
    /// <param name="filter">Which subjects.</param>
    /// <param name="atLeast">First sequence counted.</param>
    /// <param name="all">Messages of these subjects on both sides.</param>
    private ulong CountFrom(SubjectFilter filter, ulong atLeast, ulong all)
    {
        var above = _last - atLeast < atLeast - _first;
        var (from, to) = above ? (atLeast, _last) : (_first, atLeast - 1);
        Span<ulong> hashes = stackalloc ulong[MaxHashes];
        var count = Narrow(filter, from, to, ref hashes, out var range) ? Count(SubjectSearch.For(filter, hashes), range.First, range.Last) : 0;
        return above ? count : all - count;
    }

    private ulong Count(in SubjectSearch search, ulong from, ulong to)
    {
        ulong count = 0;
        while (ChunkFrom(from, search) is { } chunk)
        {
            for (var i = chunk.IndexAtLeast(from); i < chunk.Count; i++)
            {
                var sequence = chunk.Sequence(i);
                if (sequence > to) return count;
                if (search.Finds(chunk.Subject(i)) && IsLive(sequence)) count++;
            }
            from = chunk.Last + 1;
        }
        return count;
    }

    private void Follow(byte[] subject, ulong atMost, List<ulong> found)
    {
        if (LastAtMost(subject, Index.Find(subject), atMost) is var last && last != 0) found.Add(last);
    }

    /// <summary>Finds the last messages of many subjects in one walk down.</summary>
    private void FollowAll(HashSet<int> behind, ulong atMost, int limit, List<ulong> found)
    {
        while (behind.Count > 0 && ChunkUpTo(atMost, SubjectSearch.Everything) is { } chunk)
        {
            for (var i = chunk.IndexAtMost(atMost); i >= 0 && behind.Count > 0; i--)
            {
                var sequence = chunk.Sequence(i);
                if (sequence < _first || found.Count > limit) return;
                if (IsLive(sequence) && behind.Remove(Index.Find(chunk.Subject(i)))) found.Add(sequence);
            }
            atMost = chunk.First - 1;
        }
    }
}
