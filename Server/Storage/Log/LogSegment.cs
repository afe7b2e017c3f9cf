using System.Globalization;
using System.Runtime.InteropServices;
using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Log;

/// <summary>A segment that may hold records somebody needs.</summary>
internal sealed class LogSegment(ulong number, string path, long length)
{
    public ulong Number => number;

    public string Path => path;

    /// <summary>Bytes of the file.</summary>
    public long Length => length;

    /// <summary>Behind the last record.</summary>
    public long End { get; set; }

    /// <summary>The highest index of each group whose records here are still needed.</summary>
    public Dictionary<ulong, ulong> Needed { get; } = [];

    public void Need(ulong group, ulong index)
    {
        ref var highest = ref CollectionsMarshal.GetValueRefOrAddDefault(Needed, group, out _);
        highest = Math.Max(highest, index);
    }

    /// <summary>Records up to an index are no longer needed.</summary>
    public void Release(ulong group, ulong index)
    {
        if (Needed.TryGetValue(group, out var highest) && highest <= index) Needed.Remove(group);
    }

    /// <summary>Records above an index are void.</summary>
    public void Void(ulong group, ulong above)
    {
        if (Needed.TryGetValue(group, out var highest) && highest > above) Needed[group] = above;
    }
}

/// <summary>The directory of the segments: their names, making and taking them away.</summary>
internal sealed class SegmentDirectory(IDisk disk, string directory)
{
    private const string Extension = ".wal";

    public IDisk Disk => disk;

    public string Path => directory;

    public string PathOf(ulong number) => $"{directory}/{number.ToString("D20", CultureInfo.InvariantCulture)}{Extension}";

    /// <summary>All segment files, highest number first; makes the directory.</summary>
    public List<LogSegment> List()
    {
        disk.CreateDirectory(directory);
        var found = new List<LogSegment>();
        foreach (var entry in disk.List(directory))
        {
            if (!entry.IsDirectory && NumberOf(entry.Name) is { } number) found.Add(new LogSegment(number, PathOf(number), entry.Length));
        }
        found.Sort((a, b) => b.Number.CompareTo(a.Number));
        return found;
    }

    /// <summary>Makes a segment whose name and length are durable, from a free one if there is one.</summary>
    public (LogSegment Segment, IDiskFile File) Make(ulong number, long length, LogSegment? free)
    {
        var path = PathOf(number);
        if (free is not null) disk.Rename(free.Path, path);
        var file = disk.Open(path, free is null ? DiskOpen.New : DiskOpen.Existing);
        try
        {
            file.Preallocate(length);
            file.Sync();
            disk.SyncDirectory(directory);
            return (new LogSegment(number, path, file.Length), file);
        }
        catch (DiskException)
        {
            file.Dispose();
            throw;
        }
    }

    private static ulong? NumberOf(string name) =>
        name.Length == 20 + Extension.Length && name.EndsWith(Extension, StringComparison.Ordinal)
        && ulong.TryParse(name.AsSpan(0, 20), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
}
