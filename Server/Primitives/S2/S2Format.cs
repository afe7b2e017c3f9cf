namespace NatsAspire.Server.Primitives.S2;

/// <summary>
/// S2, an extension of Snappy. A block is the decoded length (uvarint) and operations:
/// <code>
/// literal = %b(length-1:6, 00) | %b(60..63, 00) length-1(1..4 bytes)            ; then the bytes
/// copy1   = %b(offset:3, length-4:3, 01) offset(1 byte)                         ; offset 1..2047, length 4..11
/// repeat  = %b(000, 0..4 = length-4, 01) 00                                     ; the last offset again
///         | %b(000, 5, 01) 00 length-8(1) | %b(000, 6, 01) 00 length-260(2) | %b(000, 7, 01) 00 length-65540(3)
/// copy2   = %b(length-1:6, 10) offset(2 bytes)
/// copy4   = %b(length-1:6, 11) offset(4 bytes)
/// </code>
/// A stream is chunks: kind (1 byte), length (3 bytes, little-endian), body.
/// </summary>
internal static class S2Format
{
    public const int Literal = 0;
    public const int Copy1 = 1;
    public const int Copy2 = 2;
    public const int Copy4 = 3;

    /// <summary>Largest literal whose length is in the tag.</summary>
    public const int ShortLiteral = 60;

    public const int MinCopy = 4;

    /// <summary>First length field of a repeat that has more bytes of length.</summary>
    public const int Repeat8 = 5;

    public const int Repeat16 = 6;
    public const int Repeat24 = 7;
    public const int Repeat8Base = 8;
    public const int Repeat16Base = 260;
    public const int Repeat24Base = 65540;

    public const byte ChunkCompressed = 0x00;
    public const byte ChunkPlain = 0x01;

    /// <summary>Kinds from here to <see cref="FirstSkippable"/> must be understood.</summary>
    public const byte FirstReserved = 0x02;

    public const byte FirstSkippable = 0x80;
    public const byte ChunkIdentifier = 0xFF;
    public const int ChunkHeader = 4;
    public const int ChecksumLength = 4;

    /// <summary>Most decoded bytes of a chunk.</summary>
    public const int MaxBlock = 4 * 1024 * 1024;

    /// <summary>Body of the first chunk of a stream.</summary>
    public static ReadOnlySpan<byte> Identifier => "S2sTwO"u8;

    /// <summary>The same of Snappy's own streams, which S2 readers read as well.</summary>
    public static ReadOnlySpan<byte> SnappyIdentifier => "sNaPpY"u8;

    /// <summary>A checksum as it is stored: turned, so that a checksum over checksums is none of its own.</summary>
    public static uint Checksum(ReadOnlySpan<byte> decoded)
    {
        var crc = Crc32C.Compute(decoded);
        return ((crc >> 15) | (crc << 17)) + 0xA282EAD8;
    }
}
