using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace NatsAspire.Server.Storage.Disk;

/// <summary>A file of <see cref="PosixDisk"/>. The handle counts its users, so that a read never meets a descriptor closed and given away.</summary>
internal sealed class PosixFile(string path, SafeFileHandle handle) : IDiskFile
{
    private volatile bool _poisoned;

    public string Path => path;

    public long Length => PosixCalls.Seek(handle, 0, PosixCalls.SeekEnd) is var length and >= 0 ? length : throw PosixCalls.Failure("seek", path);

    public unsafe int Read(long offset, Span<byte> buffer)
    {
        var done = 0;
        fixed (byte* start = buffer)
        {
            while (done < buffer.Length)
            {
                var read = PosixCalls.Read(handle, start + done, buffer.Length - done, offset + done);
                if (read == 0) break;
                if (read > 0) done += (int)read;
                else if (Marshal.GetLastPInvokeError() != PosixCalls.Interrupted) throw PosixCalls.Failure("read", path);
            }
        }
        return done;
    }

    public long SkipHole(long offset)
    {
        var found = PosixCalls.Seek(handle, offset, PosixCalls.SeekData);
        if (found >= 0) return found;
        // What a file system cannot tell is read.
        return Marshal.GetLastPInvokeError() == PosixCalls.NoSuchAddress ? Math.Max(offset, Length) : offset;
    }

    public unsafe void Write(long offset, ReadOnlySpan<byte> data)
    {
        RefuseIfPoisoned("write");
        fixed (byte* start = data)
        {
            var done = 0;
            while (done < data.Length)
            {
                var written = PosixCalls.Write(handle, start + done, data.Length - done, offset + done);
                if (written >= 0) done += (int)written;
                else if (Marshal.GetLastPInvokeError() != PosixCalls.Interrupted) throw Poison("write");
            }
        }
    }

    public void SetLength(long length)
    {
        RefuseIfPoisoned("truncate");
        while (PosixCalls.Truncate(handle, length) < 0)
        {
            if (Marshal.GetLastPInvokeError() != PosixCalls.Interrupted) throw PosixCalls.Failure("truncate", path);
        }
    }

    public void Preallocate(long length)
    {
        RefuseIfPoisoned("allocate");
        var present = Length;
        if (length <= present) return;
        while (PosixCalls.Allocate(handle, 0, present, length - present) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error == PosixCalls.Interrupted) continue;
            if (error is not (PosixCalls.NotSupported or PosixCalls.NoSuchCall)) throw PosixCalls.Failure("allocate", path, error);
            // A file system that cannot reserve: the length alone saves most of what a sync costs.
            SetLength(length);
            return;
        }
    }

    public void Sync()
    {
        RefuseIfPoisoned("sync");
        while (PosixCalls.SyncData(handle) < 0)
        {
            // An interrupted call has not consumed the kernel's error state; any other failure has.
            if (Marshal.GetLastPInvokeError() != PosixCalls.Interrupted) throw Poison("sync");
        }
    }

    public void Dispose() => handle.Dispose();

    private DiskException Poison(string operation)
    {
        var failure = PosixCalls.Failure(operation, path);
        _poisoned = true;
        return failure;
    }

    private void RefuseIfPoisoned(string operation)
    {
        if (_poisoned) throw new DiskException(DiskFault.Poisoned, operation, path, "an earlier write or sync of this file failed");
    }
}
