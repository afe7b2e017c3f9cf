namespace NatsAspire.Server.Storage.Disk;

/// <summary>
/// The disk as the storage layer sees it: whatever is written may be lost, torn or reordered by a crash until it is
/// synced; names too, until their directory is. Implementations report every error; none is swallowed or retried.
/// Paths are absolute. All members throw <see cref="DiskException"/>.
/// </summary>
public interface IDisk
{
    /// <summary>Opens a file for reading and writing.</summary>
    IDiskFile Open(string path, DiskOpen how);

    bool Exists(string path);

    /// <summary>Names (not paths) in a directory, in no order; empty when there is no such directory.</summary>
    IReadOnlyList<DiskEntry> List(string directory);

    /// <summary>Makes a directory and its parents, durable when it returns.</summary>
    void CreateDirectory(string directory);

    /// <summary>Gives a file or directory another name, replacing a file of that name; durable after <see cref="SyncDirectory"/>.</summary>
    void Rename(string from, string to);

    /// <summary>Removes a file; durable after <see cref="SyncDirectory"/>.</summary>
    void Delete(string path);

    /// <summary>Removes a directory with all it holds.</summary>
    void DeleteDirectory(string directory);

    /// <summary>Makes names created, renamed and removed in a directory durable.</summary>
    void SyncDirectory(string directory);

    /// <summary>Bytes that can still be written below a directory.</summary>
    long FreeBytes(string directory);
}

/// <summary>How a file is opened.</summary>
public enum DiskOpen
{
    /// <summary>It must be there.</summary>
    Existing,

    /// <summary>It must not be there.</summary>
    New,

    /// <summary>Either.</summary>
    Always,
}

/// <summary>A name in a directory.</summary>
/// <param name="Name">Without its path.</param>
/// <param name="IsDirectory">False: a file.</param>
/// <param name="Length">Bytes; 0 for a directory.</param>
public readonly record struct DiskEntry(string Name, bool IsDirectory, long Length);
