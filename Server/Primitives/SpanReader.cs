using System.Buffers.Binary;

namespace NatsAspire.Server.Primitives;

/// <summary>Reads little-endian binary formats. What is not there makes a call false; nothing is read past the end.</summary>
public ref struct SpanReader(ReadOnlySpan<byte> source)
{
    private ReadOnlySpan<byte> _rest = source;

    /// <summary>What has not been read.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public bool TryReadByte(out byte value)
    {
        value = _rest.IsEmpty ? (byte)0 : _rest[0];
        return TryReadBytes(1, out _);
    }

    public bool TryReadUInt16(out ushort value)
    {
        var there = TryReadBytes(sizeof(ushort), out var bytes);
        value = there ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : default;
        return there;
    }

    public bool TryReadUInt32(out uint value)
    {
        var there = TryReadBytes(sizeof(uint), out var bytes);
        value = there ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : default;
        return there;
    }

    public bool TryReadUInt64(out ulong value)
    {
        var there = TryReadBytes(sizeof(ulong), out var bytes);
        value = there ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : default;
        return there;
    }

    public bool TryReadInt64(out long value)
    {
        var there = TryReadUInt64(out var bits);
        value = (long)bits;
        return there;
    }

    /// <summary>Seven bits a byte, the lowest first; the highest bit says that more follow. At most 64 bits.</summary>
    public bool TryReadUvarint(out ulong value)
    {
        value = 0;
        for (var i = 0; i < SpanWriter.MaxVarintLength && i < _rest.Length; i++)
        {
            var part = _rest[i];
            if (i == SpanWriter.MaxVarintLength - 1 && part > 1) return false;
            value |= (ulong)(part & 0x7F) << (7 * i);
            if (part >= 0x80) continue;
            _rest = _rest[(i + 1)..];
            return true;
        }
        return false;
    }

    /// <summary>A signed number as a uvarint: the sign is the lowest bit.</summary>
    public bool TryReadVarint(out long value)
    {
        var there = TryReadUvarint(out var bits);
        value = (long)(bits >> 1) ^ -(long)(bits & 1);
        return there;
    }

    public bool TryReadBytes(long count, out ReadOnlySpan<byte> bytes)
    {
        if (count < 0 || count > _rest.Length)
        {
            bytes = default;
            return false;
        }
        bytes = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return true;
    }

    /// <summary>Bytes behind their length in 16 bits.</summary>
    public bool TryReadShortBytes(out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        return TryReadUInt16(out var length) && TryReadBytes(length, out bytes);
    }
}
