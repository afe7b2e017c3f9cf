using System.Buffers.Binary;
using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Log;

/// <summary>Segments: what is in them, who needs it, going on to the next one.</summary>
public sealed partial class WriteAheadLog
{
    private const int WriteLimit = 4 << 20;

    /// <summary>Guards the list of segments and what they are needed for.</summary>
    private readonly Lock _segmentLock = new();

    /// <summary>Oldest first.</summary>
    private readonly List<LogSegment> _segments;

    /// <summary>The last segment, written to if <see cref="_file"/> is set: the committer's, who need not hold the list's lock for it.</summary>
    private LogSegment? _tail;

    /// <summary>Files that hold nothing needed, but that an older batch record may still name.</summary>
    private readonly List<LogSegment> _garbage;

    private readonly Stack<LogSegment> _spares = [];
    private readonly LogVoids _voids;
    private IDiskFile? _file;
    private DurablePoint? _point;
    private bool _pointIsDue;
    private LogPosition _durable;
    private ulong _nextNumber;
    private ulong _firstWritten;
    private bool _tailIsSealed;
    private byte[] _write = [];

    /// <summary>Bytes of all segments that may hold records somebody needs.</summary>
    public long Bytes
    {
        get { lock (_segmentLock) return _segments.Sum(segment => segment.Length); }
    }

    /// <summary>Segments that may hold records somebody needs.</summary>
    public int Segments
    {
        get { lock (_segmentLock) return _segments.Count; }
    }

    /// <summary>Groups that have records in the log.</summary>
    public IReadOnlyCollection<ulong> Groups
    {
        get { lock (_segmentLock) return _segments.SelectMany(segment => segment.Needed.Keys).ToHashSet(); }
    }

    /// <summary>Groups that keep the oldest segment from being reused: a checkpoint of each would free it. Empty: there is but one segment.</summary>
    public IReadOnlyCollection<ulong> Pinning
    {
        get { lock (_segmentLock) return _segments.Count > 1 ? [.. _segments[0].Needed.Keys] : []; }
    }

    /// <summary>Records of a group up to an index are no longer needed: a checkpoint covers them.</summary>
    public void Release(ulong group, ulong index)
    {
        lock (_segmentLock)
        {
            foreach (var segment in _segments) segment.Release(group, index);
            if (!DropUnneeded()) return;
        }
        // A batch record must tell before the files may be taken; if nobody appends, the log does so when it is idle.
        lock (_gate)
        {
            _unmarked = true;
            Wake();
        }
    }

    private bool DropUnneeded()
    {
        var before = _segments.Count;
        while (_segments.Count > 1 && _segments[0].Needed.Count == 0)
        {
            _garbage.Add(_segments[0]);
            _segments.RemoveAt(0);
        }
        return _segments.Count < before;
    }

    /// <summary>Makes sure that a write of so many bytes of records fits into the segment.</summary>
    private void MakeRoom(int bytes)
    {
        if (!HasRoom(bytes)) GoOn(bytes);
    }

    /// <summary>To the next segment.</summary>
    private void GoOn(int bytes)
    {
        if (_unsynced) SyncNow();
        var (segment, file) = MakeSegment(Math.Max(SizeOfWrite(bytes), _options.SegmentSize));
        _pointIsDue = true;
        using (_file) SealTail(segment);
        (_tail, _file) = (segment, file);
        lock (_segmentLock)
        {
            _segments.Add(segment);
            DropUnneeded();
        }
    }

    private bool HasRoom(int bytes) => _file is not null && _tail!.End + SizeOfWrite(bytes) <= _tail.Length;

    private static long SizeOfWrite(int bytes) => (long)LogFormat.BatchSize + bytes + LogFormat.SealSize;

    private (LogSegment Segment, IDiskFile File) MakeSegment(long length)
    {
        var number = _nextNumber++;
        try
        {
            _point ??= DurablePoint.Open(_directory.Disk, _directory.Path);
            return _directory.Make(number, length, length == _options.SegmentSize && _spares.TryPop(out var spare) ? spare : null);
        }
        catch (DiskException e)
        {
            TryDelete(_directory.PathOf(number));
            throw new NoRoomForSegmentException(e);
        }
    }

