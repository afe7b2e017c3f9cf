using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.Storage.Log;

/// <summary>
/// Finds the log in a directory. The last segment that begins with a record is the tail; each segment's first record
/// names the one before and where that ended, each seal the one behind; the tail's last batch record names the oldest
/// segment needed. Everything up to the highest point that any record knows to be durable must be whole, or it is
/// corruption; the tail behind that point is whole up to its first bad record, where it is cut.
/// </summary>
internal sealed class LogRecovery
{
    private readonly SegmentDirectory _directory;
    private readonly List<LogSegment> _files;
    private LogPosition _durable;
    private ulong _firstSegment;
    private (ulong Next, long Length)? _seal;

    private LogRecovery(SegmentDirectory directory)
    {
        _directory = directory;
        _files = directory.List();
        (_durable, _) = DurablePoint.Read(directory.Disk, directory.Path);
        NextNumber = Math.Max(_files is [var highest, ..] ? highest.Number : 0, _durable.Segment) + 1;
    }

    /// <summary>What is needed, oldest first; empty: a new log.</summary>
    public List<LogSegment> Segments { get; } = [];

    /// <summary>Files that hold nothing needed; not to be touched before the log's next write is durable.</summary>
    public List<LogSegment> Free { get; private set; } = [];

    public LogVoids Voids { get; } = new();

    /// <summary>Higher than any file's.</summary>
    public ulong NextNumber { get; }

    /// <summary>The tail is sealed already.</summary>
    public bool IsSealed => _seal is not null;

    /// <summary>Bytes of the tail not known to have been durable, that survived all the same.</summary>
    public long Rewritten { get; private set; }

    public static LogRecovery Run(SegmentDirectory directory)
    {
        var recovery = new LogRecovery(directory);
        if (recovery.FindTail() is { } tail)
        {
            recovery.FollowLinks(tail);
            if (recovery.Segments.Count > 1) recovery.AccountAll();
            recovery.MakeDurable(tail);
        }
        recovery.Free = [.. recovery._files.Except(recovery.Segments)];
        return recovery;
    }

    public static CorruptStoreException Corrupt(string path, long offset, string what) =>
        new($"write-ahead log: {path} at offset {offset}: {what}");

    private LogSegment? FindTail()
    {
        foreach (var file in _files)
        {
            using var opened = _directory.Disk.Open(file.Path, DiskOpen.Existing);
            var reader = new SegmentReader(opened, file.Number);
            // Most logs end with the segment they begin with: then what it says is known when its end is.
            Segments.Add(file);
            ScanTail(file, reader);
            Segments.Clear();
            if (file.End > 0)
            {
                CheckTail(file);
                return file;
            }
        }
        if (_durable.Segment > 0) throw Corrupt(_directory.PathOf(_durable.Segment), 0, "its first record is bad or the file is missing");
        return null;
    }

    /// <summary>Reads to the first bad record, then looks behind it for what knows of a durable point.</summary>
    private void ScanTail(LogSegment file, SegmentReader reader)
    {
        while (_seal is null && reader.Next())
        {
            if (reader.RecordStart == 0 && reader.Header.Kind != LogFormat.Batch) throw Corrupt(file.Path, 0, "does not begin with a batch");
            if (reader.Header.Kind == LogFormat.Batch) _firstSegment = Note(file, reader).FirstSegment;
            else if (reader.Header.Kind == LogFormat.Seal) _seal = LogFormat.ReadSeal(reader.Payload);
            Account(file, reader);
        }
        file.End = reader.Position;
        while (_seal is null && reader.FindBatch()) Note(file, reader);
    }

    private BatchMark Note(LogSegment file, SegmentReader reader)
    {
        if (reader.Header.Length != LogFormat.BatchPayload) throw Corrupt(file.Path, reader.RecordStart, "a batch record of another version");
        var mark = LogFormat.ReadBatch(reader.Payload);
        if (reader.FileLength < mark.SegmentLength) throw Corrupt(file.Path, reader.FileLength, $"the file was {mark.SegmentLength} bytes long");
        if (mark.Durable.CompareTo(_durable) > 0) _durable = mark.Durable;
        return mark;
    }

