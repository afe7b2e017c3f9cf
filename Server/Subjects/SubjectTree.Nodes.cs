using System.Runtime.InteropServices;

namespace NatsAspire.Server.Subjects;

public sealed partial class SubjectTree<T>
{
    private ReadOnlySpan<byte> Suffix(int leaf)
    {
        ref readonly var at = ref LeafAt(leaf);
        return at.Length == 0 ? default : _heap.At(at.Suffix, at.Length);
    }

    private ref readonly Leaf LeafAt(int leaf) => ref _leaves[leaf / LeavesPerPage][leaf % LeavesPerPage];

    private ref Leaf EditLeaf(int leaf) => ref _leaves.Edit(leaf / LeavesPerPage)[leaf % LeavesPerPage];

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
        EditLeaf(leaf) = default;
        SetSuffix(leaf, suffix);
        Count++;
        Version++;
        return leaf;
    }

    private void MakeRoomForLeaf(int leaf)
    {
        if (leaf / LeavesPerPage == _leaves.Count)
        {
            _leaves.Add(LeavesPerPage);
        }
        else if (leaf == _leaves[0].Length && _leaves.Count == 1)
        {
            _leaves.Resize(0, Math.Min(LeavesPerPage, leaf * 2));
        }
    }

    private void FreeLeaf(int leaf)
    {
        SetSuffix(leaf, []);
        EditLeaf(leaf) = new Leaf { Suffix = _freeLeaf };
        _freeLeaf = leaf;
        Count--;
        Version++;
    }

    /// <param name="leaf">Whose.</param>
    /// <param name="suffix">Bytes outside the heap.</param>
    private void SetSuffix(int leaf, ReadOnlySpan<byte> suffix)
    {
        ref var at = ref EditLeaf(leaf);
        if (at.Length > 0) _heap.Free(at.Suffix, at.Length);
        at.Length = suffix.Length;
        if (suffix.IsEmpty) return;
        at.Suffix = _heap.Take(suffix.Length);
        suffix.CopyTo(_heap.Edit(at.Suffix));
    }

    private void CutSuffix(int leaf, int count)
    {
        ref var at = ref EditLeaf(leaf);
        var (old, length) = (at.Suffix, at.Length);
        at.Length = length - count;
        if (at.Length > 0)
        {
            at.Suffix = _heap.Take(at.Length);
            // The page of the old block may be the new one's: it is read after that one is this tree's own.
            var suffix = _heap.Edit(at.Suffix);
            _heap.At(old, length)[count..].CopyTo(suffix);
        }
        _heap.Free(old, length);
    }

    private int NewNode(int capacity, ReadOnlySpan<byte> prefix)
    {
        var block = _heap.Take(Node.SizeOf(capacity, prefix.Length));
        var at = _heap.Edit(block);
        NodeEditor.Format(at, capacity, prefix.Length);
        prefix.CopyTo(new NodeEditor(at).Prefix);
        return block;
    }

    /// <summary>A copy with another capacity, whose prefix begins later.</summary>
    private int CopyNode(int at, int capacity, int prefixFrom)
    {
        var length = new Node(_heap.At(at)).Prefix.Length - prefixFrom;
        var block = _heap.Take(Node.SizeOf(capacity, length));
        NodeEditor.Format(_heap.Edit(block), capacity, length);
        var from = new Node(_heap.At(at));
        var to = new NodeEditor(_heap.Edit(block));
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
}
