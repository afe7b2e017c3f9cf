using System.Globalization;
using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Messages;

public sealed partial class FileMessageStore
{
    private void Recover()
    {
        _disk.CreateDirectory(_directory);
        if (!_disk.Exists(ManifestPath))
        {
            Begin();
            return;
        }
        var manifest = ReadManifest();
        var lengths = _disk.List(_directory).Where(entry => !entry.IsDirectory).ToDictionary(entry => entry.Name, entry => entry.Length);
        foreach (var block in manifest.Blocks)
        {
            if (!lengths.TryGetValue(StoreBlock.NameOf(block.File), out var length)) throw new CorruptStoreException($"{_files.PathOf(block.File)} at 0: the file is missing.");
            if (length < block.End) throw new CorruptStoreException($"{_files.PathOf(block.File)} at {length}: the file ends before {block.End}.");
        }
        Use(manifest);
        if (manifest.TailDirectory.Length > 0) UseTail(manifest);
        DropGarbage();
    }

    /// <summary>A store of its own, empty: that there is a manifest says that there was a store.</summary>
    private void Begin()
    {
        if (_disk.List(_directory).FirstOrDefault(entry => TryParseName(entry.Name, out _)) is { Name: not null } block)
        {
            throw new CorruptStoreException($"{ManifestPath} at 0: the file is missing, but {block.Name} is there.");
        }
        var checkpoint = BeginCheckpoint(0);
        checkpoint.Run();
        checkpoint.Complete();
    }

    private StoreManifest ReadManifest()
    {
        using var file = _disk.Open(ManifestPath, DiskOpen.Existing);
        try
        {
            return StoreManifest.Read(new ManifestReader(_codec, file));
        }
        catch (Exception error) when (error is ArgumentException or OverflowException or IndexOutOfRangeException)
        {
            throw new CorruptStoreException($"{ManifestPath} at 0: {error.Message}", error);
        }
    }

    private void Use(StoreManifest manifest)
    {
        (_checkpoints, _appliedIndex, _nextFile) = (manifest.Number, manifest.AppliedIndex, manifest.NextFile);
        _firstUnnamed = _nextFile;
        Landmark = manifest.Landmark;
        _blocks.AddRange(manifest.Blocks);
        _wipes.UnionWith(manifest.Wipes);
        Restore(manifest.State, manifest.Subjects, manifest.Removed);
    }

    /// <summary>Goes on where the last checkpoint ended: what was written behind it is in the log too.</summary>
    private void UseTail(StoreManifest manifest)
    {
        var block = _blocks[^1];
        var file = _files.Get(block.File);
        block.Use(ChunkDirectory.Decode(manifest.TailDirectory, block.End) ?? throw new CorruptStoreException($"{ManifestPath} at 0: no directory of chunks."));
        if (file.Length == block.End && block.Key == _keys.Current) return;
        _files.Written(block.File);
        if (file.Length > block.End) file.SetLength(block.End);
        if (block.Key != _keys.Current) Seal(block);
    }

    /// <summary>Deletes the files that neither the manifest on disk nor the store names; some are overwritten before.</summary>
    private void DropGarbage(IReadOnlyCollection<ulong>? named = null)
    {
        var needed = _blocks.Select(block => block.File).Concat(named ?? []).ToHashSet();
        foreach (var entry in _disk.List(_directory))
        {
            if (entry.Name == StoreManifest.NewName) _disk.Delete($"{_directory}/{entry.Name}");
            if (!TryParseName(entry.Name, out var file) || needed.Contains(file)) continue;
            if (_wipes.Remove(file)) Overwrite(file);
            Delete(file);
        }
        _wipes.RemoveWhere(file => !needed.Contains(file));
    }

    private void Overwrite(ulong number)
    {
        using var file = _disk.Open(_files.PathOf(number), DiskOpen.Existing);
        var zeros = new byte[64 * 1024];
        for (long at = 0, length = file.Length; at < length; at += zeros.Length)
        {
            file.Write(at, zeros.AsSpan(0, (int)Math.Min(zeros.Length, length - at)));
        }
        file.Sync();
    }

    private static bool TryParseName(string name, out ulong file)
    {
        file = 0;
        return name.Length == 20 && name.EndsWith(".blk", StringComparison.Ordinal)
            && ulong.TryParse(name.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out file);
    }
}
