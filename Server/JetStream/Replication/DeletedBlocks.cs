using System.Buffers;
using System.Buffers.Binary;
using System.Collections;
using System.Numerics;
using System.Runtime.InteropServices;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Replication;

/// <summary>
/// Deleted sequences as they stand in a snapshot, read where they lie: it takes the memory of their bytes, whatever
/// they claim.
/// </summary>
/// <remarks>
/// <code>
/// blocks = { set | run }                                                   ascending
/// set    = 22 version(1|2) u32 nodes, u32 sequences, { u64 base, words×u64 bits, u16 height }   64 words in version 1, 32 in 2
/// run    = 33 uvarint first, uvarint count
/// </code>
/// Nodes stand in the order of a search tree, root first (clusterwire.md §7.4, §9.6). What is told twice counts once.
/// </remarks>
internal sealed class DeletedBlocks : IEnumerable<SequenceRange>
{
    public const byte SetMagic = 22;
    public const byte RunMagic = 33;
    public const byte SetVersion = 2;

    /// <summary>Words of 64 bits in a node that is written.</summary>
    public const int Words = 32;

    private const int SetHead = 2 + 4 + 4;

    private readonly ReadOnlyMemory<byte> _bytes;

    private DeletedBlocks(ReadOnlyMemory<byte> bytes) => _bytes = bytes;

    /// <summary>Reads blocks up to the end.</summary>
    /// <returns>False: they are damaged.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, out DeletedBlocks blocks)
    {
        blocks = new DeletedBlocks(bytes);
        for (var at = 0; at < bytes.Length;)
        {
            if (!TryReadBlock(bytes.Span[at..], out var length)) return false;
            at += length;
        }
        return true;
    }

    /// <summary>Ascending ranges that do not touch.</summary>
    public IEnumerator<SequenceRange> GetEnumerator()
    {
        var (first, last) = (0UL, 0UL);
        var isOpen = false;
        foreach (var range in Raw())
        {
            var from = range.First;
            if (isOpen)
            {
                if (range.Last <= last) continue;
                if (from <= last + 1)
                {
                    last = range.Last;
                    continue;
                }
                yield return new SequenceRange(first, last);
            }
            (first, last, isOpen) = (from, range.Last, true);
        }
        if (isOpen) yield return new SequenceRange(first, last);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static bool TryReadBlock(ReadOnlySpan<byte> rest, out int length)
    {
        length = 0;
        if (rest[0] == RunMagic)
        {
            if (!TryReadRun(rest, out _, out length)) return false;
            return true;
        }
        if (rest[0] != SetMagic || rest.Length < SetHead || rest[1] is not (1 or 2)) return false;
        var node = NodeLength(rest[1]);
        var nodes = BinaryPrimitives.ReadUInt32LittleEndian(rest[2..]);
        if (nodes > (uint)((rest.Length - SetHead) / node)) return false;
        length = SetHead + ((int)nodes * node);
        for (var at = SetHead; at < length; at += node)
        {
            // Sequences have 63 bits.
            if (BinaryPrimitives.ReadUInt64LittleEndian(rest[at..]) > long.MaxValue - (ulong)(node * 8)) return false;
        }
        return true;
    }

    private static bool TryReadRun(ReadOnlySpan<byte> rest, out SequenceRange run, out int length)
    {
        (run, length) = (default, 0);
        var reader = new SpanReader(rest[1..]);
        if (!reader.TryReadUvarint(out var first) || !reader.TryReadUvarint(out var count)) return false;
        length = rest.Length - reader.Rest.Length;
        if (first > long.MaxValue || count > long.MaxValue - first) return false;
        run = new SequenceRange(first, first + count - 1);
        return true;
    }

    private static int NodeLength(byte version) => 8 + (WordsOf(version) * 8) + 2;

    private static int WordsOf(byte version) => version == 1 ? 2 * Words : Words;

    private IEnumerable<SequenceRange> Raw()
    {
        for (var at = 0; at < _bytes.Length;)
        {
            if (_bytes.Span[at] == RunMagic)
            {
                TryReadRun(_bytes.Span[at..], out var run, out var length);
                at += length;
                if (run.First <= run.Last && run.Last != ulong.MaxValue) yield return run;
                continue;
            }
            var (version, order) = Nodes(at);
            foreach (var node in order)
            {
                for (var bit = 0; TryFindRun(node, WordsOf(version) * 64, ref bit, out var run);) yield return run;
            }
            at += SetHead + (order.Length * NodeLength(version));
        }
    }

    /// <summary>Where the nodes of a set begin, by their bases.</summary>
    private (byte Version, int[] Order) Nodes(int set)
    {
        var bytes = _bytes.Span[set..];
        var version = bytes[1];
        var order = new int[BinaryPrimitives.ReadUInt32LittleEndian(bytes[2..])];
        var bases = new ulong[order.Length];
        for (var i = 0; i < order.Length; i++)
        {
            var at = SetHead + (i * NodeLength(version));
            order[i] = set + at;
            bases[i] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
        }
        Array.Sort(bases, order);
        return (version, order);
    }

    /// <summary>The next run of bits of a node.</summary>
    private bool TryFindRun(int node, int bits, ref int bit, out SequenceRange run)
    {
        run = default;
        var start = BinaryPrimitives.ReadUInt64LittleEndian(_bytes.Span[node..]);
        var map = _bytes.Span[(node + 8)..];
        bit = Next(map, bit, bits, isSet: true);
        if (bit == bits) return false;
        var end = Next(map, bit, bits, isSet: false);
        run = new SequenceRange(start + (uint)bit, start + (uint)end - 1);
        bit = end;
        return true;
    }

    /// <summary>The first bit from one on that is set, or is not; <paramref name="bits"/>: there is none.</summary>
    private static int Next(ReadOnlySpan<byte> map, int from, int bits, bool isSet)
    {
        while (from < bits)
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(map[(from / 64 * 8)..]);
            word = (isSet ? word : ~word) & ulong.MaxValue << (from % 64);
            if (word != 0) return (from / 64 * 64) + BitOperations.TrailingZeroCount(word);
            from = (from / 64 * 64) + 64;
        }
        return bits;
    }
}

