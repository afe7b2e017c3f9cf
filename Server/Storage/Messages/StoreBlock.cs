using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>A block: a file of chunks, and what is known of it without reading it.</summary>
internal sealed class StoreBlock(ulong file)
{
    private ChunkDirectory? _directory;

    /// <summary>Number of its file; never given twice.</summary>
    public ulong File { get; } = file;

    public ulong First { get; set; }

    /// <summary>Records above do not count, though they may lie in the file.</summary>
    public ulong Last { get; set; }

    public long LastTimestamp { get; set; }

    /// <summary>End of its last frame.</summary>
    public long End { get; set; }

    /// <summary>Where the frame of its directory begins; 0: it is still written to.</summary>
    public long DirectoryAt { get; set; }

    /// <summary>Number of the key it is encrypted with.</summary>
    public uint Key { get; set; }

    /// <summary>Bytes of the records still needed.</summary>
    public long LiveBytes { get; set; }

    /// <summary>Bytes of all records written.</summary>
    public long RecordBytes { get; set; }

    /// <summary>So many records in it must not stay readable.</summary>
    public int Erasures { get; set; }

    public bool IsSealed => DirectoryAt > 0;

    /// <summary>Named by its number.</summary>
    public static string NameOf(ulong file) => $"{file:x16}.blk";

    /// <summary>Its chunks, if they have been read.</summary>
    public ChunkDirectory? KnownDirectory => _directory;

    /// <summary>Of a block begun now or read from a manifest.</summary>
    public void Use(ChunkDirectory directory) => _directory = directory;

    /// <summary>Its chunks; read from the file when they are needed first.</summary>
    public ChunkDirectory Directory(BlockFiles files, FrameCodec codec) => _directory ??= Read(files.Get(File), codec);

    /// <summary>As it is now, for a checkpoint: another thread may read it.</summary>
    public StoreBlock Copy() => new(File)
    {
        First = First,
        Last = Last,
        LastTimestamp = LastTimestamp,
        End = End,
        DirectoryAt = DirectoryAt,
        Key = Key,
        LiveBytes = LiveBytes,
        RecordBytes = RecordBytes,
        Erasures = Erasures,
    };

    /// <summary>Its chunks, read anew.</summary>
    public ChunkDirectory Read(IDiskFile from, FrameCodec codec)
    {
        var head = codec.Read(from, File, DirectoryAt, checked((int)(End - DirectoryAt)));
        var bytes = new byte[head.Length];
        codec.Take(bytes, from, DirectoryAt);
        var directory = head.Kind == FrameKind.Directory ? ChunkDirectory.Decode(bytes, DirectoryAt) : null;
        if (directory is null || directory.Count == 0 || directory[0].First > Last) throw FrameCodec.Corrupt(from, DirectoryAt, "no directory of chunks");
        Clamp(directory);
        return directory;
    }

    /// <summary>Leaves out what was truncated after the directory was written.</summary>
    private void Clamp(ChunkDirectory directory)
    {
        var count = directory.Count;
        while (directory[count - 1].First > Last) count--;
        directory.Cut(count);
        ref var last = ref directory[count - 1];
        if (last.Last <= Last) return;
        (last.Last, last.LastTimestamp) = (Last, LastTimestamp);
    }
}