    /// <summary>Ends the segment so far by naming the next, whose file is there for good; from now on its loss would be noticed.</summary>
    private void SealTail(LogSegment next)
    {
        if (_tail is not { } tail || _tailIsSealed)
        {
            _tailIsSealed = false;
            return;
        }
        using var opened = _file is null ? _directory.Disk.Open(tail.Path, DiskOpen.Existing) : null;
        var file = _file ?? opened!;
        Span<byte> seal = stackalloc byte[LogFormat.SealSize];
        LogFormat.WriteSeal(seal, next.Number, next.Length);
        LogFormat.FinishSum(seal, tail.Number, tail.End);
        file.Write(tail.End, seal);
        file.Sync();
        tail.End += LogFormat.SealSize;
        _durable = new LogPosition(tail.Number, tail.End);
    }

    /// <summary>Writes as many of the batches taken as fit, in one go, behind a batch record.</summary>
    private void WriteTaken()
    {
        var segment = _tail!;
        var (last, size) = (_next, LogFormat.BatchSize);
        while (last < _taken.Count && Fits(segment, size, _taken[last].Length)) size += _taken[last++].Length;
        if (_write.Length < size) _write = GC.AllocateUninitializedArray<byte>(Math.Max(size, Math.Min(WriteLimit, _write.Length * 2)));
        lock (_segmentLock)
        {
            _firstWritten = _segments[0].Number;
            LogFormat.WriteBatch(_write, new BatchMark(_durable, _firstWritten, segment.Length));
            var at = LogFormat.BatchSize;
            for (var i = _next; i < last; at += _taken[i++].Length) _taken[i].Bytes.CopyTo(_write.AsSpan(at));
            Place(segment, _write.AsSpan(0, size));
        }
        for (; _next < last; _next++) _written.Add(_taken[_next]);
        (_unsynced, _unmarked) = (true, true);
        _file!.Write(segment.End, _write.AsSpan(0, size));
        segment.End += size;
        if (_write.Length > WriteLimit) _write = [];
    }

    private bool Fits(LogSegment segment, int size, int more) =>
        segment.End + size + more + LogFormat.SealSize <= segment.Length && (size == LogFormat.BatchSize || size + more <= WriteLimit);

    /// <summary>Finishes the records' sums for where they come to stand, and notes who needs the segment.</summary>
    private void Place(LogSegment segment, Span<byte> write)
    {
        LogFormat.FinishSum(write, segment.Number, segment.End);
        var (group, index) = (0UL, 0UL);
        for (var at = LogFormat.BatchSize; at < write.Length;)
        {
            var record = write[at..];
            LogFormat.FinishSum(record, segment.Number, segment.End + at);
            var header = LogFormat.ReadHeader(record);
            if (header.Group != group || header.Kind > LogFormat.LastFreeKind)
            {
                if (group != 0) segment.Need(group, index);
                (group, index) = (header.Group, 0);
            }
            index = Math.Max(index, header.Index);
            if (header.Kind > LogFormat.LastFreeKind)
            {
                TakeBack(header);
                group = 0;
            }
            at += LogFormat.Header + header.Length;
        }
        if (group != 0) segment.Need(group, index);
    }

    private void TakeBack(in LogHeader header)
    {
        foreach (var segment in _segments)
        {
            if (header.Kind == LogFormat.Truncate) segment.Void(header.Group, header.Index);
            else segment.Needed.Remove(header.Group);
        }
    }

    /// <summary>After a sync: what lies before the first segment that the durable tail names serves again, or goes.</summary>
    private void TakeAwayGarbage()
    {
        List<LogSegment> free;
        lock (_segmentLock)
        {
            if (_garbage.Count == 0) return;
            free = _garbage.FindAll(file => file.Number < _firstWritten || IsAbandoned(file));
            _garbage.RemoveAll(free.Contains);
        }
        foreach (var file in free)
        {
            if (_spares.Count < _options.Spares && file.Length == _options.SegmentSize) _spares.Push(file);
            else TryDelete(file.Path);
        }
    }

    /// <summary>Found at the start, and not part of the log then: since the tail's first write is durable, nothing names it.</summary>
    private static bool IsAbandoned(LogSegment file) => file.End == 0;

    private void TryDelete(string path)
    {
        try
        {
            if (_directory.Disk.Exists(path)) _directory.Disk.Delete(path);
        }
        catch (DiskException e)
        {
            // It takes space until the next start, no more.
            StorageLog.NotDeleted(_log, e.Message);
        }
    }
}
