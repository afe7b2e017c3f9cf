namespace NatsAspire.Server.Storage.Messages;

/// <summary>Decoded chunks, the least recently used of which give their memory to the next ones. One thread.</summary>
internal sealed class ChunkCache(long capacity)
{
    private readonly Dictionary<Key, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _used = [];
    private RecordChunk? _spare;
    private long _bytes;

    public RecordChunk? Find(ulong file, long offset)
    {
        if (!_entries.TryGetValue(new Key(file, offset), out var node)) return null;
        if (node != _used.First)
        {
            _used.Remove(node);
            _used.AddFirst(node);
        }
        return node.Value.Chunk;
    }

    /// <summary>A chunk to read into: memory of an old one when there is some.</summary>
    public RecordChunk Rent()
    {
        var chunk = _spare ?? new RecordChunk();
        _spare = null;
        return chunk;
    }

    /// <summary>An empty chunk with as much room as another.</summary>
    public RecordChunk Rent(RecordChunk like, int limit)
    {
        var isNew = _spare is null;
        var chunk = Rent();
        if (isNew) chunk.PrepareLike(like, limit);
        chunk.Reset(0);
        return chunk;
    }

    /// <summary>Keeps a chunk, at the cost of others.</summary>
    public void Add(ulong file, long offset, RecordChunk chunk)
    {
        var bytes = chunk.Reserved;
        while (_used.Count > 0 && _bytes + bytes > capacity) Evict();
        var node = _used.AddFirst(new Entry(new Key(file, offset), chunk, bytes));
        _entries[node.Value.Key] = node;
        _bytes += bytes;
    }

    private void Evict()
    {
        var node = _used.Last!;
        _used.RemoveLast();
        _entries.Remove(node.Value.Key);
        _bytes -= node.Value.Bytes;
        if (node.Value.Bytes <= capacity / 4) _spare = node.Value.Chunk;
    }

    private readonly record struct Key(ulong File, long Offset);

    private sealed record Entry(Key Key, RecordChunk Chunk, int Bytes);
}
