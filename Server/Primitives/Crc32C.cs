using System.Buffers.Binary;
using System.Numerics;

namespace NatsAspire.Server.Primitives;

/// <summary>CRC-32 with Castagnoli's polynomial (iSCSI, Snappy framing).</summary>
public static class Crc32C
{
    /// <summary>The checksum of all bytes.</summary>
    public static uint Compute(ReadOnlySpan<byte> data) => ~Append(uint.MaxValue, data);

    /// <summary>Goes on from an unfinished sum, which begins as <see cref="uint.MaxValue"/> and is inverted at the end.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        while (data.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[sizeof(ulong)..];
        }
        foreach (var one in data) crc = BitOperations.Crc32C(crc, one);
        return crc;
    }

    /// <summary>Goes on with a number's eight bytes, lowest first.</summary>
    public static uint Append(uint crc, ulong number) => BitOperations.Crc32C(crc, number);
}