/// <summary>Writes ascending ranges as blocks: pages of 2,048 sequences as bits where they are ragged, runs elsewhere.</summary>
/// <param name="target">Gets the blocks.</param>
internal sealed class DeletedBlocksWriter(IBufferWriter<byte> target)
{
    private const int PageBits = DeletedBlocks.Words * 64;

    /// <summary>Runs of a page that take more room than its bits.</summary>
    private const int MostRuns = 32;

    private readonly List<SequenceRange> _runs = [];
    private readonly List<Page> _set = [];
    private ulong _page;

    /// <summary>Writes all ranges.</summary>
    /// <param name="ranges">Ascending, not touching.</param>
    public void Write(IEnumerable<SequenceRange> ranges)
    {
        foreach (var range in ranges) Add(range);
        EndPage();
        EndSet();
    }

    private void Add(SequenceRange range)
    {
        if (range.Last - range.First >= PageBits)
        {
            EndPage();
            EndSet();
            WriteRun(range);
            return;
        }
        var border = (range.First | (PageBits - 1)) + 1;
        AddToPage(range with { Last = Math.Min(range.Last, border - 1) });
        if (range.Last >= border) AddToPage(range with { First = border });
    }

    private void AddToPage(SequenceRange range)
    {
        if (range.First / PageBits != _page) EndPage();
        _page = range.First / PageBits;
        _runs.Add(range);
    }

    private void EndPage()
    {
        if (_runs.Count > MostRuns)
        {
            var bits = new ulong[DeletedBlocks.Words];
            foreach (var run in CollectionsMarshal.AsSpan(_runs)) Set(bits, (int)(run.First % PageBits), (int)(run.Last % PageBits));
            _set.Add(new Page(_page * PageBits, bits));
        }
        else if (_runs.Count > 0)
        {
            EndSet();
            foreach (var run in CollectionsMarshal.AsSpan(_runs)) WriteRun(run);
        }
        _runs.Clear();
    }

    private static void Set(ulong[] bits, int from, int to)
    {
        for (var word = from / 64; word <= to / 64; word++)
        {
            var low = Math.Max(from - (word * 64), 0);
            var high = Math.Min(to - (word * 64), 63);
            bits[word] |= ulong.MaxValue << low & ulong.MaxValue >> (63 - high);
        }
    }

    private void WriteRun(SequenceRange range)
    {
        var writer = new SpanWriter(target.GetSpan(1 + (2 * SpanWriter.MaxVarintLength)));
        writer.Byte(DeletedBlocks.RunMagic);
        writer.Uvarint(range.First);
        writer.Uvarint(range.Last - range.First + 1);
        target.Advance(writer.Count);
    }

    private void EndSet()
    {
        if (_set.Count == 0) return;
        var writer = new SpanWriter(target.GetSpan(10));
        writer.Byte(DeletedBlocks.SetMagic);
        writer.Byte(DeletedBlocks.SetVersion);
        writer.UInt32((uint)_set.Count);
        writer.UInt32((uint)_set.Sum(page => page.Bits.Sum(bits => BitOperations.PopCount(bits))));
        target.Advance(writer.Count);
        WriteTree(0, _set.Count);
        _set.Clear();
    }

    /// <summary>A balanced tree, root first: readers put it together as it comes, without turning it.</summary>
    private void WriteTree(int from, int to)
    {
        if (from == to) return;
        var root = (from + to) / 2;
        var writer = new SpanWriter(target.GetSpan(8 + (DeletedBlocks.Words * 8) + 2));
        writer.UInt64(_set[root].First);
        foreach (var bits in _set[root].Bits) writer.UInt64(bits);
        writer.UInt16((ushort)(BitOperations.Log2((uint)(to - from)) + 1));
        target.Advance(writer.Count);
        WriteTree(from, root);
        WriteTree(root + 1, to);
    }

    private readonly record struct Page(ulong First, ulong[] Bits);
}
