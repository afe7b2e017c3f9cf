using System.Buffers.Binary;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Raft.Wire;

/// <summary>What a leader sends its followers, and what stands in the log: one index, with any number of entries in it.</summary>
/// <remarks>
/// <code>
/// frame  = 8 bytes leader, u64 term, u64 commit, u64 previous term, u64 previous index, u16 n, n × entry, [leader term]
/// entry  = u32 size (1 + length of data), u8 type, data
/// leader term = uvarint      of the leader who catches up with older entries; 0: the term above. Old servers leave it out
/// </code>
/// Numbers are little-endian. No entries: a heartbeat, which is not stored. What follows the leader's term is for servers
/// to come and ignored. A view: it lives as long as the frame's bytes.
/// </remarks>
public readonly ref struct AppendEntry
{
    /// <summary>Bytes before the first entry.</summary>
    public const int HeaderLength = PeerId.Length + (4 * sizeof(ulong)) + sizeof(ushort);

    /// <summary>Bytes of an entry before its data.</summary>
    public const int EntryHeaderLength = sizeof(uint) + 1;

    /// <summary>Most entries of a frame.</summary>
    public const int MaxEntries = ushort.MaxValue;

    private readonly int _entriesEnd;

    private AppendEntry(ReadOnlySpan<byte> frame, int entriesEnd, ulong leaderTerm)
    {
        Frame = frame;
        _entriesEnd = entriesEnd;
        LeaderTerm = leaderTerm;
    }

    /// <summary>The whole frame.</summary>
    public ReadOnlySpan<byte> Frame { get; }

    /// <summary>Who made it.</summary>
    public PeerId Leader => PeerId.Read(Frame);

    /// <summary>The term it was made in.</summary>
    public ulong Term => BinaryPrimitives.ReadUInt64LittleEndian(Frame[8..]);

    /// <summary>How far the log was committed when it was made.</summary>
    public ulong Commit => BinaryPrimitives.ReadUInt64LittleEndian(Frame[16..]);

    /// <summary>Term of the entry before it.</summary>
    public ulong PreviousTerm => BinaryPrimitives.ReadUInt64LittleEndian(Frame[24..]);

    /// <summary>Index of the entry before it.</summary>
    public ulong PreviousIndex => BinaryPrimitives.ReadUInt64LittleEndian(Frame[32..]);

    /// <summary>Entries in it.</summary>
    public int Count => BinaryPrimitives.ReadUInt16LittleEndian(Frame[40..]);

    /// <summary>The sender's term when it is not <see cref="Term"/>; 0: it is, or an old server did not tell.</summary>
    public ulong LeaderTerm { get; }

    /// <summary>The term of who sent it.</summary>
    public ulong SenderTerm => LeaderTerm == 0 ? Term : LeaderTerm;

    /// <summary>Nothing to store.</summary>
    public bool IsHeartbeat => Count == 0;

    /// <summary>The frame up to the leader's term.</summary>
    public ReadOnlySpan<byte> Body => Frame[.._entriesEnd];

    /// <summary>Reads a frame.</summary>
    /// <returns>False: it is cut, or its lengths lie.</returns>
    public static bool TryRead(ReadOnlySpan<byte> frame, out AppendEntry entry)
    {
        entry = default;
        if (frame.Length < HeaderLength) return false;
        var at = HeaderLength;
        for (int i = BinaryPrimitives.ReadUInt16LittleEndian(frame[40..]); i > 0; i--)
        {
            if (frame.Length - at < EntryHeaderLength) return false;
            var size = BinaryPrimitives.ReadUInt32LittleEndian(frame[at..]);
            if (size == 0 || size > (uint)(frame.Length - at - sizeof(uint))) return false;
            at += sizeof(uint) + (int)size;
        }
        ulong leaderTerm = 0;
        if (at < frame.Length && !new SpanReader(frame[at..]).TryReadUvarint(out leaderTerm)) return false;
        entry = new AppendEntry(frame, at, leaderTerm);
        return true;
    }

    /// <summary>Its entries, in order.</summary>
    public Enumerator GetEnumerator() => new(Frame[HeaderLength.._entriesEnd]);

    /// <summary>Writes the header of a frame whose entries follow.</summary>
    /// <param name="target">At least <see cref="HeaderLength"/> bytes.</param>
    /// <param name="header">What it says.</param>
    /// <param name="count">Entries that follow, at most <see cref="MaxEntries"/>.</param>
    public static void WriteHeader(Span<byte> target, in AppendEntryHeader header, int count)
    {
        header.Leader.Write(target);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], header.Term);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], header.Commit);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], header.PreviousTerm);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], header.PreviousIndex);
        BinaryPrimitives.WriteUInt16LittleEndian(target[40..], checked((ushort)count));
    }

    /// <summary>Writes an entry.</summary>
    /// <param name="target">At least <see cref="EntryHeaderLength"/> and the data's length.</param>
    /// <param name="type">What it is.</param>
    /// <param name="data">Its data.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteEntry(Span<byte> target, RaftEntryType type, ReadOnlySpan<byte> data)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, (uint)(1 + data.Length));
        target[sizeof(uint)] = (byte)type;
        data.CopyTo(target[EntryHeaderLength..]);
        return EntryHeaderLength + data.Length;
    }

    /// <summary>Writes the term at a frame's end.</summary>
    /// <returns>Bytes written, at most <see cref="SpanWriter.MaxVarintLength"/>.</returns>
    public static int WriteLeaderTerm(Span<byte> target, ulong leaderTerm)
    {
        var writer = new SpanWriter(target);
        writer.Uvarint(leaderTerm);
        return writer.Count;
    }

    /// <summary>Walks over entries of a frame that was found whole.</summary>
    public ref struct Enumerator(ReadOnlySpan<byte> entries)
    {
        private ReadOnlySpan<byte> _rest = entries;

        /// <summary>The entry it stands on.</summary>
        public RaftEntry Current { get; private set; }

        /// <summary>Goes to the next one.</summary>
        public bool MoveNext()
        {
            if (_rest.IsEmpty) return false;
            var size = (int)BinaryPrimitives.ReadUInt32LittleEndian(_rest);
            Current = new RaftEntry((RaftEntryType)_rest[sizeof(uint)], _rest.Slice(EntryHeaderLength, size - 1));
            _rest = _rest[(sizeof(uint) + size)..];
            return true;
        }
    }
}

/// <summary>The numbers before an <see cref="AppendEntry"/>'s entries.</summary>
/// <param name="Leader">Who makes it.</param>
/// <param name="Term">Its term.</param>
/// <param name="Commit">How far the log is committed.</param>
/// <param name="PreviousTerm">Term of the entry before it.</param>
/// <param name="PreviousIndex">Index of the entry before it.</param>
public readonly record struct AppendEntryHeader(PeerId Leader, ulong Term, ulong Commit, ulong PreviousTerm, ulong PreviousIndex);

/// <summary>One entry of an <see cref="AppendEntry"/>.</summary>
public readonly ref struct RaftEntry(RaftEntryType type, ReadOnlySpan<byte> data)
{
    /// <summary>What it is.</summary>
    public RaftEntryType Type { get; } = type;

    /// <summary>Its data.</summary>
    public ReadOnlySpan<byte> Data { get; } = data;
}
