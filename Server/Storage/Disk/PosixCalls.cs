using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace NatsAspire.Server.Storage.Disk;

/// <summary>The Linux calls a disk is made of. Each returns -1 and sets errno on failure.</summary>
internal static partial class PosixCalls
{
    public const int ReadOnly = 0;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int CloseOnExec = 0x80000;
    public const int SeekEnd = 2;
    public const int SeekData = 3;
    public const int Exists = 0;

    public const int OperationNotPermitted = 1;
    public const int NoEntry = 2;
    public const int Interrupted = 4;
    public const int NoSuchAddress = 6;
    public const int AccessDenied = 13;
    public const int AlreadyExists = 17;
    public const int NotADirectory = 20;
    public const int TooManyFilesInSystem = 23;
    public const int TooManyFiles = 24;
    public const int FileTooBig = 27;
    public const int NoSpace = 28;
    public const int ReadOnlyFileSystem = 30;
    public const int NoSuchCall = 38;
    public const int NotEmpty = 39;
    public const int NotSupported = 95;
    public const int QuotaExceeded = 122;

    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, uint mode);

    [LibraryImport(Library, EntryPoint = "pread", SetLastError = true)]
    public static unsafe partial nint Read(SafeFileHandle file, byte* buffer, nint count, long offset);

    [LibraryImport(Library, EntryPoint = "pwrite", SetLastError = true)]
    public static unsafe partial nint Write(SafeFileHandle file, byte* data, nint count, long offset);

    [LibraryImport(Library, EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(SafeFileHandle file, long offset, int whence);

    [LibraryImport(Library, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(SafeFileHandle file, long length);

    [LibraryImport(Library, EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport(Library, EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int SyncData(SafeFileHandle file);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    public static partial int SyncAll(SafeFileHandle file);

    [LibraryImport(Library, EntryPoint = "access", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Access(string path, int mode);

    [LibraryImport(Library, EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MakeDirectory(string path, uint mode);

    [LibraryImport(Library, EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(string from, string to);

    [LibraryImport(Library, EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport(Library, EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int RemoveDirectory(string path);

    /// <summary>The failure that errno tells of.</summary>
    public static DiskException Failure(string operation, string path) => Failure(operation, path, Marshal.GetLastPInvokeError());

    public static DiskException Failure(string operation, string path, int error) =>
        new(FaultOf(error), operation, path, Marshal.GetPInvokeErrorMessage(error));

    private static DiskFault FaultOf(int error) => error switch
    {
        NoSpace or QuotaExceeded or FileTooBig => DiskFault.Full,
        ReadOnlyFileSystem or AccessDenied or OperationNotPermitted => DiskFault.ReadOnly,
        NoEntry or NotADirectory => DiskFault.Missing,
        AlreadyExists or NotEmpty => DiskFault.Exists,
        TooManyFiles or TooManyFilesInSystem => DiskFault.TooManyFiles,
        _ => DiskFault.Device,
    };
}
