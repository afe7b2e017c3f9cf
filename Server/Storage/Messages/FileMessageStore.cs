using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>
/// Messages on a disk: an open chunk in memory, written as a frame to the last block when it is full; blocks of frames;
/// a manifest that names the blocks and holds the index (<see cref="StoreManifest"/>). Reads touch one chunk, not the block.
/// </summary>
/// <remarks>
/// Nothing is synced but by checkpoints. A block the manifest names is never changed but for frames appended behind
/// its recorded end. What is removed stays in its block until a checkpoint finds the block sparse and writes what is
/// left of it into a new one; what is erased forces that and has the old file overwritten before it is deleted.
/// </remarks>
public sealed partial class FileMessageStore : IndexedMessageStore
{
    private const ulong MessageOverhead = 22 + 8;
    private const ulong HeaderOverhead = 4;

    private readonly IDisk _disk;
    private readonly string _directory;
    private readonly FileStoreOptions _options;
    private readonly KeyRing _keys;
    private readonly FrameCodec _codec;
    private readonly BlockFiles _files;
    private readonly ChunkCache _cache;
    private readonly List<StoreBlock> _blocks = [];

    /// <summary>Files that must be overwritten when they go.</summary>
    private readonly HashSet<ulong> _wipes = [];

    private RecordChunk _open = new();
    private long _openLive;
    private ulong _nextFile = 1;
    private ulong _appliedIndex;
    private ulong _checkpoints;

    /// <summary>Files from this number on are named by no manifest, on disk or being written: nobody misses them.</summary>
    private ulong _firstUnnamed = 1;
    private long _garbage;

    private FileMessageStore(IDisk disk, string directory, FileStoreOptions options)
    {
        (_disk, _directory, _options) = (disk, directory, options);
        _keys = new KeyRing(options);
        _codec = new FrameCodec(options.StreamId, _keys);
        _files = new BlockFiles(disk, directory);
        _cache = new ChunkCache(options.CacheBytes);
    }

    /// <inheritdoc/>
    public override ulong AppliedIndex => _appliedIndex;

    /// <inheritdoc/>
    public override long ReclaimableBytes => _garbage;

    /// <summary>Blocks, for tests.</summary>
    internal int Blocks => _blocks.Count;

    /// <summary>Blocks written anew so far, for tests.</summary>
    internal int Rewritten { get; private set; }

    private string ManifestPath => $"{_directory}/{StoreManifest.Name}";

    /// <summary>Opens a store, or makes one where there is none.</summary>
    /// <param name="disk">Where.</param>
    /// <param name="directory">Its own; made if need be.</param>
    /// <param name="options">How; the stream's id must be the one it was made with.</param>
    /// <exception cref="CorruptStoreException">It cannot be trusted; nothing was changed.</exception>
    public static FileMessageStore Open(IDisk disk, string directory, FileStoreOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BlockSize, 4096);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.BlockSize, 1 << 30);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ChunkSize, 256);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.ChunkSize, 1 << 20);
        var store = new FileMessageStore(disk, directory, options);
        try
        {
            store.Recover();
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override ulong SizeOf(in StoredMessage message) =>
        MessageOverhead + (ulong)message.Subject.Length + (ulong)message.Headers.Length + (ulong)message.Payload.Length
        + (message.Headers.IsEmpty ? 0 : HeaderOverhead);

    private protected override void Store(in StoredMessage message)
    {
        if (_open.Count > 0 && !_open.HasRoom(message, _options.ChunkSize)) MakeRoom();
        if (_open.Count == 0) _open.Reset(message.Sequence);
        _open.Add(message);
        _openLive += RecordChunk.SizeOf(message);
    }

    private protected override void Release(ulong sequence, int recordSize, bool erase)
    {
        if (_open.Count > 0 && sequence >= _open.First)
        {
            _openLive -= recordSize;
            if (erase) _open.Erase(_open.IndexAtLeast(sequence));
            if (_openLive == 0) _open.Reset(0);
            return;
        }
        var at = IndexFrom(sequence);
        var block = _blocks[at];
        block.LiveBytes -= recordSize;
        if (erase) block.Erasures++;
        if (block.LiveBytes == 0) Forget(at, 1);
    }

    private protected override void DropBelow(ulong first)
    {
        var count = 0;
        while (count < _blocks.Count && _blocks[count].Last < first) count++;
        if (count > 0) Forget(0, count);
        if (_open.Count == 0 || _open.Last >= first) return;
        _open.Reset(0);
        _openLive = 0;
    }

    private protected override void DropAbove(ulong last)
    {
        if (_open.Count > 0)
        {
            _open.Truncate(last);
            if (_open.Count > 0) return;
            _open.Reset(0);
            _openLive = 0;
        }
        var from = _blocks.Count;
        while (from > 0 && _blocks[from - 1].First > last) from--;
        if (from < _blocks.Count) Forget(from, _blocks.Count - from);
        if (_blocks.Count > 0 && _blocks[^1].Last > last) CutBlock(_blocks[^1], last);
    }

    protected override void Dispose(bool disposing)
    {
        _files.Dispose();
        _codec.Dispose();
    }

    /// <summary>Ends a block earlier; sequences above come again, in another one.</summary>
    private void CutBlock(StoreBlock block, ulong last)
    {
        var directory = DirectoryOf(block);
        var index = Math.Min(directory.IndexFrom(last), directory.Count - 1);
        while (directory[index].First > last) index--;
        directory.Cut(index + 1);
        var chunk = Load(block, index);
        if (chunk.Last > last) chunk.Truncate(last);
        ref var entry = ref directory[index];
        (entry.Last, entry.LastTimestamp) = (chunk.Last, chunk.LastTimestamp);
        (block.Last, block.LastTimestamp) = (entry.Last, entry.LastTimestamp);
        if (!block.IsSealed) Seal(block);
    }

    /// <summary>
    /// Takes blocks out of the list; their files go with the next checkpoint. Those begun since the last one go now: what a start
    /// needs of them is still in the log, and the memory their pages take serves the next block.
    /// </summary>
    private void Forget(int from, int count)
    {
        var gone = _blocks.GetRange(from, count);
        // First: a disk that refuses a deletion must not leave blocks in the list whose files are gone.
        _blocks.RemoveRange(from, count);
        foreach (var block in gone)
        {
            if (block.Erasures > 0) _wipes.Add(block.File);
            if (block.File < _firstUnnamed || block.Erasures > 0) _garbage += block.End;
            else Delete(block.File);
        }
    }

    private void Delete(ulong file)
    {
        _files.Close(file);
        _disk.Delete(_files.PathOf(file));
    }
}
