using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Tests.Simulation.Meta;

/// <summary>A disk that says which names it takes away, before it does.</summary>
internal sealed class WatchedDisk(IDisk disk, Action<string, string> renames, Action<string> deletes) : IDisk
{
    public IDiskFile Open(string path, DiskOpen how) => disk.Open(path, how);

    public bool Exists(string path) => disk.Exists(path);

    public IReadOnlyList<DiskEntry> List(string directory) => disk.List(directory);

    public void CreateDirectory(string directory) => disk.CreateDirectory(directory);

    public void Rename(string from, string to)
    {
        renames(from, to);
        disk.Rename(from, to);
    }

    public void Delete(string path)
    {
        deletes(path);
        disk.Delete(path);
    }

    public void DeleteDirectory(string directory) => disk.DeleteDirectory(directory);

    public void SyncDirectory(string directory) => disk.SyncDirectory(directory);

    public long FreeBytes(string directory) => disk.FreeBytes(directory);
}
