using System.Numerics;
using System.Runtime.InteropServices;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>
/// A set of sequences: pages of 2,048 as bitmaps, runs of full pages as one entry. Costs a bit for each sequence where
/// it is ragged and nothing where it is not. One thread.
/// </summary>
public sealed class SequenceSet
{
    private const int Bits = 2048;
    private const int Words = Bits / 64;

    private readonly List<Page> _pages;

    public SequenceSet() => _pages = [];

    private SequenceSet(SequenceSet other)
    {
        _pages = new List<Page>(other._pages.Count);
        foreach (var page in other._pages) _pages.Add(page with { Map = (ulong[]?)page.Map?.Clone() });
        Count = other.Count;
    }

    /// <summary>Sequences in it.</summary>
    public ulong Count { get; private set; }

    public bool IsEmpty => Count == 0;

    public bool Contains(ulong sequence)
    {
        var at = Find(sequence / Bits);
        return at >= 0 && _pages[at].Contains(sequence);
    }

    /// <summary>Puts one in; false when it is there already.</summary>
    public bool Add(ulong sequence)
    {
        if (Contains(sequence)) return false;
        AddInPage(sequence, sequence);
        return true;
    }

    /// <summary>Puts a range in, both ends included.</summary>
    public void AddRange(ulong first, ulong last)
    {
        if (first > last) return;
        if (first / Bits == last / Bits)
        {
            AddInPage(first, last);
            return;
        }
        if (first % Bits != 0)
        {
            AddInPage(first, first | (Bits - 1));
            first = (first | (Bits - 1)) + 1;
        }
        if (last % Bits != Bits - 1)
        {
            AddInPage(last & ~(ulong)(Bits - 1), last);
            if (last / Bits == 0) return;
            last = (last & ~(ulong)(Bits - 1)) - 1;
        }
        if (first <= last) AddPages(first / Bits, last / Bits);
    }

    /// <summary>Takes out everything below a sequence.</summary>
    public void RemoveBelow(ulong sequence)
    {
        var at = LowerBound(sequence / Bits);
        for (var i = 0; i < at; i++) Count -= _pages[i].Count;
        _pages.RemoveRange(0, at);
        if (_pages.Count > 0 && sequence > 0 && _pages[0].First <= sequence / Bits) Cut(0, sequence, below: true);
    }

    /// <summary>Takes out everything above a sequence.</summary>
    public void RemoveAbove(ulong sequence)
    {
        var at = LowerBound(sequence / Bits);
        if (at == _pages.Count) return;
        var keep = _pages[at].First <= sequence / Bits ? at + 1 : at;
        for (var i = keep; i < _pages.Count; i++) Count -= _pages[i].Count;
        _pages.RemoveRange(keep, _pages.Count - keep);
        if (keep > at) Cut(at, sequence, below: false);
    }

    public void Clear()
    {
        _pages.Clear();
        Count = 0;
    }

    /// <summary>The lowest sequence at or above this one that is not in the set.</summary>
    public ulong NextAbsent(ulong sequence)
    {
        for (var at = Find(sequence / Bits); at >= 0 && at < _pages.Count; at++)
        {
            var page = _pages[at];
            if (page.First > sequence / Bits) break;
            if (page.Map is null)
            {
                sequence = (page.Last + 1) * Bits;
                continue;
            }
            var bit = page.NextClear((int)(sequence % Bits));
            if (bit < Bits) return page.First * Bits + (uint)bit;
            sequence = (page.First + 1) * Bits;
        }
        return sequence;
    }

    /// <summary>The highest sequence at or below this one that is not in the set; it must not hold 0.</summary>
    public ulong PreviousAbsent(ulong sequence)
    {
        while (true)
        {
            var at = Find(sequence / Bits);
            if (at < 0) return sequence;
            var page = _pages[at];
            if (page.Map is not null)
            {
                var bit = page.PreviousClear((int)(sequence % Bits));
                if (bit >= 0) return page.First * Bits + (uint)bit;
            }
            if (page.First == 0) return 0;
            sequence = page.First * Bits - 1;
        }
    }

    /// <summary>How many of a range are in the set.</summary>
    public ulong CountIn(ulong first, ulong last)
    {
        if (first > last) return 0;
        ulong count = 0;
        for (var at = LowerBound(first / Bits); at < _pages.Count && _pages[at].First <= last / Bits; at++)
        {
            var page = _pages[at];
            var from = Math.Max(first, page.First * Bits);
            var to = Math.Min(last, page.Last * Bits + (Bits - 1));
            count += page.Map is null ? to - from + 1 : page.CountIn((int)(from % Bits), (int)(to % Bits));
        }
        return count;
    }

    /// <summary>What is in the set, as ascending ranges that do not touch.</summary>
    public IEnumerable<SequenceRange> Ranges()
    {
        var (first, last) = (0UL, 0UL);
        var open = false;
        foreach (var page in _pages)
        {
            foreach (var range in page.Ranges())
            {
                if (open && range.First == last + 1)
                {
                    last = range.Last;
                    continue;
                }
                if (open) yield return new SequenceRange(first, last);
                (first, last, open) = (range.First, range.Last, true);
            }
        }
        if (open) yield return new SequenceRange(first, last);
    }

    /// <summary>A copy that knows nothing of later changes.</summary>
    public SequenceSet Clone() => new(this);

