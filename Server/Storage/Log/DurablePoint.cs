using System.Buffers.Binary;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Log;

/// <summary>
/// How far the log was durable at some time, in a file beside its segments: written when a segment gets its first records,
/// when the log is idle and when it is closed. Lets damage to the end of the log be told from a torn tail, also when the
/// last segment is lost as a whole. It says nothing false when it is old, and may be missing.
/// <code>
/// file = slot slot                  512 bytes each, written in turns
/// slot = crc:u32 turn:u64 segment:u64 offset:u64, crc = CRC32C of the three numbers
/// </code>
/// </summary>
internal sealed class DurablePoint : IDisposable
{
    private const string Name = "durable";
    private const int Slot = 512;
    private const int Size = 28;

    private readonly IDiskFile _file;
    private ulong _turn;

    private DurablePoint(IDiskFile file, ulong turn) => (_file, _turn) = (file, turn);

    /// <summary>What the file says; default: nothing.</summary>
    public static (LogPosition Point, ulong Turn) Read(IDisk disk, string directory)
    {
        var path = $"{directory}/{Name}";
        var newest = (Point: default(LogPosition), Turn: 0UL);
        if (!disk.Exists(path)) return newest;
        using var file = disk.Open(path, DiskOpen.Existing);
        Span<byte> slot = stackalloc byte[Size];
        for (var offset = 0; offset <= Slot; offset += Slot)
        {
            if (file.Read(offset, slot) < Size || BinaryPrimitives.ReadUInt32LittleEndian(slot) != Crc32C.Compute(slot[4..])) continue;
            var turn = BinaryPrimitives.ReadUInt64LittleEndian(slot[4..]);
            if (turn <= newest.Turn) continue;
            newest = (new LogPosition(BinaryPrimitives.ReadUInt64LittleEndian(slot[12..]), BinaryPrimitives.ReadInt64LittleEndian(slot[20..])), turn);
        }
        return newest;
    }

    /// <summary>Opens the file for writing, or makes it.</summary>
    public static DurablePoint Open(IDisk disk, string directory)
    {
        var (_, turn) = Read(disk, directory);
        var file = disk.Open($"{directory}/{Name}", DiskOpen.Always);
        try
        {
            file.Preallocate(2 * Slot);
            file.Sync();
            disk.SyncDirectory(directory);
            return new DurablePoint(file, turn);
        }
        catch (DiskException)
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes and syncs a point up to which the log has been synced.</summary>
    public void Write(LogPosition point)
    {
        _turn++;
        Span<byte> slot = stackalloc byte[Size];
        BinaryPrimitives.WriteUInt64LittleEndian(slot[4..], _turn);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[12..], point.Segment);
        BinaryPrimitives.WriteInt64LittleEndian(slot[20..], point.Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(slot, Crc32C.Compute(slot[4..]));
        _file.Write((long)(_turn % 2) * Slot, slot);
        _file.Sync();
    }

    public void Dispose() => _file.Dispose();
}
