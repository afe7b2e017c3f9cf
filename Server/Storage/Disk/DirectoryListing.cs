namespace NatsAspire.Server.Storage.Disk;

/// <summary>What .NET does well on every system: names in a directory, free space, and naming what failed.</summary>
internal static class DirectoryListing
{
    public static IReadOnlyList<DiskEntry> Read(string directory) => Guarded("list", directory, () =>
        Directory.Exists(directory) ? (IReadOnlyList<DiskEntry>)[.. Entries(directory).Select(ToEntry)] : []);

    /// <summary>All there is in a directory.</summary>
    public static FileSystemInfo[] Entries(string directory) => Guarded("list", directory, () => new DirectoryInfo(directory).GetFileSystemInfos());

    public static long FreeBytes(string directory) => Guarded("ask for free space of", directory, () => new DriveInfo(directory).AvailableFreeSpace);

    /// <summary>Turns .NET's exceptions into <see cref="DiskException"/>.</summary>
    public static T Guarded<T>(string operation, string path, Func<T> body)
    {
        try
        {
            return body();
        }
        catch (Exception e) when (e is (IOException and not DiskException) or UnauthorizedAccessException or ArgumentException)
        {
            throw Failure(operation, path, e);
        }
    }

    /// <summary>The failure an exception of .NET's tells of.</summary>
    public static DiskException Failure(string operation, string path, Exception e) => new(FaultOf(e), operation, path, e.Message, e);

    private static DiskEntry ToEntry(FileSystemInfo entry) => entry is FileInfo file
        ? new DiskEntry(entry.Name, IsDirectory: false, file.Length)
        : new DiskEntry(entry.Name, IsDirectory: true, 0);

    private static DiskFault FaultOf(Exception e)
    {
        // Low word: the error number of Windows; elsewhere .NET leaves errno there.
        const int diskFull = 112, handleDiskFull = 39, fileExists = 80, alreadyExists = 183, tooManyOpen = 4;
        if (e is FileNotFoundException or DirectoryNotFoundException or DriveNotFoundException) return DiskFault.Missing;
        if (e is UnauthorizedAccessException) return DiskFault.ReadOnly;
        var number = e.HResult & 0xffff;
        if (OperatingSystem.IsWindows())
        {
            return number switch
            {
                diskFull or handleDiskFull => DiskFault.Full,
                fileExists or alreadyExists => DiskFault.Exists,
                tooManyOpen => DiskFault.TooManyFiles,
                _ => DiskFault.Device,
            };
        }
        return number switch
        {
            PosixCalls.NoSpace => DiskFault.Full,
            PosixCalls.ReadOnlyFileSystem => DiskFault.ReadOnly,
            PosixCalls.AlreadyExists => DiskFault.Exists,
            PosixCalls.TooManyFiles or PosixCalls.TooManyFilesInSystem => DiskFault.TooManyFiles,
            _ => DiskFault.Device,
        };
    }
}
