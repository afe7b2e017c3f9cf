namespace NatsAspire.Server.Storage.Disk;

/// <summary>What went wrong, as far as it decides what to do.</summary>
public enum DiskFault
{
    /// <summary>The device failed (EIO) or said something not listed here.</summary>
    Device,

    /// <summary>No space or quota left.</summary>
    Full,

    /// <summary>A read-only file system or missing permission.</summary>
    ReadOnly,

    /// <summary>No such file or directory.</summary>
    Missing,

    /// <summary>There is such a file already.</summary>
    Exists,

    /// <summary>Too many open files.</summary>
    TooManyFiles,

    /// <summary>An earlier write or sync of this file failed.</summary>
    Poisoned,
}

/// <summary>A disk operation that failed, with the path and the operating system's word for it.</summary>
public sealed class DiskException(DiskFault fault, string operation, string path, string reason, Exception? inner = null)
    : IOException($"{operation} {path}: {reason}", inner)
{
    public DiskFault Fault { get; } = fault;

    public string Path { get; } = path;
}
