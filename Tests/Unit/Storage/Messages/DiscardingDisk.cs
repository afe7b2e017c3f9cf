using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>Takes everything, keeps lengths only: for measuring what a store keeps in memory.</summary>
internal sealed class DiscardingDisk : IDisk
{
    private readonly Dictionary<string, Nothing> _files = [];

    public IDiskFile Open(string path, DiskOpen how)
    {
        if (!_files.TryGetValue(path, out var file)) _files[path] = file = new Nothing(path);
        return file;
    }

    public bool Exists(string path) => _files.ContainsKey(path);

    public IReadOnlyList<DiskEntry> List(string directory) => [];

    public void CreateDirectory(string directory)
    {
        // Any path is good.
    }

    public void Rename(string from, string to)
    {
        if (_files.Remove(from, out var file)) _files[to] = file;
    }

    public void Delete(string path) => _files.Remove(path);

    public void DeleteDirectory(string directory) => _files.Clear();

    public void SyncDirectory(string directory)
    {
        // Nothing is kept.
    }

    public long FreeBytes(string directory) => long.MaxValue;

    private sealed class Nothing(string path) : IDiskFile
    {
        public string Path => path;

        public long Length { get; private set; }

        public int Read(long offset, Span<byte> buffer) => 0;

        public void Write(long offset, ReadOnlySpan<byte> data) => Length = Math.Max(Length, offset + data.Length);

        public void SetLength(long length) => Length = length;

        public void Preallocate(long length)
        {
            // Nothing is kept.
        }

        public void Sync()
        {
            // Nothing is kept.
        }

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}
