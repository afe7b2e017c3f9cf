using System.Buffers.Binary;
using System.Numerics;

namespace NatsAspire.Server.Primitives;

/// <summary>CRC-32 with Castagnoli's polynomial (iSCSI, Snappy framing).</summary>
public static class Crc32C
{
    /// <summary>The checksum of all bytes.</summary>
    public static uint Compute(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        while (data.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[sizeof(ulong)..];
        }
        foreach (var one in data) crc = BitOperations.Crc32C(crc, one);
        return ~crc;
    }
}
