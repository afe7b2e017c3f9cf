namespace NatsAspire.Server.Storage.Messages;

/// <summary>
/// What a store knows of a literal subject. After removals of its first or last message the end is not sought until
/// somebody asks: until then it is a bound.
/// </summary>
internal struct SubjectTotals
{
    private const ulong FirstIsBound = 1UL << 63;
    private const ulong LastIsBound = 1UL << 62;
    private const ulong CountBits = LastIsBound - 1;

    private ulong _count;

    /// <summary>Of the first message, or a sequence below it.</summary>
    public ulong First;

    /// <summary>Of the last message, or a sequence above it.</summary>
    public ulong Last;

    public ulong Messages
    {
        readonly get => _count & CountBits;
        set => _count = (_count & ~CountBits) | value;
    }

    public bool FirstStale
    {
        readonly get => (_count & FirstIsBound) != 0;
        set => _count = value ? _count | FirstIsBound : _count & ~FirstIsBound;
    }

    public bool LastStale
    {
        readonly get => (_count & LastIsBound) != 0;
        set => _count = value ? _count | LastIsBound : _count & ~LastIsBound;
    }

    /// <summary>A message more, the last one.</summary>
    public void Add(ulong sequence)
    {
        if (Messages == 0)
        {
            First = sequence;
            FirstStale = false;
        }
        Last = sequence;
        LastStale = false;
        Messages++;
    }

    /// <summary>A message less, of several.</summary>
    public void Remove(ulong sequence)
    {
        Messages--;
        if (sequence == First)
        {
            First++;
            FirstStale = true;
        }
        if (sequence == Last)
        {
            Last--;
            LastStale = true;
        }
        if (Messages != 1 || (FirstStale && LastStale)) return;
        if (FirstStale) SetFirst(Last);
        else SetLast(First);
    }

    public void SetFirst(ulong sequence)
    {
        First = sequence;
        FirstStale = false;
        if (Messages == 1) (Last, LastStale) = (sequence, false);
    }

    public void SetLast(ulong sequence)
    {
        Last = sequence;
        LastStale = false;
        if (Messages == 1) (First, FirstStale) = (sequence, false);
    }
}
