using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NatsAspire.Server.Subjects;

public sealed partial class SubjectTree<T>
{
    /// <summary>
    /// An inner node, as it lies in the heap: count (u16), capacity (u16), leaf of the subject that ends here or -1 (i32),
    /// length of the prefix (u16), 2 bytes nothing; <c>capacity</c> key bytes, ascending; as many links (i32: a node, or
    /// the complement of a leaf); the prefix.
    /// </summary>
    private readonly ref struct Node(ReadOnlySpan<byte> at)
    {
        public const int SmallestCapacity = 4;
        public const int Keys = 12;

        private readonly ReadOnlySpan<byte> _at = at;

        public int Count => MemoryMarshal.Read<ushort>(_at);

        public int Capacity => MemoryMarshal.Read<ushort>(_at[2..]);

        public int Leaf => MemoryMarshal.Read<int>(_at[4..]);

        public ReadOnlySpan<byte> Prefix => _at.Slice(Keys + (Capacity * 5), MemoryMarshal.Read<ushort>(_at[8..]));

        public ReadOnlySpan<byte> AllKeys => _at.Slice(Keys, Count);

        public ReadOnlySpan<int> Links => MemoryMarshal.Cast<byte, int>(_at.Slice(Keys + Capacity, Capacity * 4));

        public static int SizeOf(int capacity, int prefix) => Keys + (capacity * 5) + prefix;

        public byte Key(int index) => _at[Keys + index];

        public int Child(int index) => Links[index];

        public int IndexOf(byte key) => AllKeys.IndexOf(key);
    }

    /// <summary>A node that is changed, in a page that is nobody else's.</summary>
    private readonly ref struct NodeEditor(Span<byte> at)
    {
        private readonly Span<byte> _at = at;

        public Span<byte> Prefix => _at.Slice(Node.Keys + (Capacity * 5), Field<ushort>(8));

        private int Capacity => Field<ushort>(2);

        private int Count => Field<ushort>(0);

        private Span<byte> AllKeys => _at.Slice(Node.Keys, Count);

        private Span<int> Links => MemoryMarshal.Cast<byte, int>(_at.Slice(Node.Keys + Capacity, Capacity * 4));

        public static void Format(Span<byte> at, int capacity, int prefix)
        {
            var node = new NodeEditor(at);
            node.SetLeaf(-1);
            node.Field<ushort>(0) = 0;
            node.Field<ushort>(2) = (ushort)capacity;
            node.Field<ushort>(8) = (ushort)prefix;
        }

        public void SetChild(int index, int link) => Links[index] = link;

        public void SetLeaf(int leaf) => Field<int>(4) = leaf;

        public void Insert(byte key, int link)
        {
            var count = Count;
            var index = 0;
            while (index < count && _at[Node.Keys + index] < key) index++;
            Field<ushort>(0)++;
            AllKeys[index..count].CopyTo(AllKeys[(index + 1)..]);
            Links[index..count].CopyTo(Links[(index + 1)..]);
            _at[Node.Keys + index] = key;
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
