using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NatsAspire.Server.Subjects;

public sealed partial class SubjectTree<T>
{
    private Span<byte> Suffix(int leaf)
    {
        ref var at = ref LeafAt(leaf);
        return at.Length == 0 ? default : _heap.At(at.Suffix, at.Length);
    }

    private ref Leaf LeafAt(int leaf) => ref _leaves[leaf / LeavesPerPage][leaf % LeavesPerPage];

    private int NewLeaf(ReadOnlySpan<byte> suffix)
    {
        var leaf = _freeLeaf;
        if (leaf >= 0)
        {
            _freeLeaf = LeafAt(leaf).Suffix;
        }
        else
        {
            leaf = _nextLeaf++;
            MakeRoomForLeaf(leaf);
        }
        LeafAt(leaf) = default;
        SetSuffix(leaf, suffix);
        Count++;
        Version++;
        return leaf;
    }

    private void MakeRoomForLeaf(int leaf)
    {
        if (leaf / LeavesPerPage == _leaves.Count)
        {
            _leaves.Add(new Leaf[LeavesPerPage]);
        }
        else if (leaf == _leaves[0].Length && _leaves.Count == 1)
        {
            var page = _leaves[0];
            Array.Resize(ref page, Math.Min(LeavesPerPage, page.Length * 2));
            _leaves[0] = page;
        }
    }

    private void FreeLeaf(int leaf)
    {
        SetSuffix(leaf, []);
        LeafAt(leaf) = new Leaf { Suffix = _freeLeaf };
        _freeLeaf = leaf;
        Count--;
        Version++;
    }

    /// <param name="leaf">Whose.</param>
    /// <param name="suffix">Bytes outside the heap.</param>
    private void SetSuffix(int leaf, ReadOnlySpan<byte> suffix)
    {
        ref var at = ref LeafAt(leaf);
        if (at.Length > 0) _heap.Free(at.Suffix, at.Length);
        at.Length = suffix.Length;
        if (suffix.IsEmpty) return;
        at.Suffix = _heap.Take(suffix.Length);
        suffix.CopyTo(_heap.At(at.Suffix));
    }

    private void CutSuffix(int leaf, int count)
    {
        ref var at = ref LeafAt(leaf);
        var (old, length) = (at.Suffix, at.Length);
        at.Length = length - count;
        if (at.Length > 0)
        {
            at.Suffix = _heap.Take(at.Length);
            _heap.At(old, length)[count..].CopyTo(_heap.At(at.Suffix));
        }
        _heap.Free(old, length);
    }

    private int NewNode(int capacity, ReadOnlySpan<byte> prefix)
    {
        var block = _heap.Take(Node.SizeOf(capacity, prefix.Length));
        Node.Format(_heap.At(block), capacity, prefix.Length);
        prefix.CopyTo(new Node(_heap.At(block)).Prefix);
        return block;
    }

    /// <summary>A copy with another capacity, whose prefix begins later.</summary>
    private int CopyNode(int at, int capacity, int prefixFrom)
    {
        var length = new Node(_heap.At(at)).Prefix.Length - prefixFrom;
        var block = _heap.Take(Node.SizeOf(capacity, length));
        Node.Format(_heap.At(block), capacity, length);
        var from = new Node(_heap.At(at));
        var to = new Node(_heap.At(block));
        from.Prefix[prefixFrom..].CopyTo(to.Prefix);
        to.TakeChildren(from);
        return block;
    }

    private void FreeNode(int at)
    {
        var node = new Node(_heap.At(at));
        _heap.Free(at, Node.SizeOf(node.Capacity, node.Prefix.Length));
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Leaf
    {
        /// <summary>Block with the rest of the subject; of a free leaf the next free one.</summary>
        public int Suffix;

        public int Length;
        public T Value;
    }

    /// <summary>
    /// An inner node, as it lies in the heap: count (u16), capacity (u16), leaf of the subject that ends here or -1 (i32),
    /// length of the prefix (u16), 2 bytes nothing; <c>capacity</c> key bytes, ascending; as many links (i32: a node, or
    /// the complement of a leaf); the prefix.
    /// </summary>
    private readonly ref struct Node
    {
        public const int SmallestCapacity = 4;
        private const int Keys = 12;

        private readonly Span<byte> _at;

        public Node(Span<byte> at) => _at = at;

        public int Count => Field<ushort>(0);

        public int Capacity => Field<ushort>(2);

        public int Leaf => Field<int>(4);

        public Span<byte> Prefix => _at.Slice(Keys + Capacity * 5, Field<ushort>(8));

        private Span<byte> AllKeys => _at.Slice(Keys, Count);

        private Span<int> Links => MemoryMarshal.Cast<byte, int>(_at.Slice(Keys + Capacity, Capacity * 4));

        public static int SizeOf(int capacity, int prefix) => Keys + capacity * 5 + prefix;

        public static void Format(Span<byte> at, int capacity, int prefix)
        {
            var node = new Node(at);
            node.SetLeaf(-1);
            node.Field<ushort>(0) = 0;
            node.Field<ushort>(2) = (ushort)capacity;
            node.Field<ushort>(8) = (ushort)prefix;
        }

        public byte Key(int index) => _at[Keys + index];

        public int Child(int index) => Links[index];

        public void SetChild(int index, int link) => Links[index] = link;

        public int IndexOf(byte key) => AllKeys.IndexOf(key);

        public void SetLeaf(int leaf) => Field<int>(4) = leaf;

        public void Insert(byte key, int link)
        {
            var count = Count;
            var index = 0;
            while (index < count && Key(index) < key) index++;
            Field<ushort>(0)++;
            AllKeys[index..count].CopyTo(AllKeys[(index + 1)..]);
            Links[index..count].CopyTo(Links[(index + 1)..]);
            _at[Keys + index] = key;
            Links[index] = link;
        }

        public void RemoveAt(int index)
        {
            var count = Count;
            AllKeys[(index + 1)..].CopyTo(AllKeys[index..]);
            Links[(index + 1)..count].CopyTo(Links[index..]);
            Field<ushort>(0)--;
        }

        public void TakeChildren(Node from)
        {
            Field<ushort>(0) = (ushort)from.Count;
            Field<int>(4) = from.Leaf;
            from.AllKeys.CopyTo(AllKeys);
            from.Links[..from.Count].CopyTo(Links);
        }

        private ref TField Field<TField>(int offset)
            where TField : unmanaged => ref Unsafe.As<byte, TField>(ref _at[offset]);
    }
}
