using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>Writes a whole block, from records to directory, and syncs it.</summary>
internal sealed class BlockWriter(IDisk disk, string directory, ulong number, FrameCodec codec, uint key, FileStoreOptions options) : IDisposable
{
    private readonly StoreBlock _block = new(number) { Key = key };
    private readonly ChunkDirectory _entries = new();
    private readonly RecordChunk _chunk = new();
    private IDiskFile? _file;

    public void Add(in StoredMessage message)
    {
        if (!_chunk.HasRoom(message, options.ChunkSize)) WriteChunk();
        if (_chunk.Count == 0) _chunk.Reset(message.Sequence);
        _chunk.Add(message);
    }

    /// <summary>Ends it.</summary>
    /// <returns>Null when there was no record.</returns>
    public StoreBlock? Finish()
    {
        if (_chunk.Count > 0) WriteChunk();
        if (_file is null) return null;
        var frame = codec.Encode(FrameKind.Directory, (uint)_entries.Count, _block.First, _entries.Encode(), number, _block.End, options.Compress);
        _file.Write(_block.End, frame);
        _block.DirectoryAt = _block.End;
        _block.End += frame.Length;
        _block.RecordBytes = _block.LiveBytes;
        _block.Use(_entries);
        _file.Sync();
        return _block;
    }

    public void Dispose() => _file?.Dispose();

    private void WriteChunk()
    {
        _file ??= disk.Open($"{directory}/{StoreBlock.NameOf(number)}", DiskOpen.New);
        var frame = codec.Encode(FrameKind.Chunk, (uint)_chunk.Count, _chunk.Base, _chunk.Bytes, number, _block.End, options.Compress);
        _file.Write(_block.End, frame);
        if (_block.First == 0) _block.First = _chunk.First;
        (_block.Last, _block.LastTimestamp) = (_chunk.Last, _chunk.LastTimestamp);
        _entries.Add(new ChunkEntry
        {
            First = _chunk.First,
            Last = _chunk.Last,
            LastTimestamp = _chunk.LastTimestamp,
            Offset = _block.End,
            Length = frame.Length,
            Sieve = SubjectSieve.Of(_chunk),
        });
        _block.End += frame.Length;
        _block.LiveBytes += _chunk.Bytes.Length;
        _chunk.Reset(0);
    }
}
