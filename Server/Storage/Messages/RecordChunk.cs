using System.Buffers.Binary;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>
/// Records of messages one behind the other, ascending by sequence, with where each begins.
/// </summary>
/// <remarks>
/// <code>
/// chunk   = *record                       ; ascending
/// record  = delta time subject-length header-length payload-length subject headers payload
/// delta   = u32                           ; sequence - the chunk's base
/// time    = i64                           ; nanoseconds since 1970
/// subject-length = u16 ; header-length = u32 ; payload-length = u32
/// </code>
/// Little endian.
/// </remarks>
internal sealed class RecordChunk
{
    /// <summary>Bytes of a record besides its subject, headers and payload.</summary>
    public const int RecordHead = 22;

    private byte[] _bytes = [];
    private int[] _starts = [];
    private int _length;

    /// <summary>What the deltas of its records are added to.</summary>
    public ulong Base { get; private set; }

    public int Count { get; private set; }

    /// <summary>The records.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>Memory it takes.</summary>
    public int Reserved => _bytes.Length + _starts.Length * sizeof(int);

    public ulong First => Sequence(0);

    public ulong Last => Sequence(Count - 1);

    public long LastTimestamp => Timestamp(Count - 1);

    /// <summary>Takes memory of another one for a new life.</summary>
    /// <param name="at">Its new base.</param>
    public void Reset(ulong at)
    {
        (Base, Count, _length) = (at, 0, 0);
    }

    /// <summary>Takes memory at once for as much as another chunk has.</summary>
    /// <param name="other">A chunk of the same kind of messages.</param>
    /// <param name="limit">Bytes a chunk should not exceed.</param>
    public void PrepareLike(RecordChunk other, int limit)
    {
        _bytes = new byte[Math.Min(limit, other._bytes.Length)];
        _starts = new int[other._starts.Length];
    }

    /// <summary>Whether a message may still come in.</summary>
    /// <param name="message">The next one.</param>
    /// <param name="limit">Bytes a chunk should not exceed; one message always has room.</param>
    public bool HasRoom(in StoredMessage message, int limit) =>
        Count == 0 || (_length + SizeOf(message) <= limit && message.Sequence - Base <= uint.MaxValue);

    public static int SizeOf(in StoredMessage message) =>
        checked(RecordHead + message.Subject.Length + message.Headers.Length + message.Payload.Length);

    public void Add(in StoredMessage message)
    {
        var size = SizeOf(message);
        if (_bytes.Length - _length < size) Array.Resize(ref _bytes, Grown(_bytes.Length, _length + size, 256));
        if (_starts.Length == Count) Array.Resize(ref _starts, Grown(_starts.Length, Count + 1, 8));
        var at = _bytes.AsSpan(_length, size);
        BinaryPrimitives.WriteUInt32LittleEndian(at, (uint)(message.Sequence - Base));
        BinaryPrimitives.WriteInt64LittleEndian(at[4..], message.Timestamp);
        BinaryPrimitives.WriteUInt16LittleEndian(at[12..], checked((ushort)message.Subject.Length));
        BinaryPrimitives.WriteInt32LittleEndian(at[14..], message.Headers.Length);
        BinaryPrimitives.WriteInt32LittleEndian(at[18..], message.Payload.Length);
        at = at[RecordHead..];
        message.Subject.CopyTo(at);
        message.Headers.CopyTo(at[message.Subject.Length..]);
        message.Payload.CopyTo(at[(message.Subject.Length + message.Headers.Length)..]);
        _starts[Count++] = _length;
        _length += size;
    }

    /// <summary>Room to put so many bytes of records into, before <see cref="TryParse"/>.</summary>
    public Span<byte> Room(int length)
    {
        if (_bytes.Length < length) _bytes = new byte[length];
        return _bytes.AsSpan(0, length);
    }

    /// <summary>Takes what was put into <see cref="Room"/> as records.</summary>
    /// <param name="at">Their base.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="count">How many there must be.</param>
    /// <returns>False when they are no such records.</returns>
    public bool TryParse(ulong at, int length, int count)
    {
        if (count < 0 || count > length / RecordHead) return false;
        (Base, Count, _length) = (at, 0, length);
        if (_starts.Length < count) _starts = new int[count];
        var (offset, least) = (0, 0L);
        while (offset < length)
        {
            if (Count == count || length - offset < RecordHead) return false;
            var head = _bytes.AsSpan(offset, RecordHead);
            var delta = BinaryPrimitives.ReadUInt32LittleEndian(head);
            var size = (long)RecordHead + BinaryPrimitives.ReadUInt16LittleEndian(head[12..])
                + BinaryPrimitives.ReadUInt32LittleEndian(head[14..]) + BinaryPrimitives.ReadUInt32LittleEndian(head[18..]);
            if (delta < least || size > length - offset) return false;
            least = delta + 1L;
            _starts[Count++] = offset;
            offset += (int)size;
        }
        return Count == count;
    }

    public ulong Sequence(int index) => Base + BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(_starts[index]));

    public long Timestamp(int index) => BinaryPrimitives.ReadInt64LittleEndian(_bytes.AsSpan(_starts[index] + 4));

    public ReadOnlySpan<byte> Subject(int index)
    {
        var at = _starts[index];
        return _bytes.AsSpan(at + RecordHead, BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(at + 12)));
    }

    public StoredMessage Message(int index)
    {
        var at = _bytes.AsSpan(_starts[index]);
        int subject = BinaryPrimitives.ReadUInt16LittleEndian(at[12..]);
        var headers = BinaryPrimitives.ReadInt32LittleEndian(at[14..]);
        var payload = BinaryPrimitives.ReadInt32LittleEndian(at[18..]);
        return new StoredMessage
        {
            Sequence = Sequence(index),
            Timestamp = Timestamp(index),
            Subject = at.Slice(RecordHead, subject),
            Headers = at.Slice(RecordHead + subject, headers),
            Payload = at.Slice(RecordHead + subject + headers, payload),
        };
    }

    /// <summary>Index of the first record at or above a sequence; <see cref="Count"/>: none.</summary>
    public int IndexAtLeast(ulong sequence)
    {
        if (Count == 0 || sequence <= First) return 0;
        if (sequence > Last) return Count;
        if (Last - First == (ulong)Count - 1) return (int)(sequence - First);
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Sequence(middle) < sequence) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>Index of the last record at or below a sequence; -1: none.</summary>
    public int IndexAtMost(ulong sequence)
    {
        var index = IndexAtLeast(sequence);
        return index < Count && Sequence(index) == sequence ? index : index - 1;
    }

    /// <summary>Overwrites everything in it.</summary>
    public void Wipe() => Array.Clear(_bytes);

    /// <summary>Overwrites the content of one record; its lengths stay.</summary>
    public void Erase(int index)
    {
        var end = index + 1 < Count ? _starts[index + 1] : _length;
        _bytes.AsSpan((_starts[index] + RecordHead)..end).Clear();
    }

    /// <summary>Drops the records above a sequence.</summary>
    public void Truncate(ulong last)
    {
        var count = IndexAtMost(last) + 1;
        if (count == Count) return;
        _length = _starts[count];
        Count = count;
    }

    private static int Grown(int length, int needed, int least) => Math.Max(needed, Math.Max(least, (int)Math.Min(length * 2L, Array.MaxLength)));
}
