using Microsoft.Win32.SafeHandles;

namespace NatsAspire.Server.Storage.Disk;

/// <summary>A file of <see cref="PortableDisk"/>.</summary>
internal sealed class PortableFile(string path, SafeFileHandle handle) : IDiskFile
{
    private volatile bool _poisoned;

    public string Path => path;

    public long Length => DirectoryListing.Guarded("ask for the length of", path, () => RandomAccess.GetLength(handle));

    public int Read(long offset, Span<byte> buffer)
    {
        try
        {
            var done = 0;
            while (done < buffer.Length)
            {
                var read = RandomAccess.Read(handle, buffer[done..], offset + done);
                if (read == 0) break;
                done += read;
            }
            return done;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DirectoryListing.Failure("read", path, e);
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> data)
    {
        RefuseIfPoisoned("write");
        try
        {
            RandomAccess.Write(handle, data, offset);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _poisoned = true;
            throw DirectoryListing.Failure("write", path, e);
        }
    }

    public void SetLength(long length)
    {
        RefuseIfPoisoned("truncate");
        DirectoryListing.Guarded("truncate", path, () =>
        {
            RandomAccess.SetLength(handle, length);
            return true;
        });
    }

    public void Preallocate(long length)
    {
        if (length > Length) SetLength(length);
    }

    public void Sync()
    {
        RefuseIfPoisoned("sync");
        try
        {
            // All that .NET has: FlushFileBuffers on Windows, F_FULLFSYNC on macOS; PosixDisk serves Linux, where it hides failures.
            RandomAccess.FlushToDisk(handle);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _poisoned = true;
            throw DirectoryListing.Failure("sync", path, e);
        }
    }

    public void Dispose() => handle.Dispose();

    private void RefuseIfPoisoned(string operation)
    {
        if (_poisoned) throw new DiskException(DiskFault.Poisoned, operation, path, "an earlier write or sync of this file failed");
    }
}
