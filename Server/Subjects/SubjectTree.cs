using System.Runtime.CompilerServices;

namespace NatsAspire.Server.Subjects;

/// <summary>
/// A value for each literal subject, in a radix tree over bytes: what subjects have in common at their beginning is
/// kept once, and patterns are matched on the way down. A million subjects cost some 30 bytes each besides the value.
/// One thread; names of values (ids) hold until their subject is removed.
/// </summary>
/// <typeparam name="T">The value; kept in place.</typeparam>
public sealed partial class SubjectTree<T>
    where T : struct
{
    /// <summary>Longest subject, in bytes.</summary>
    public const int MaxSubject = ushort.MaxValue;

    private const int None = int.MinValue;
    private const int LeavesPerPage = 2048;
    private const int FirstLeaves = 8;

    private readonly ByteHeap _heap;
    private readonly SharedPages<Leaf> _leaves;
    private int _root = None;
    private int _freeLeaf = -1;
    private int _nextLeaf;

    public SubjectTree()
    {
        _heap = new ByteHeap();
        _leaves = new SharedPages<Leaf>(FirstLeaves);
    }

    private SubjectTree(SubjectTree<T> other)
    {
        _heap = other._heap.Clone();
        _leaves = other._leaves.Clone();
        (_root, _freeLeaf, _nextLeaf, Count) = (other._root, other._freeLeaf, other._nextLeaf, other.Count);
    }

    /// <summary>Subjects held.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of memory taken, used or not.</summary>
    public long Reserved => _heap.Reserved + (_leaves.Length * Unsafe.SizeOf<Leaf>());

    /// <summary>Counts additions and removals; who walks notices by it that the tree has changed.</summary>
    internal int Version { get; private set; }

    /// <summary>The value of an id.</summary>
    public ref readonly T this[int id] => ref LeafAt(id).Value;

    /// <summary>The value of an id, to be changed; good until the tree is copied.</summary>
    public ref T Edit(int id) => ref EditLeaf(id).Value;

    /// <summary>The id of a subject; -1: not there.</summary>
    public int Find(ReadOnlySpan<byte> subject)
    {
        var at = _root;
        while (at >= 0)
        {
            var node = new Node(_heap.At(at));
            var prefix = node.Prefix;
            if (!subject.StartsWith(prefix)) return -1;
            subject = subject[prefix.Length..];
            if (subject.IsEmpty) return node.Leaf;
            var child = node.IndexOf(subject[0]);
            if (child < 0) return -1;
            at = node.Child(child);
            subject = subject[1..];
        }
        return at != None && Suffix(~at).SequenceEqual(subject) ? ~at : -1;
    }

    /// <summary>The id of a subject, which is added with a default value when it is not there.</summary>
    /// <exception cref="ArgumentException">The subject is longer than <see cref="MaxSubject"/>.</exception>
    public int FindOrAdd(ReadOnlySpan<byte> subject, out bool added)
    {
        if (subject.Length > MaxSubject) throw new ArgumentException($"A subject of {subject.Length:N0} bytes; the longest has {MaxSubject:N0}.", nameof(subject));
        var (parent, edge, at) = (-1, 0, _root);
        var rest = subject;
        added = false;
        while (at >= 0)
        {
            var node = new Node(_heap.At(at));
            var prefix = node.Prefix;
            var common = rest.CommonPrefixLength(prefix);
            if (common < prefix.Length)
            {
                added = true;
                return SplitNode(parent, edge, at, common, rest);
            }
            rest = rest[common..];
            if (rest.IsEmpty)
            {
                if (node.Leaf >= 0) return node.Leaf;
                added = true;
                var leaf = NewLeaf([]);
                new NodeEditor(_heap.Edit(at)).SetLeaf(leaf);
                return leaf;
            }
            var child = node.IndexOf(rest[0]);
            if (child < 0)
            {
                added = true;
                var leaf = NewLeaf(rest[1..]);
                AddChild(parent, edge, at, rest[0], ~leaf);
                return leaf;
            }
            (parent, edge, at) = (at, child, node.Child(child));
            rest = rest[1..];
        }
        return AtLeaf(parent, edge, at, rest, out added);
    }

    /// <summary>A copy that knows nothing of later changes; it shares the memory of what is not changed.</summary>
    public SubjectTree<T> Clone() => new(this);

    private int AtLeaf(int parent, int edge, int at, ReadOnlySpan<byte> rest, out bool added)
    {
        added = true;
        if (at == None)
        {
            var first = NewLeaf(rest);
            _root = ~first;
            return first;
        }
        var suffix = Suffix(~at);
        var common = rest.CommonPrefixLength(suffix);
        if (common == suffix.Length && common == rest.Length)
        {
            added = false;
            return ~at;
        }
        var node = NewNode(Node.SmallestCapacity, rest[..common]);
        SetLink(parent, edge, node);
        if (common == Suffix(~at).Length)
        {
            new NodeEditor(_heap.Edit(node)).SetLeaf(~at);
            SetSuffix(~at, []);
        }
        else
        {
            var key = Suffix(~at)[common];
            CutSuffix(~at, common + 1);
            new NodeEditor(_heap.Edit(node)).Insert(key, at);
        }
        return Place(node, rest[common..]);
    }

    /// <summary>Cuts a node's prefix in two: a new node takes the common part, with the old one and a new leaf below.</summary>
    private int SplitNode(int parent, int edge, int at, int common, ReadOnlySpan<byte> rest)
    {
        var upper = NewNode(Node.SmallestCapacity, rest[..common]);
        var old = new Node(_heap.At(at));
        var key = old.Prefix[common];
        var lower = CopyNode(at, old.Capacity, common + 1);
        FreeNode(at);
        new NodeEditor(_heap.Edit(upper)).Insert(key, lower);
        SetLink(parent, edge, upper);
        return Place(upper, rest[common..]);
    }

    /// <summary>A new leaf in a node with room for it.</summary>
    private int Place(int node, ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty)
        {
            var own = NewLeaf([]);
            new NodeEditor(_heap.Edit(node)).SetLeaf(own);
            return own;
        }
        var leaf = NewLeaf(rest[1..]);
        new NodeEditor(_heap.Edit(node)).Insert(rest[0], ~leaf);
        return leaf;
    }

    private void AddChild(int parent, int edge, int at, byte key, int link)
    {
        var node = new Node(_heap.At(at));
        if (node.Count == node.Capacity)
        {
            var larger = CopyNode(at, Math.Min(256, node.Capacity * 2), 0);
            FreeNode(at);
            SetLink(parent, edge, larger);
            at = larger;
        }
        new NodeEditor(_heap.Edit(at)).Insert(key, link);
    }

    private void SetLink(int parent, int edge, int link)
    {
        if (parent < 0) _root = link;
        else new NodeEditor(_heap.Edit(parent)).SetChild(edge, link);
    }
}
