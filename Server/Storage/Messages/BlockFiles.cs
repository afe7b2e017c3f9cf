using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>The open files of a store: those not yet synced stay open, of the others a few.</summary>
internal sealed class BlockFiles(IDisk disk, string directory) : IDisposable
{
    private const int KeptOpen = 16;

    private readonly Dictionary<ulong, IDiskFile> _open = [];
    private readonly List<ulong> _readers = [];
    private readonly HashSet<ulong> _unsynced = [];

    public string PathOf(ulong file) => $"{directory}/{StoreBlock.NameOf(file)}";

    public IDiskFile Create(ulong file)
    {
        var created = disk.Open(PathOf(file), DiskOpen.New);
        _open[file] = created;
        _unsynced.Add(file);
        return created;
    }

    public IDiskFile Get(ulong file)
    {
        if (_open.TryGetValue(file, out var open)) return open;
        if (_readers.Count == KeptOpen) Close(_readers[0]);
        open = disk.Open(PathOf(file), DiskOpen.Existing);
        _open[file] = open;
        _readers.Add(file);
        return open;
    }

    /// <summary>A file is written to: it is synced with the next checkpoint and stays open until then.</summary>
    public void Written(ulong file)
    {
        if (_unsynced.Add(file)) _readers.Remove(file);
    }

    /// <summary>What a checkpoint has to sync.</summary>
    public List<ulong> Unsynced() => [.. _unsynced];

    /// <summary>A checkpoint has synced it and nothing was written since.</summary>
    public void Synced(ulong file)
    {
        if (!_unsynced.Remove(file) || !_open.ContainsKey(file)) return;
        _readers.Add(file);
        if (_readers.Count > KeptOpen) Close(_readers[0]);
    }

    /// <summary>A file is no longer needed.</summary>
    public void Close(ulong file)
    {
        _unsynced.Remove(file);
        _readers.Remove(file);
        if (_open.Remove(file, out var open)) open.Dispose();
    }

    public void Dispose()
    {
        foreach (var file in _open.Values) file.Dispose();
        _open.Clear();
    }
}
