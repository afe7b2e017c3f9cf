using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Log;

/// <summary>Reading what was there when the log was opened.</summary>
public sealed partial class WriteAheadLog
{
    /// <summary>
    /// Shows the records found at the start, in the order of the log, without those taken back. Before the first append and
    /// release. Memory: one window, or the largest record.
    /// </summary>
    /// <param name="covered">For each group the index up to which it needs none; groups not named get all.</param>
    /// <param name="visitor">Takes them.</param>
    /// <exception cref="Messages.CorruptStoreException">A record was whole when the log was opened, and is no more.</exception>
    public void Replay(IReadOnlyDictionary<ulong, ulong> covered, ILogVisitor visitor)
    {
        if (_file is not null || _garbage.Exists(file => file.End > 0)) throw new InvalidOperationException("The log is replayed before the first append and release.");
        foreach (var segment in _segments)
        {
            using var file = _directory.Disk.Open(segment.Path, DiskOpen.Existing);
            var reader = new SegmentReader(file, segment.Number);
            while (LogRecovery.ReadNext(segment, reader))
            {
                var header = reader.Header;
                if (header.Kind is 0 or > LogFormat.LastFreeKind) continue;
                if (covered.TryGetValue(header.Group, out var index) && header.Index <= index) continue;
                if (_voids.IsVoid(header.Group, header.Index, new LogPosition(segment.Number, reader.RecordStart))) continue;
                visitor.Visit(new LogRecord { Group = header.Group, Index = header.Index, Kind = header.Kind, Payload = reader.Payload });
            }
        }
    }
}
