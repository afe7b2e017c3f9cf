using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>
/// A checkpoint of a file store. What it reads belongs to it alone or does not change: copies of the index, closed
/// blocks, frames before the tail's recorded end.
/// </summary>
internal sealed class FileStoreCheckpoint(
    FileMessageStore store, IDisk disk, string directory, FileStoreOptions options,
    StoreManifest manifest, List<BlockRewrite> rewrites, List<IDiskFile> unsynced) : IStoreCheckpoint
{
    private volatile bool _durable;
    private volatile bool _failed;

    public StoreManifest Manifest { get; } = manifest;

    public List<BlockRewrite> Rewrites { get; } = rewrites;

    /// <summary>Files to which nothing is added after this checkpoint.</summary>
    public required List<ulong> SyncedWhole { get; init; }

    public bool IsDurable => _durable;

    public bool HasFailed => _failed;

    /// <inheritdoc/>
    public void Run()
    {
        try
        {
            using var codec = new FrameCodec(options.StreamId, new KeyRing(options));
            foreach (var rewrite in Rewrites) Write(rewrite, codec);
            foreach (var file in unsynced) file.Sync();
            disk.SyncDirectory(directory);
            WriteManifest(codec);
            _durable = true;
        }
        catch
        {
            _failed = true;
            throw;
        }
    }

    /// <inheritdoc/>
    public void Complete() => store.Complete(this);

    private void WriteManifest(FrameCodec codec)
    {
        var path = $"{directory}/{StoreManifest.NewName}";
        using (var file = disk.Open(path, DiskOpen.Always))
        {
            file.SetLength(0);
            Manifest.Write(new ManifestWriter(codec, file, Manifest.Number, options.Compress));
            file.Sync();
        }
        disk.Rename(path, $"{directory}/{StoreManifest.Name}");
        disk.SyncDirectory(directory);
    }

    /// <summary>Writes the new block and puts it into the manifest in place of its sources.</summary>
    private void Write(BlockRewrite rewrite, FrameCodec codec)
    {
        using var writer = new BlockWriter(disk, directory, rewrite.File, codec, new KeyRing(options).Current, options);
        var chunk = new RecordChunk();
        foreach (var source in rewrite.Copies)
        {
            using var from = disk.Open($"{directory}/{StoreBlock.NameOf(source.File)}", DiskOpen.Existing);
            var entries = source.Read(from, codec);
            for (var i = 0; i < entries.Count; i++)
            {
                FileMessageStore.ReadChunk(codec, from, source.File, entries[i], chunk);
                if (chunk.Last > entries[i].Last) chunk.Truncate(entries[i].Last);
                CopyLive(chunk, writer);
            }
        }
        rewrite.Result = writer.Finish();
        var at = Manifest.Blocks.FindIndex(block => block.File == rewrite.Copies[0].File);
        Manifest.Blocks.RemoveRange(at, rewrite.Copies.Count);
        if (rewrite.Result is { } result) Manifest.Blocks.Insert(at, result.Copy());
    }

    private void CopyLive(RecordChunk from, BlockWriter to)
    {
        for (var i = 0; i < from.Count; i++)
        {
            var sequence = from.Sequence(i);
            if (sequence >= Manifest.State.FirstSequence && !Manifest.Removed.Contains(sequence)) to.Add(from.Message(i));
        }
    }
}
