using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Migration;

/// <summary>
/// The files of a Go server, to be read and never changed. Paths are relative, with slashes; the empty one is the root.
/// What fails is told in the result, not thrown.
/// </summary>
public interface IGoFiles
{
    /// <summary>Names in a directory, in no order; empty when there is no such directory.</summary>
    /// <param name="directory">Which.</param>
    /// <param name="problem">Why it could not be read; null: it could, or is not there.</param>
    IReadOnlyList<DiskEntry> List(string directory, out string? problem);

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">Which.</param>
    /// <param name="limit">A longer file is not read; bytes.</param>
    GoFile Read(string path, int limit);

    /// <summary>Reads the first bytes of a file.</summary>
    /// <param name="path">Which.</param>
    /// <param name="count">At most so many.</param>
    GoFile ReadHead(string path, int count);

    /// <summary>A directory in this one.</summary>
    IGoFiles Below(string directory);
}

/// <summary>A file that was read, or why not.</summary>
/// <param name="Path">Which.</param>
/// <param name="Bytes">All of it, when it could be read.</param>
/// <param name="Exists">False: there is no such file.</param>
/// <param name="Problem">Why it could not be read; null: it could, or is not there.</param>
public readonly record struct GoFile(string Path, byte[] Bytes, bool Exists, string? Problem)
{
    public static GoFile Missing(string path) => new(path, [], Exists: false, Problem: null);

    public static GoFile Failed(string path, string problem) => new(path, [], Exists: true, problem);

    /// <summary>There, read, and not empty.</summary>
    public bool HasContent => Exists && Problem is null && Bytes.Length > 0;
}

/// <summary>A directory of the file system, opened for reading only.</summary>
/// <param name="root">Its path.</param>
public sealed class GoDirectory(string root) : IGoFiles
{
    public IReadOnlyList<DiskEntry> List(string directory, out string? problem)
    {
        problem = null;
        var path = new DirectoryInfo(Full(directory));
        try
        {
            return path.Exists ? [.. path.EnumerateFileSystemInfos().Select(Entry)] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e.Message;
            return [];
        }
    }

    public GoFile Read(string path, int limit) => Read(path, limit, isHead: false);

    public GoFile ReadHead(string path, int count) => Read(path, count, isHead: true);

    public IGoFiles Below(string directory) => new GoDirectory(Full(directory));

    private GoFile Read(string path, int limit, bool isHead)
    {
        try
        {
            using var file = new FileStream(Full(path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            if (file.Length > limit && !isHead) return GoFile.Failed(path, $"{file.Length} bytes, more than the {limit} that such a file may have");
            var bytes = new byte[Math.Min(file.Length, limit)];
            var count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return new GoFile(path, count == bytes.Length ? bytes : bytes[..count], Exists: true, Problem: null);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return GoFile.Missing(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return GoFile.Failed(path, e.Message);
        }
    }

    private static DiskEntry Entry(FileSystemInfo info) =>
        info is FileInfo file ? new DiskEntry(info.Name, IsDirectory: false, file.Length) : new DiskEntry(info.Name, IsDirectory: true, 0);

    private string Full(string path) => Path.Combine(root, path.Replace('/', Path.DirectorySeparatorChar));
}
