using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace NatsAspire.Server.Storage.Disk;

/// <summary>
/// The disk on Linux, by the C library's own calls: .NET's hide failures of a sync and know no sync of a directory.
/// Files and directories it makes are for the server's user alone.
/// </summary>
public sealed class PosixDisk : IDisk
{
    private const uint FileMode = 0b110_000_000;
    private const uint DirectoryMode = 0b111_000_000;

    public IDiskFile Open(string path, DiskOpen how) => new PosixFile(path, OpenHandle(path, PosixCalls.ReadWrite | how switch
    {
        DiskOpen.Existing => 0,
        DiskOpen.New => PosixCalls.Create | PosixCalls.Exclusive,
        _ => PosixCalls.Create,
    }));

    public bool Exists(string path)
    {
        if (PosixCalls.Access(path, PosixCalls.Exists) == 0) return true;
        var error = Marshal.GetLastPInvokeError();
        return error is PosixCalls.NoEntry or PosixCalls.NotADirectory ? false : throw PosixCalls.Failure("look for", path, error);
    }

    public IReadOnlyList<DiskEntry> List(string directory) => DirectoryListing.Read(directory);

    public void CreateDirectory(string directory)
    {
        directory = Path.TrimEndingDirectorySeparator(directory);
        if (PosixCalls.MakeDirectory(directory, DirectoryMode) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error == PosixCalls.AlreadyExists && Directory.Exists(directory)) return;
            if (error != PosixCalls.NoEntry || Path.GetDirectoryName(directory) is not { Length: > 0 } above) throw PosixCalls.Failure("make directory", directory, error);
            CreateDirectory(above);
            if (PosixCalls.MakeDirectory(directory, DirectoryMode) < 0) throw PosixCalls.Failure("make directory", directory);
        }
        if (Path.GetDirectoryName(directory) is { Length: > 0 } parent) SyncDirectory(parent);
    }

    public void Rename(string from, string to)
    {
        if (PosixCalls.Rename(from, to) < 0) throw PosixCalls.Failure("rename", from);
    }

    public void Delete(string path)
    {
        if (PosixCalls.Unlink(path) < 0) throw PosixCalls.Failure("delete", path);
    }

    public void DeleteDirectory(string directory)
    {
        foreach (var entry in DirectoryListing.Entries(directory))
        {
            // A link is removed, not followed.
            if (entry.Attributes.HasFlag(FileAttributes.Directory) && !entry.Attributes.HasFlag(FileAttributes.ReparsePoint)) DeleteDirectory(entry.FullName);
            else Delete(entry.FullName);
        }
        if (PosixCalls.RemoveDirectory(directory) < 0) throw PosixCalls.Failure("remove directory", directory);
    }

    public void SyncDirectory(string directory)
    {
        using var handle = OpenHandle(directory, PosixCalls.ReadOnly);
        while (PosixCalls.SyncAll(handle) < 0)
        {
            if (Marshal.GetLastPInvokeError() != PosixCalls.Interrupted) throw PosixCalls.Failure("sync directory", directory);
        }
    }

    public long FreeBytes(string directory) => DirectoryListing.FreeBytes(directory);

    private static SafeFileHandle OpenHandle(string path, int flags)
    {
        while (true)
        {
            var descriptor = PosixCalls.Open(path, flags | PosixCalls.CloseOnExec, FileMode);
            if (descriptor >= 0) return new SafeFileHandle(descriptor, ownsHandle: true);
            if (Marshal.GetLastPInvokeError() != PosixCalls.Interrupted) throw PosixCalls.Failure("open", path);
        }
    }
}
