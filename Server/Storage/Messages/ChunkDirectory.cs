using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>Where a chunk of a block is and what may be in it.</summary>
internal struct ChunkEntry
{
    public ulong First;

    public ulong Last;

    public long LastTimestamp;

    /// <summary>Of its frame in the file.</summary>
    public long Offset;

    /// <summary>Of its frame.</summary>
    public int Length;

    public ulong[] Sieve;
}

/// <summary>The chunks of a block, ascending.</summary>
/// <remarks>
/// <code>
/// directory = *entry
/// entry     = first(u64) last(u64) last-time(i64) offset(u64) length(u32) words(u32) words*u64   ; the words: SubjectSieve
/// </code>
/// </remarks>
internal sealed class ChunkDirectory
{
    private const int EntryHead = 40;

    private readonly List<ChunkEntry> _entries = [];

    public int Count => _entries.Count;

    public ref ChunkEntry this[int index] => ref CollectionsMarshal.AsSpan(_entries)[index];

    public void Add(in ChunkEntry entry) => _entries.Add(entry);

    /// <summary>Drops the entries from an index on.</summary>
    public void Cut(int index) => _entries.RemoveRange(index, _entries.Count - index);

    /// <summary>Index of the first entry that does not end below a sequence.</summary>
    public int IndexFrom(ulong sequence)
    {
        var (low, high) = (0, _entries.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (this[middle].Last < sequence) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>Index of the first entry that does not end before a time.</summary>
    public int IndexFromTime(long timestamp)
    {
        var (low, high) = (0, _entries.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (this[middle].LastTimestamp < timestamp) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    public byte[] Encode()
    {
        var bytes = new byte[_entries.Sum(entry => EntryHead + entry.Sieve.Length * sizeof(ulong))];
        var at = bytes.AsSpan();
        foreach (var entry in _entries)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(at, entry.First);
            BinaryPrimitives.WriteUInt64LittleEndian(at[8..], entry.Last);
            BinaryPrimitives.WriteInt64LittleEndian(at[16..], entry.LastTimestamp);
            BinaryPrimitives.WriteInt64LittleEndian(at[24..], entry.Offset);
            BinaryPrimitives.WriteInt32LittleEndian(at[32..], entry.Length);
            BinaryPrimitives.WriteInt32LittleEndian(at[36..], entry.Sieve.Length);
            at = at[EntryHead..];
            foreach (var word in entry.Sieve)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(at, word);
                at = at[sizeof(ulong)..];
            }
        }
        return bytes;
    }

    /// <returns>Null when it is none.</returns>
    public static ChunkDirectory? Decode(ReadOnlySpan<byte> bytes, long end)
    {
        var directory = new ChunkDirectory();
        ulong above = 0;
        while (!bytes.IsEmpty)
        {
            if (bytes.Length < EntryHead) return null;
            var words = BinaryPrimitives.ReadUInt32LittleEndian(bytes[36..]);
            var entry = new ChunkEntry
            {
                First = BinaryPrimitives.ReadUInt64LittleEndian(bytes),
                Last = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
                LastTimestamp = BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
                Offset = BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]),
                Length = BinaryPrimitives.ReadInt32LittleEndian(bytes[32..]),
                Sieve = [],
            };
            bytes = bytes[EntryHead..];
            var isPlaced = entry.Offset >= 0 && entry.Length > 0 && entry.Offset + entry.Length <= end;
            if (!isPlaced || words == 0 || words > bytes.Length / sizeof(ulong) || entry.First <= above || entry.Last < entry.First) return null;
            entry.Sieve = new ulong[words];
            foreach (ref var word in entry.Sieve.AsSpan())
            {
                word = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
                bytes = bytes[sizeof(ulong)..];
            }
            directory.Add(entry);
            above = entry.Last;
        }
        return directory;
    }
}