    private void AddInPage(ulong first, ulong last)
    {
        var number = first / Bits;
        var at = LowerBound(number);
        if (at == _pages.Count || _pages[at].First > number) _pages.Insert(at, new Page(number, number, new ulong[Words], 0));
        ref var page = ref CollectionsMarshal.AsSpan(_pages)[at];
        if (page.Map is null) return;
        var added = page.Set((int)(first % Bits), (int)(last % Bits));
        Count += added;
        page = page with { Count = page.Count + added };
        if (page.Count == Bits)
        {
            page = page with { Map = null };
            JoinAt(at);
        }
    }

    private void AddPages(ulong first, ulong last)
    {
        var at = LowerBound(first);
        var end = at;
        while (end < _pages.Count && _pages[end].First <= last)
        {
            var page = _pages[end++];
            if (page.Map is null) (first, last) = (Math.Min(first, page.First), Math.Max(last, page.Last));
            Count -= page.Count;
        }
        _pages.RemoveRange(at, end - at);
        var count = (last - first + 1) * Bits;
        _pages.Insert(at, new Page(first, last, null, count));
        Count += count;
        JoinAt(at);
    }

    /// <summary>Makes one entry of full pages that touch.</summary>
    private void JoinAt(int at)
    {
        if (at + 1 < _pages.Count && Touches(_pages[at], _pages[at + 1])) Join(at);
        if (at > 0 && Touches(_pages[at - 1], _pages[at])) Join(at - 1);
    }

    private static bool Touches(Page left, Page right) => left.Map is null && right.Map is null && left.Last + 1 == right.First;

    private void Join(int at)
    {
        _pages[at] = new Page(_pages[at].First, _pages[at + 1].Last, null, _pages[at].Count + _pages[at + 1].Count);
        _pages.RemoveAt(at + 1);
    }

    /// <summary>Takes out of one entry what is below or above a sequence in it.</summary>
    private void Cut(int at, ulong sequence, bool below)
    {
        var page = _pages[at];
        var (first, last) = (page.First * Bits, page.Last * Bits + (Bits - 1));
        if (sequence == (below ? first : last)) return;
        _pages.RemoveAt(at);
        Count -= page.Count;
        if (below) first = sequence;
        else last = sequence;
        if (page.Map is null)
        {
            AddRange(first, last);
            return;
        }
        page.Clear(below ? 0 : (int)(sequence % Bits) + 1, below ? (int)(sequence % Bits) - 1 : Bits - 1);
        page = page with { Count = page.CountIn(0, Bits - 1) };
        if (page.Count == 0) return;
        _pages.Insert(at, page);
        Count += page.Count;
    }

    private int Find(ulong number)
    {
        var at = LowerBound(number);
        return at < _pages.Count && _pages[at].First <= number ? at : -1;
    }

    /// <summary>The first entry that does not end before a page.</summary>
    private int LowerBound(ulong number)
    {
        var (low, high) = (0, _pages.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_pages[middle].Last < number) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <param name="First">First page.</param>
    /// <param name="Last">Last page.</param>
    /// <param name="Map">Bits of the one page; null: all of these pages are full.</param>
    /// <param name="Count">Sequences in them.</param>
    private readonly record struct Page(ulong First, ulong Last, ulong[]? Map, ulong Count)
    {
        public bool Contains(ulong sequence) => Map is null || (Map[sequence % Bits / 64] >> (int)(sequence % 64) & 1) != 0;

        public ulong Set(int from, int to)
        {
            ulong added = 0;
            for (var word = from / 64; word <= to / 64; word++)
            {
                var mask = Mask(word, from, to);
                added += (uint)BitOperations.PopCount(mask & ~Map![word]);
                Map[word] |= mask;
            }
            return added;
        }

        public void Clear(int from, int to)
        {
            for (var word = from / 64; word <= to / 64; word++) Map![word] &= ~Mask(word, from, to);
        }

        public ulong CountIn(int from, int to)
        {
            ulong count = 0;
            for (var word = from / 64; word <= to / 64; word++) count += (uint)BitOperations.PopCount(Map![word] & Mask(word, from, to));
            return count;
        }

        public int NextClear(int from)
        {
            for (var word = from / 64; word < Words; word++)
            {
                var clear = ~Map![word] & Mask(word, from, Bits - 1);
                if (clear != 0) return word * 64 + BitOperations.TrailingZeroCount(clear);
            }
            return Bits;
        }

        public int PreviousClear(int from)
        {
            for (var word = from / 64; word >= 0; word--)
            {
                var clear = ~Map![word] & Mask(word, 0, from);
                if (clear != 0) return word * 64 + 63 - BitOperations.LeadingZeroCount(clear);
            }
            return -1;
        }

        public IEnumerable<SequenceRange> Ranges()
        {
            if (Map is null)
            {
                yield return new SequenceRange(First * Bits, Last * Bits + (Bits - 1));
                yield break;
            }
            for (var bit = 0; bit < Bits; bit++)
            {
                if ((Map[bit / 64] >> (bit % 64) & 1) == 0) continue;
                var end = NextClear(bit);
                yield return new SequenceRange(First * Bits + (uint)bit, First * Bits + (uint)end - 1);
                bit = end;
            }
        }

        /// <summary>The bits of a word between two of the page, both included.</summary>
        private static ulong Mask(int word, int from, int to)
        {
            var (low, high) = (Math.Max(from - word * 64, 0), Math.Min(to - word * 64, 63));
            return ulong.MaxValue << low & ulong.MaxValue >> (63 - high);
        }
    }
}
