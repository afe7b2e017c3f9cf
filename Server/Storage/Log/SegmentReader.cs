using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Log;

/// <summary>
/// Reads a segment's records one after the other. Trusts nothing: what is not a whole record with the right sum for its
/// place is none. Memory: a window, which grows to the largest record there can be in the file.
/// </summary>
internal sealed class SegmentReader(IDiskFile file, ulong number)
{
    private const int Window = 256 << 10;

    /// <summary>Length and group of a batch record: what every one has behind its sum.</summary>
    private static ReadOnlySpan<byte> BatchSign => [LogFormat.BatchPayload, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly long _length = file.Length;
    private byte[] _buffer = new byte[(int)Math.Min(Window, Math.Max(file.Length, LogFormat.Header))];
    private long _start;
    private int _count;

    public ulong Number => number;

    public long FileLength => _length;

    /// <summary>Where the next record begins, or is missing.</summary>
    public long Position { get; set; }

    /// <summary>Where the current record begins.</summary>
    public long RecordStart { get; private set; }

    public LogHeader Header { get; private set; }

    public ReadOnlySpan<byte> Payload => _buffer.AsSpan((int)(RecordStart - _start) + LogFormat.Header, Header.Length);

    /// <summary>Goes to the next record; false: there is none at <see cref="Position"/>.</summary>
    public bool Next()
    {
        var header = Peek(Position, LogFormat.Header);
        if (header.IsEmpty) return false;
        var read = LogFormat.ReadHeader(header);
        if (read.Length < 0 || read.Length > _length - Position - LogFormat.Header) return false;
        var record = Peek(Position, LogFormat.Header + read.Length);
        if (!LogFormat.SumIsRight(record, number, Position)) return false;
        (Header, RecordStart) = (read, Position);
        Position += record.Length;
        return true;
    }

    /// <summary>Goes to the next batch record at or behind <see cref="Position"/>, over what is none; false: there is none.</summary>
    public bool FindBatch()
    {
        const int signOffset = sizeof(uint);
        while (Position + LogFormat.BatchSize <= _length)
        {
            // The sum before a sign may begin with zeros.
            Position = Math.Max(Position, file.SkipHole(Position) - signOffset);
            var window = Peek(Position, (int)Math.Min(_buffer.Length, _length - Position));
            if (window.Length < LogFormat.BatchSize) return false;
            var found = window[signOffset..].IndexOf(BatchSign);
            if (found < 0)
            {
                Position += Math.Max(1, window.Length - signOffset - BatchSign.Length + 1);
                continue;
            }
            Position += found;
            if (!Next()) Position++;
            else if (Header.Kind == LogFormat.Batch) return true;
        }
        return false;
    }

    /// <summary>Bytes of the file; empty when it ends before.</summary>
    private ReadOnlySpan<byte> Peek(long offset, int count)
    {
        if (offset + count > _length) return [];
        if (offset < _start || offset + count > _start + _count) Fill(offset, count);
        return _buffer.AsSpan((int)(offset - _start), count);
    }

    private void Fill(long offset, int count)
    {
        if (_buffer.Length < count) _buffer = new byte[count];
        var wanted = (int)Math.Min(_buffer.Length, _length - offset);
        var read = file.Read(offset, _buffer.AsSpan(0, wanted));
        if (read < wanted) throw new DiskException(DiskFault.Device, "read", file.Path, $"{read} of {wanted} bytes at {offset}, inside the file");
        (_start, _count) = (offset, read);
    }
}
