using System.Numerics;
using System.Runtime.InteropServices;

namespace NatsAspire.Server.Primitives;

/// <summary>Byte arrays as dictionary keys, looked up by span without a copy.</summary>
public sealed class ByteArrayComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static readonly ByteArrayComparer Instance = new();

    private ByteArrayComparer()
    {
    }

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(byte[] value) => Hash(value);

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<byte> alternate) => Hash(alternate);

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

    /// <summary>CRC-32C, salted per process so that crafted subjects cannot be aimed at one bucket.</summary>
    public static int Hash(ReadOnlySpan<byte> value)
    {
        var hash = Salt ^ (uint)value.Length;
        while (value.Length >= 8)
        {
            hash = BitOperations.Crc32C(hash, MemoryMarshal.Read<ulong>(value));
            value = value[8..];
        }
        foreach (var b in value) hash = BitOperations.Crc32C(hash, b);
        return (int)(hash * 0x9E3779B1);
    }

    private static readonly uint Salt = (uint)Random.Shared.Next();
}
