using System.Numerics;

namespace NatsAspire.Server.Subjects;

/// <summary>
/// Small blocks of bytes out of few large arrays, named by an int. Freed blocks are given out again for the same size.
/// One thread.
/// </summary>
/// <remarks>A block is a whole number of 4-byte units; its name is the unit it begins at.</remarks>
internal sealed class ByteHeap
{
    /// <summary>Longest block.</summary>
    public const int MaxBlock = 128 * 1024;

    private const int UnitsPerPage = 1 << 16;
    private const int PageBytes = UnitsPerPage * 4;
    private const int FirstPageBytes = 512;
    private const int ExactClasses = 64;

    private readonly SharedPages<byte> _pages;
    private readonly int[] _free;
    private int _next;

    public ByteHeap()
    {
        _pages = new SharedPages<byte>(FirstPageBytes);
        _free = new int[ExactClasses + 1 + 16];
        Array.Fill(_free, -1);
    }

    private ByteHeap(ByteHeap other)
    {
        _pages = other._pages.Clone();
        _free = (int[])other._free.Clone();
        _next = other._next;
    }

    /// <summary>Bytes taken from the system.</summary>
    public long Reserved => _pages.Length;

    /// <summary>
    /// The block from its beginning to the end of its page: the owner knows its length. Good until the next <see cref="Take"/>
    /// or <see cref="Edit"/>.
    /// </summary>
    public ReadOnlySpan<byte> At(int block) => _pages[PageOf(block)].AsSpan(OffsetOf(block));

    public ReadOnlySpan<byte> At(int block, int length) => At(block)[..length];

    /// <summary>The same, to be changed.</summary>
    public Span<byte> Edit(int block) => _pages.Edit(PageOf(block)).AsSpan(OffsetOf(block));

    /// <summary>A block of at least so many bytes; what is in it is whatever was there.</summary>
    public int Take(int length)
    {
        var units = Units(length, out var kind);
        var block = _free[kind];
        if (block >= 0)
        {
            _free[kind] = BitConverter.ToInt32(At(block));
            return block;
        }
        var used = _next & (UnitsPerPage - 1);
        if (used + units > UnitsPerPage || (used == 0 && _next > 0)) NextPage(used);
        block = _next;
        _next += units;
        GrowFirstPage();
        return block;
    }

    /// <summary>Gives a block back.</summary>
    /// <param name="block">Its name.</param>
    /// <param name="length">As it was taken.</param>
    public void Free(int block, int length)
    {
        _ = Units(length, out var kind);
        BitConverter.TryWriteBytes(Edit(block), _free[kind]);
        _free[kind] = block;
    }

    public ByteHeap Clone() => new(this);

    private void NextPage(int used)
    {
        if (used > 0) _next += UnitsPerPage - used;
        if (_pages.Count == 1 && _pages[0].Length < PageBytes) _pages.Resize(0, PageBytes);
        _pages.Add(PageBytes);
    }

    private void GrowFirstPage()
    {
        if (_pages.Count > 1 || _next * 4 <= _pages[0].Length) return;
        _pages.Resize(0, Math.Min(PageBytes, (int)BitOperations.RoundUpToPowerOf2((uint)_next * 4)));
    }

    private static int PageOf(int block) => (int)((uint)block / UnitsPerPage);

    private static int OffsetOf(int block) => (block & (UnitsPerPage - 1)) * 4;

    private static int Units(int length, out int kind)
    {
        var units = Math.Max(1, (length + 3) / 4);
        if (units <= ExactClasses)
        {
            kind = units;
            return units;
        }
        var rounded = (int)BitOperations.RoundUpToPowerOf2((uint)units);
        kind = ExactClasses - 6 + BitOperations.Log2((uint)rounded);
        return rounded;
    }
}