    private void CheckTail(LogSegment tail)
    {
        if (_durable.CompareTo(new LogPosition(tail.Number, tail.End)) > 0)
        {
            var (path, offset) = _durable.Segment == tail.Number ? (tail.Path, tail.End) : (_directory.PathOf(_durable.Segment), 0);
            throw Corrupt(path, offset, $"a bad record, though the log was durable up to {_durable.Offset} of segment {_durable.Segment}");
        }
        if (_seal is { } seal && _files.Find(file => file.Number == seal.Next) is var next && (next is null || next.Length < seal.Length))
        {
            throw Corrupt(_directory.PathOf(seal.Next), next?.Length ?? 0, "the log goes on here, but the file is missing or cut");
        }
    }

    private void FollowLinks(LogSegment tail)
    {
        for (var segment = tail; ;)
        {
            Segments.Insert(0, segment);
            using var opened = _directory.Disk.Open(segment.Path, DiskOpen.Existing);
            var reader = new SegmentReader(opened, segment.Number);
            if (!reader.Next() || reader.Header.Kind != LogFormat.Batch) throw Corrupt(segment.Path, 0, "a bad record");
            var before = Note(segment, reader).Durable;
            if (before.Segment >= segment.Number) throw Corrupt(segment.Path, 0, $"follows segment {before.Segment}, which is not before it");
            if (before.Segment == 0 || before.Segment < _firstSegment) return;
            var previous = _files.Find(file => file.Number == before.Segment) ?? throw Corrupt(_directory.PathOf(before.Segment), 0, "the file is missing");
            previous.End = before.Offset;
            segment = previous;
        }
    }

    /// <summary>Reads everything in order: all must be whole; who needs what, and what is void.</summary>
    private void AccountAll()
    {
        Voids.Clear();
        foreach (var segment in Segments) segment.Needed.Clear();
        foreach (var segment in Segments)
        {
            using var opened = _directory.Disk.Open(segment.Path, DiskOpen.Existing);
            var reader = new SegmentReader(opened, segment.Number);
            while (ReadNext(segment, reader)) Account(segment, reader);
        }
    }

    private void Account(LogSegment segment, SegmentReader reader)
    {
        var (group, index) = (reader.Header.Group, reader.Header.Index);
        var at = new LogPosition(segment.Number, reader.RecordStart);
        if (reader.Header.Kind is > 0 and <= LogFormat.LastFreeKind) segment.Need(group, index);
        else if (reader.Header.Kind == LogFormat.Truncate) Truncate(group, index, at);
        else if (reader.Header.Kind == LogFormat.Remove) Remove(group, at);
        else if (reader.Header.Kind is not (LogFormat.Batch or LogFormat.Seal)) throw Corrupt(segment.Path, reader.RecordStart, $"a record of unknown kind {reader.Header.Kind}");
    }

    /// <summary>Goes to the next record of a segment known to be whole; false: its end.</summary>
    public static bool ReadNext(LogSegment segment, SegmentReader reader)
    {
        if (reader.Position == segment.End) return false;
        if (!reader.Next()) throw Corrupt(segment.Path, reader.Position, $"a bad record, though the segment is durable up to {segment.End}");
        return reader.Position <= segment.End ? true : throw Corrupt(segment.Path, reader.RecordStart, $"a record across the segment's end at {segment.End}");
    }

    private void Truncate(ulong group, ulong index, LogPosition at)
    {
        foreach (var segment in Segments) segment.Void(group, index);
        if (index < ulong.MaxValue) Voids.Add(group, at, index + 1);
    }

    private void Remove(ulong group, LogPosition at)
    {
        foreach (var segment in Segments) segment.Needed.Remove(group);
        Voids.Add(group, at, 0);
    }

    /// <summary>
    /// Writes again what was not known to be durable, and syncs: an earlier sync of it may have failed, after which the
    /// kernel calls pages clean that never reached the disk.
    /// </summary>
    private void MakeDurable(LogSegment tail)
    {
        var from = _durable.Segment == tail.Number ? _durable.Offset : 0;
        Rewritten = tail.End - from;
        if (Rewritten == 0) return;
        using var file = _directory.Disk.Open(tail.Path, DiskOpen.Existing);
        var chunk = new byte[(int)Math.Min(1 << 20, Rewritten)];
        while (from < tail.End)
        {
            var read = file.Read(from, chunk.AsSpan(0, (int)Math.Min(chunk.Length, tail.End - from)));
            if (read == 0) throw new DiskException(DiskFault.Device, "read", tail.Path, $"nothing at {from}, inside the file");
            file.Write(from, chunk.AsSpan(0, read));
            from += read;
        }
        file.Sync();
    }
}
