using System.Runtime.InteropServices;

namespace NatsAspire.Tests.Support;

/// <summary>A file system of limited size, in memory, mounted over a folder: it can be full.</summary>
public sealed partial class SmallDisk : IDisposable
{
    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    private string Filler => Path.Combine(_folder, "filler");

    /// <summary>Mounts it. Who may not mount is told so: the test is skipped.</summary>
    /// <param name="folder">Made if it is missing; what it holds is hidden as long.</param>
    /// <param name="mebibytes">What fits.</param>
    public static SmallDisk Mount(string folder, int mebibytes)
    {
        Directory.CreateDirectory(folder);
        if (MountFileSystem("natsaspire", folder, "tmpfs", 0, $"size={mebibytes}m") == 0) return new SmallDisk(folder);
        Assert.Skip($"Cannot mount a file system ({Marshal.GetLastPInvokeErrorMessage()}); it takes root.");
        throw new System.Diagnostics.UnreachableException();
    }

    /// <summary>Takes all the room that is left.</summary>
    public void Fill()
    {
        using var file = File.Open(Filler, FileMode.Append);
        var block = new byte[1 << 16];
        try
        {
            while (true)
            {
                file.Write(block);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // It is full: that is what was wanted.
        }
    }

    /// <summary>Gives back what was taken.</summary>
    public void Free() => File.Delete(Filler);

    public void Dispose()
    {
        // Lazily: somebody may still have a file open on it.
        const int Detach = 2;
        if (UnmountFileSystem(_folder, Detach) != 0) throw new IOException($"umount {_folder}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MountFileSystem(string source, string target, string type, ulong flags, string data);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnmountFileSystem(string target, int flags);
}
