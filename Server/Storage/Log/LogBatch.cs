using System.Buffers;
using System.Buffers.Binary;
using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Log;

/// <summary>Is told what became of a batch.</summary>
public interface ILogCompletion
{
    /// <summary>
    /// On the log's thread: must be quick, not block, not throw. Batches of one thread complete in the order of their appends.
    /// </summary>
    /// <param name="batch">Goes back to the log when this returns.</param>
    /// <param name="failure">Null: it is complete as <see cref="LogOptions.Sync"/> says. Else it may or may not be in the log, and nothing may be acknowledged.</param>
    void Completed(LogBatch batch, DiskException? failure);
}

/// <summary>What became of a batch that was to be appended without waiting.</summary>
public enum LogAppend
{
    /// <summary>Too much is under way; it stays the caller's.</summary>
    Full,

    /// <summary>It is the log's, which tells when it is complete.</summary>
    UnderWay,

    /// <summary>It is complete already, and the log's again: nobody is told.</summary>
    Written,
}

/// <summary>
/// Records on their way into the log; taken from <see cref="WriteAheadLog.Rent"/>, filled by one thread, given away by
/// <see cref="WriteAheadLog.Append"/>. Stays whole: after a crash its records are there up to one of them, in order.
/// </summary>
public sealed class LogBatch
{
    private const int FirstSize = 4096;

    /// <summary>Bytes of the buffer a pooled batch keeps; larger ones go back to the shared pool.</summary>
    internal const int LargestKept = 64 << 10;

    private readonly int _limit;
    private byte[] _bytes = [];

    internal LogBatch(int limit) => _limit = limit;

    /// <summary>Bytes it takes in the log.</summary>
    public int Length { get; private set; }

    /// <summary>Records in it.</summary>
    public int Count { get; private set; }

    /// <summary>The highest index of the record added last.</summary>
    public ulong LastIndex { get; private set; }

    /// <summary>Whatever who appends wants to find again when it is complete.</summary>
    public object? State { get; set; }

    internal ILogCompletion? Completion { get; set; }

    internal ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    /// <summary>Adds a record.</summary>
    /// <param name="group">Whose log; not 0.</param>
    /// <param name="index">Its place there: the last one's plus 1.</param>
    /// <param name="kind">1 to 127, the group's own matter.</param>
    /// <param name="payload">Copied.</param>
    public void Add(ulong group, ulong index, byte kind, ReadOnlySpan<byte> payload) => payload.CopyTo(Add(group, index, kind, payload.Length));

    /// <summary>Adds a record to be filled in.</summary>
    /// <returns>The payload's place, until the next call.</returns>
    public Span<byte> Add(ulong group, ulong index, byte kind, int length)
    {
        if (kind is 0 or > LogFormat.LastFreeKind) throw new ArgumentOutOfRangeException(nameof(kind), kind, "kinds are 1 to 127");
        return AddAny(group, index, kind, length);
    }

    /// <summary>From here on everything of the group above an index is void; its next record has the index after it.</summary>
    public void AddTruncation(ulong group, ulong index) => AddAny(group, index, LogFormat.Truncate, 0);

    /// <summary>From here on everything of the group is void and no longer needed.</summary>
    public void AddRemoval(ulong group) => AddAny(group, 0, LogFormat.Remove, 0);

    /// <summary>Begins the records' sums; their positions come in later.</summary>
    internal void Close()
    {
        for (var at = 0; at < Length;)
        {
            var size = LogFormat.Header + BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(at + 4));
            LogFormat.BeginSum(_bytes.AsSpan(at, size));
            at += size;
        }
    }

    internal void Reset()
    {
        (Length, Count, LastIndex, State, Completion) = (0, 0, 0, null, null);
        if (_bytes.Length <= LargestKept) return;
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    private Span<byte> AddAny(ulong group, ulong index, byte kind, int length)
    {
        ArgumentOutOfRangeException.ThrowIfZero(group);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var size = (long)LogFormat.Header + length;
        if (Length + size > _limit) throw new ArgumentOutOfRangeException(nameof(length), length, $"a batch holds at most {_limit} bytes");
        if (_bytes.Length - Length < size) Grow((int)(Length + size));
        LogFormat.WriteHeader(_bytes.AsSpan(Length), length, group, index, kind);
        var payload = _bytes.AsSpan(Length + LogFormat.Header, length);
        Length += (int)size;
        Count++;
        LastIndex = index;
        return payload;
    }

    private void Grow(int room)
    {
        var bytes = ArrayPool<byte>.Shared.Rent((int)Math.Min(Math.Max(Math.Max(room, FirstSize), 2L * Length), Array.MaxLength));
        Bytes.CopyTo(bytes);
        if (_bytes.Length > 0) ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = bytes;
    }
}
