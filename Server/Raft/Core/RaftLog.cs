using System.Buffers;

namespace NatsAspire.Server.Raft.Core;

/// <summary>
/// The log in memory: the frames behind the last snapshot. Frames stand one behind the other in pages, which come from a
/// pool and go back when the last frame in them goes.
/// </summary>
internal sealed class RaftLog : IDisposable
{
    private const int FirstPage = 1 << 10;
    private const int LargestPage = 128 << 10;

    private Slot[] _slots = new Slot[8];
    private int _head;
    private Page? _tail;

    /// <summary>The entry before the first one: the snapshot's.</summary>
    public ulong BaseIndex { get; private set; }

    /// <summary>Its term.</summary>
    public ulong BaseTerm { get; private set; }

    /// <summary>Frames held.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of frames held.</summary>
    public long Bytes { get; private set; }

    /// <summary>The last entry's index; the base's, when there is none.</summary>
    public ulong LastIndex => BaseIndex + (ulong)Count;

    /// <summary>The last entry's term.</summary>
    public ulong LastTerm => Count == 0 ? BaseTerm : At(Count - 1).Term;

    /// <summary>The frame of an index.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The log does not hold it.</exception>
    public ReadOnlySpan<byte> this[ulong index]
    {
        get
        {
            ref readonly var slot = ref At(PlaceOf(index));
            return slot.Page.Bytes.AsSpan(slot.Offset, slot.Length);
        }
    }

    /// <summary>Whether there is a frame for an index.</summary>
    public bool Holds(ulong index) => index > BaseIndex && index <= LastIndex;

    /// <summary>The term of an entry the log holds, or of the base.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is neither.</exception>
    public ulong TermAt(ulong index) => index == BaseIndex ? BaseTerm : At(PlaceOf(index)).Term;

    /// <summary>Begins anew behind an entry.</summary>
    public void Reset(ulong index, ulong term)
    {
        TruncateTo(BaseIndex);
        (BaseIndex, BaseTerm) = (index, term);
    }

    /// <summary>Adds the next frame; it is copied.</summary>
    public void Append(ulong term, ReadOnlySpan<byte> frame)
    {
        if (Count == _slots.Length) Grow();
        if (_tail is null || _tail.Bytes.Length - _tail.Used < frame.Length) _tail = NewPage(frame.Length);
        frame.CopyTo(_tail.Bytes.AsSpan(_tail.Used));
        Count++;
        At(Count - 1) = new Slot(term, _tail, _tail.Used, frame.Length);
        _tail.Used += frame.Length;
        _tail.Frames++;
        Bytes += frame.Length;
    }

    /// <summary>Forgets all behind an index.</summary>
    public void TruncateTo(ulong index)
    {
        while (LastIndex > index && Count > 0)
        {
            ref var slot = ref At(Count - 1);
            slot.Page.Used = slot.Offset;
            Forget(ref slot);
            Count--;
        }
        _tail = Count == 0 ? null : At(Count - 1).Page;
    }

    /// <summary>Forgets all up to an index it holds, which becomes the base.</summary>
    public void CompactTo(ulong index)
    {
        BaseTerm = TermAt(index);
        while (BaseIndex < index)
        {
            Forget(ref At(0));
            _head = (_head + 1) % _slots.Length;
            BaseIndex++;
            Count--;
        }
        if (Count == 0) _tail = null;
    }

    /// <inheritdoc/>
    public void Dispose() => TruncateTo(BaseIndex);

    private void Forget(ref Slot slot)
    {
        Bytes -= slot.Length;
        slot.Page.Frames--;
        if (slot.Page.Frames == 0) ArrayPool<byte>.Shared.Return(slot.Page.Bytes);
        slot = default;
    }

    private Page NewPage(int room)
    {
        var wanted = _tail is null ? FirstPage : Math.Min(_tail.Bytes.Length * 2, LargestPage);
        return new Page(ArrayPool<byte>.Shared.Rent(Math.Max(wanted, room)));
    }

    private void Grow()
    {
        var slots = new Slot[_slots.Length * 2];
        for (var i = 0; i < Count; i++) slots[i] = At(i);
        (_slots, _head) = (slots, 0);
    }

    private int PlaceOf(ulong index)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(index, BaseIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(index, LastIndex);
        return (int)(index - BaseIndex - 1);
    }

    private ref Slot At(int place) => ref _slots[(_head + place) % _slots.Length];

    private sealed class Page(byte[] bytes)
    {
        public readonly byte[] Bytes = bytes;
        public int Used;
        public int Frames;
    }

    private readonly record struct Slot(ulong Term, Page Page, int Offset, int Length);
}
