using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Messages;

public sealed partial class FileMessageStore
{
    private protected override RecordChunk? ChunkFrom(ulong sequence, in SubjectSearch search)
    {
        for (var at = IndexFrom(sequence); at < _blocks.Count; at++)
        {
            var directory = DirectoryOf(_blocks[at]);
            for (var i = directory.IndexFrom(sequence); i < directory.Count; i++)
            {
                if (search.MayFindIn(directory[i].Sieve)) return Load(_blocks[at], i);
            }
        }
        return _open.Count > 0 && _open.Last >= sequence ? _open : null;
    }

    private protected override RecordChunk? ChunkUpTo(ulong sequence, in SubjectSearch search)
    {
        if (_open.Count > 0 && _open.First <= sequence) return _open;
        for (var at = Math.Min(IndexFrom(sequence), _blocks.Count - 1); at >= 0; at--)
        {
            if (_blocks[at].First > sequence) continue;
            var directory = DirectoryOf(_blocks[at]);
            for (var i = Math.Min(directory.IndexFrom(sequence), directory.Count - 1); i >= 0; i--)
            {
                if (directory[i].First <= sequence && search.MayFindIn(directory[i].Sieve)) return Load(_blocks[at], i);
            }
        }
        return null;
    }

    private protected override ulong ReadThrough(ulong sequence)
    {
        if (_open.Count > 0 && _open.First <= sequence) return ulong.MaxValue;
        var at = IndexFrom(sequence);
        if (at == _blocks.Count || _blocks[at].KnownDirectory is not { } directory) return 0;
        ref readonly var entry = ref directory[directory.IndexFrom(sequence)];
        return _cache.Find(_blocks[at].File, entry.Offset) is null ? 0 : entry.Last;
    }

    private protected override ulong SeekTime(long timestamp)
    {
        var (low, high) = (0, _blocks.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_blocks[middle].LastTimestamp < timestamp) low = middle + 1;
            else high = middle;
        }
        if (low == _blocks.Count) return _open.Count > 0 ? _open.First : LastSequence + 1;
        var directory = DirectoryOf(_blocks[low]);
        return directory[Math.Min(directory.IndexFromTime(timestamp), directory.Count - 1)].First;
    }

    private protected override CorruptStoreException Lost(ulong sequence) =>
        new($"{_directory}: message {sequence} is not where it should be.");

    /// <summary>Index of the first block that does not end below a sequence.</summary>
    private int IndexFrom(ulong sequence)
    {
        var (low, high) = (0, _blocks.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_blocks[middle].Last < sequence) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private ChunkDirectory DirectoryOf(StoreBlock block) => block.Directory(_files, _codec);

    private RecordChunk Load(StoreBlock block, int index)
    {
        ref readonly var entry = ref DirectoryOf(block)[index];
        var chunk = _cache.Find(block.File, entry.Offset);
        if (chunk is null)
        {
            chunk = _cache.Rent();
            ReadChunk(_codec, _files.Get(block.File), block.File, entry, chunk);
            _cache.Add(block.File, entry.Offset, chunk);
        }
        if (chunk.Last > entry.Last) chunk.Truncate(entry.Last);
        return chunk;
    }

    /// <summary>The open chunk is full: what is live of it is written, or, if that is little, stays.</summary>
    private void MakeRoom()
    {
        if (!TightenOpen()) WriteOpen();
    }

    /// <summary>Drops what is removed from the open chunk when that is more than half of it.</summary>
    private bool TightenOpen()
    {
        if (_openLive * 2 >= _open.Bytes.Length) return false;
        var kept = _cache.Rent();
        kept.Reset(_open.Base);
        for (var i = 0; i < _open.Count; i++)
        {
            if (IsLive(_open.Sequence(i))) kept.Add(_open.Message(i));
        }
        _open = kept;
        return true;
    }

    /// <summary>Writes the open chunk as a frame behind the last block's, or into a new one.</summary>
    private void WriteOpen()
    {
        var block = WritableBlock();
        var file = _files.Get(block.File);
        var frame = _codec.Encode(FrameKind.Chunk, (uint)_open.Count, _open.Base, _open.Bytes, block.File, block.End, _options.Compress);
        _files.Written(block.File);
        file.Write(block.End, frame);
        var entry = new ChunkEntry
        {
            First = _open.First,
            Last = _open.Last,
            LastTimestamp = _open.LastTimestamp,
            Offset = block.End,
            Length = frame.Length,
            Sieve = SubjectSieve.Of(_open),
        };
        DirectoryOf(block).Add(entry);
        if (block.First == 0)
        {
            block.First = entry.First;
            _blocks.Add(block);
        }
        (block.Last, block.LastTimestamp) = (entry.Last, entry.LastTimestamp);
        block.End += frame.Length;
        block.LiveBytes += _openLive;
        block.RecordBytes += _open.Bytes.Length;
        _cache.Add(block.File, entry.Offset, _open);
        _open = _cache.Rent(like: _open, _options.ChunkSize);
        _openLive = 0;
    }

    /// <summary>The last block, or, when that is full, a new one that is not in the list yet.</summary>
    private StoreBlock WritableBlock()
    {
        if (_blocks.Count > 0 && !_blocks[^1].IsSealed)
        {
            if (_blocks[^1].End + _open.Bytes.Length <= _options.BlockSize) return _blocks[^1];
            Seal(_blocks[^1]);
        }
        var block = new StoreBlock(_nextFile++) { Key = _keys.Current };
        block.Use(new ChunkDirectory());
        _files.Create(block.File);
        return block;
    }

    /// <summary>Ends a block with its directory.</summary>
    private void Seal(StoreBlock block)
    {
        var directory = DirectoryOf(block);
        var frame = _codec.Encode(FrameKind.Directory, (uint)directory.Count, block.First, directory.Encode(), block.File, block.End, _options.Compress);
        _files.Written(block.File);
        _files.Get(block.File).Write(block.End, frame);
        block.DirectoryAt = block.End;
        block.End += frame.Length;
    }

    /// <summary>Reads one chunk and checks that it is the one expected.</summary>
    internal static void ReadChunk(FrameCodec codec, IDiskFile file, ulong number, in ChunkEntry entry, RecordChunk into)
    {
        var head = codec.Read(file, number, entry.Offset, entry.Length);
        if (head.Kind != FrameKind.Chunk) throw FrameCodec.Corrupt(file, entry.Offset, "another kind of frame than expected");
        codec.Take(into.Room(head.Length), file, entry.Offset);
        if (!into.TryParse(head.First, head.Length, (int)head.Count) || into.Count == 0 || into.First != entry.First)
        {
            throw FrameCodec.Corrupt(file, entry.Offset, "records other than expected");
        }
    }
}
