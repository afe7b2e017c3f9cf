namespace NatsAspire.Server.Storage.Disk;

/// <summary>
/// The disk by .NET's own means, for systems other than Linux. Weaker there: names are durable when the file system's
/// journal makes them so (NTFS and APFS keep their order), because .NET cannot sync a directory.
/// </summary>
public sealed class PortableDisk : IDisk
{
    public IDiskFile Open(string path, DiskOpen how) => DirectoryListing.Guarded("open", path, () => new PortableFile(path, File.OpenHandle(path, how switch
    {
        DiskOpen.Existing => FileMode.Open,
        DiskOpen.New => FileMode.CreateNew,
        _ => FileMode.OpenOrCreate,
    }, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete)));

    public bool Exists(string path) => Path.Exists(path);

    public IReadOnlyList<DiskEntry> List(string directory) => DirectoryListing.Read(directory);

    public void CreateDirectory(string directory) => DirectoryListing.Guarded("make directory", directory, () => Directory.CreateDirectory(directory));

    public void Rename(string from, string to) => DirectoryListing.Guarded("rename", from, () =>
    {
        if (Directory.Exists(from)) Directory.Move(from, to);
        else File.Move(from, to, overwrite: true);
        return true;
    });

    public void Delete(string path) => DirectoryListing.Guarded("delete", path, () =>
    {
        if (!File.Exists(path)) throw new FileNotFoundException("no such file");
        File.Delete(path);
        return true;
    });

    public void DeleteDirectory(string directory) => DirectoryListing.Guarded("remove directory", directory, () =>
    {
        Directory.Delete(directory, recursive: true);
        return true;
    });

    public void SyncDirectory(string directory)
    {
        if (!Directory.Exists(directory)) throw new DiskException(DiskFault.Missing, "sync directory", directory, "no such directory");
    }

    public long FreeBytes(string directory) => DirectoryListing.FreeBytes(directory);
}

/// <summary>The disk of the system this runs on.</summary>
public static class Disks
{
    public static IDisk ForThisSystem() => OperatingSystem.IsLinux() ? new PosixDisk() : new PortableDisk();
}
