using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams.Archives;

/// <summary>A restore under way into a new file store. Unless it is kept, it leaves nothing behind.</summary>
public sealed class StreamRestore : IDisposable
{
    private readonly IDisk _disk;
    private readonly string _directory;
    private readonly SnapshotReader _reader;
    private FileMessageStore? _store;

    /// <param name="disk">Where.</param>
    /// <param name="directory">The store's own; there must be none yet.</param>
    /// <param name="options">Of the store.</param>
    /// <param name="stream">Name that the archive's stream must have.</param>
    /// <param name="limits">What the archive may hold.</param>
    /// <exception cref="DiskException">The disk failed, or there is such a directory.</exception>
    public StreamRestore(IDisk disk, string directory, FileStoreOptions options, string stream, SnapshotLimits limits)
    {
        if (disk.Exists(directory)) throw new DiskException(DiskFault.Exists, "restore", directory, "there is such a directory");
        (_disk, _directory) = (disk, directory);
        try
        {
            _store = FileMessageStore.Open(disk, directory, options);
        }
        catch
        {
            RemoveDirectory();
            throw;
        }
        _reader = new SnapshotReader(stream, _store, limits);
    }

    /// <inheritdoc cref="SnapshotReader.IsTooLarge"/>
    public bool IsTooLarge => _reader.IsTooLarge;

    /// <inheritdoc cref="SnapshotReader.Push"/>
    public string? Push(ReadOnlySpan<byte> chunk) => _reader.Push(chunk);

    /// <summary>Ends the archive and makes the store durable.</summary>
    /// <param name="restored">What the archive held; null with an error.</param>
    /// <param name="store">The store, the caller's from now on; null with an error.</param>
    /// <returns>Null, or why the archive is refused.</returns>
    /// <exception cref="DiskException">The disk failed.</exception>
    public string? Finish(out RestoredStream? restored, out FileMessageStore? store)
    {
        store = null;
        if (_reader.Finish(out restored) is { } error) return error;
        ObjectDisposedException.ThrowIf(_store is null, this);
        var checkpoint = _store.BeginCheckpoint(0);
        checkpoint.Run();
        checkpoint.Complete();
        (store, _store) = (_store, null);
        return null;
    }

    /// <summary>Ends it; what was not finished is removed.</summary>
    /// <exception cref="DiskException">The directory cannot be removed.</exception>
    public void Dispose()
    {
        _reader.Dispose();
        if (_store is null) return;
        _store.Dispose();
        _store = null;
        RemoveDirectory();
    }

    private void RemoveDirectory()
    {
        if (_disk.Exists(_directory)) _disk.DeleteDirectory(_directory);
    }
}
