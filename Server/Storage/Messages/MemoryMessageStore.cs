namespace NatsAspire.Server.Storage.Messages;

/// <summary>Messages in memory: chunks of records, rewritten when more than half of one is no longer needed.</summary>
public sealed class MemoryMessageStore : IndexedMessageStore
{
    private const int ChunkBytes = 64 * 1024;
    private const ulong MessageOverhead = 16;

    private readonly List<Slot> _slots = [];
    private ulong _appliedIndex;

    /// <summary>Last operation of the log that has been applied and of which a checkpoint was made; nothing survives a crash.</summary>
    public override ulong AppliedIndex => _appliedIndex;

    /// <summary>Bytes of memory taken for records, used or not.</summary>
    internal long Reserved => _slots.Sum(slot => (long)slot.Chunk.Reserved) + Index.Reserved;

    /// <inheritdoc/>
    public override IStoreCheckpoint BeginCheckpoint(ulong appliedIndex) => new Checkpoint(this, appliedIndex);

    /// <inheritdoc/>
    public override ulong SizeOf(in StoredMessage message) =>
        MessageOverhead + (ulong)message.Subject.Length + (ulong)message.Headers.Length + (ulong)message.Payload.Length;

    private protected override void Store(in StoredMessage message)
    {
        var size = RecordChunk.SizeOf(message);
        if (_slots.Count == 0 || _slots[^1].IsSealed || !_slots[^1].Chunk.HasRoom(message, ChunkBytes)) AddSlot(message.Sequence);
        var slot = _slots[^1];
        slot.Chunk.Add(message);
        slot.Last = message.Sequence;
        slot.LiveBytes += size;
    }

    private protected override void Release(ulong sequence, int recordSize, bool erase)
    {
        var at = IndexFrom(sequence);
        var slot = _slots[at];
        slot.LiveBytes -= recordSize;
        var chunk = slot.Chunk;
        if (slot.LiveBytes == 0) _slots.RemoveAt(at);
        else if (erase || (slot.IsSealed && slot.LiveBytes * 2 < chunk.Bytes.Length)) Rewrite(at);
        if (erase) chunk.Wipe();
    }

    private protected override void DropBelow(ulong first)
    {
        var count = 0;
        while (count < _slots.Count && _slots[count].Last < first) count++;
        if (count > 0) _slots.RemoveRange(0, count);
    }

    private protected override void DropAbove(ulong last)
    {
        while (_slots.Count > 0 && _slots[^1].Chunk.First > last) _slots.RemoveAt(_slots.Count - 1);
        if (_slots.Count == 0 || _slots[^1].Last <= last) return;
        _slots[^1].Chunk.Truncate(last);
        _slots[^1].Last = _slots[^1].Chunk.Last;
    }

    private protected override RecordChunk? ChunkFrom(ulong sequence, in SubjectSearch search)
    {
        for (var at = IndexFrom(sequence); at < _slots.Count; at++)
        {
            if (search.MayFindIn(_slots[at].Sieve)) return _slots[at].Chunk;
        }
        return null;
    }

    private protected override RecordChunk? ChunkUpTo(ulong sequence, in SubjectSearch search)
    {
        var at = IndexFrom(sequence);
        if (at == _slots.Count || _slots[at].Chunk.First > sequence) at--;
        for (; at >= 0; at--)
        {
            if (search.MayFindIn(_slots[at].Sieve)) return _slots[at].Chunk;
        }
        return null;
    }

    private protected override ulong SeekTime(long timestamp)
    {
        var (low, high) = (0, _slots.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_slots[middle].Chunk.LastTimestamp < timestamp) low = middle + 1;
            else high = middle;
        }
        return low < _slots.Count ? _slots[low].Chunk.First : LastSequence + 1;
    }

    protected override void Dispose(bool disposing) => _slots.Clear();

    /// <summary>Index of the first slot that does not end below a sequence.</summary>
    private int IndexFrom(ulong sequence)
    {
        var (low, high) = (0, _slots.Count);
        if (high > 0 && _slots[high - 1].Chunk.First <= sequence) low = high - 1;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_slots[middle].Last < sequence) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private void AddSlot(ulong first)
    {
        var slot = new Slot(first);
        if (_slots.Count > 0)
        {
            slot.Chunk.PrepareLike(_slots[^1].Chunk, ChunkBytes);
            if (!_slots[^1].IsSealed) Seal(_slots.Count - 1);
        }
        _slots.Add(slot);
    }

    private void Seal(int at)
    {
        var slot = _slots[at];
        slot.IsSealed = true;
        if (slot.LiveBytes * 2 < slot.Chunk.Bytes.Length) Rewrite(at);
        else slot.Sieve = SubjectSieve.Of(slot.Chunk);
    }

    /// <summary>
    /// Copies what is live into a chunk of its own: whoever walks the old one may go on.
    /// </summary>
    private void Rewrite(int at)
    {
        var old = _slots[at];
        var slot = new Slot(old.Chunk.First) { IsSealed = old.IsSealed, LiveBytes = old.LiveBytes };
        slot.Chunk.Room(old.LiveBytes);
        for (var i = 0; i < old.Chunk.Count; i++)
        {
            if (IsLive(old.Chunk.Sequence(i))) slot.Chunk.Add(old.Chunk.Message(i));
        }
        slot.Last = slot.Chunk.Last;
        if (slot.IsSealed) slot.Sieve = SubjectSieve.Of(slot.Chunk);
        _slots[at] = slot;
    }

    private sealed class Slot
    {
        public Slot(ulong first) => Chunk.Reset(first);

        public RecordChunk Chunk { get; } = new();

        public ulong[]? Sieve { get; set; }

        public ulong Last { get; set; }

        public int LiveBytes { get; set; }

        public bool IsSealed { get; set; }
    }

    private sealed class Checkpoint(MemoryMessageStore store, ulong appliedIndex) : IStoreCheckpoint
    {
        public void Run()
        {
            // Nothing to write.
        }

        public void Complete() => store._appliedIndex = appliedIndex;
    }
}
