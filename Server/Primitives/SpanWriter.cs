using System.Buffers.Binary;

namespace NatsAspire.Server.Primitives;

/// <summary>Writes little-endian binary formats into a span that is large enough.</summary>
/// <exception cref="ArgumentException">The span is too small.</exception>
public ref struct SpanWriter(Span<byte> target)
{
    /// <summary>Most bytes a varint takes.</summary>
    public const int MaxVarintLength = 10;

    private readonly Span<byte> _target = target;

    /// <summary>Bytes written.</summary>
    public int Count { get; private set; }

    public readonly ReadOnlySpan<byte> Written => _target[..Count];

    /// <summary>Room left.</summary>
    public readonly Span<byte> Rest => _target[Count..];

    /// <summary>Counts bytes that were written into <see cref="Rest"/>.</summary>
    public void Advance(int count) => Count += count;

    public void Byte(byte value)
    {
        _target[Count] = value;
        Count++;
    }

    public void UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(Rest, value);
        Count += sizeof(ushort);
    }

    public void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(Rest, value);
        Count += sizeof(uint);
    }

    public void UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(Rest, value);
        Count += sizeof(ulong);
    }

    public void Int64(long value) => UInt64((ulong)value);

    public void Uvarint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) Byte((byte)(value | 0x80));
        Byte((byte)value);
    }

    public void Varint(long value) => Uvarint((ulong)((value << 1) ^ (value >> 63)));

    public void Bytes(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Rest);
        Count += value.Length;
    }

    /// <summary>Bytes behind their length in 16 bits.</summary>
    /// <exception cref="ArgumentException">64 KiB or more.</exception>
    public void ShortBytes(ReadOnlySpan<byte> value)
    {
        if (value.Length > ushort.MaxValue) throw new ArgumentException($"{value.Length} bytes where at most {ushort.MaxValue} can be told.", nameof(value));
        UInt16((ushort)value.Length);
        Bytes(value);
    }
}
