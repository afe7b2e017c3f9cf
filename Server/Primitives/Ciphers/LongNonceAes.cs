using System.Buffers.Binary;
using System.Security.Cryptography;

namespace NatsAspire.Server.Primitives.Ciphers;

/// <summary>AES-256 with a nonce of 16 bytes, as a counter stream and as GCM, which .NET has for 12 bytes only. For small data: GHASH is not the fastest.</summary>
public static class LongNonceAes
{
    public const int KeyLength = 32;
    public const int NonceLength = 16;
    private const int TagLength = 16;
    private const int Block = 16;
    private const int Batch = 256;

    /// <summary>Encrypts or decrypts in place: CTR with the nonce as the first counter, all of it counting.</summary>
    public static void Xor(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, Span<byte> data)
    {
        using var aes = Aes.Create();
        aes.Key = key.ToArray();
        XorCounting(aes, BinaryPrimitives.ReadUInt128BigEndian(nonce), data, wide: true);
    }

    /// <summary>Opens what was sealed with GCM and no further data.</summary>
    /// <param name="key">32 bytes.</param>
    /// <param name="nonce">16 bytes.</param>
    /// <param name="sealedBytes">The ciphertext and its tag.</param>
    /// <returns>Null when it was sealed otherwise or changed since.</returns>
    public static byte[]? Open(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedBytes)
    {
        if (sealedBytes.Length < TagLength) return null;
        using var aes = Aes.Create();
        aes.Key = key.ToArray();
        Span<byte> scratch = stackalloc byte[Block];
        scratch.Clear();
        aes.EncryptEcb(scratch, scratch, PaddingMode.None);
        var hashKey = BinaryPrimitives.ReadUInt128BigEndian(scratch);
        var first = Multiply(Multiply(BinaryPrimitives.ReadUInt128BigEndian(nonce), hashKey) ^ (NonceLength * 8), hashKey);
        var body = sealedBytes[..^TagLength];
        BinaryPrimitives.WriteUInt128BigEndian(scratch, first);
        aes.EncryptEcb(scratch, scratch, PaddingMode.None);
        var tag = BinaryPrimitives.ReadUInt128BigEndian(scratch) ^ Hash(body, hashKey);
        BinaryPrimitives.WriteUInt128BigEndian(scratch, tag);
        if (!CryptographicOperations.FixedTimeEquals(scratch, sealedBytes[^TagLength..])) return null;
        var plain = body.ToArray();
        XorCounting(aes, Next(first, wide: false), plain, wide: false);
        return plain;
    }

    private static void XorCounting(Aes aes, UInt128 counter, Span<byte> data, bool wide)
    {
        Span<byte> pad = stackalloc byte[Batch * Block];
        while (!data.IsEmpty)
        {
            var count = Math.Min(pad.Length, data.Length);
            var blocks = pad[..((count + Block - 1) / Block * Block)];
            for (var at = 0; at < blocks.Length; at += Block)
            {
                BinaryPrimitives.WriteUInt128BigEndian(blocks[at..], counter);
                counter = Next(counter, wide);
            }
            aes.EncryptEcb(blocks, blocks, PaddingMode.None);
            for (var i = 0; i < count; i++) data[i] ^= blocks[i];
            data = data[count..];
        }
    }

    /// <summary>GCM counts in the last 32 bits only.</summary>
    private static UInt128 Next(UInt128 counter, bool wide) =>
        wide ? counter + 1 : (counter & ~(UInt128)uint.MaxValue) | unchecked((uint)counter + 1);

    /// <summary>GHASH of a ciphertext without further data.</summary>
    private static UInt128 Hash(ReadOnlySpan<byte> data, UInt128 hashKey)
    {
        var length = (UInt128)((ulong)data.Length * 8);
        UInt128 hash = 0;
        Span<byte> last = stackalloc byte[Block];
        for (; data.Length >= Block; data = data[Block..]) hash = Multiply(hash ^ BinaryPrimitives.ReadUInt128BigEndian(data), hashKey);
        if (!data.IsEmpty)
        {
            last.Clear();
            data.CopyTo(last);
            hash = Multiply(hash ^ BinaryPrimitives.ReadUInt128BigEndian(last), hashKey);
        }
        return Multiply(hash ^ length, hashKey);
    }

    /// <summary>In the field of GCM: the highest bit is the lowest power.</summary>
    private static UInt128 Multiply(UInt128 x, UInt128 y)
    {
        var reduction = (UInt128)0xE1 << 120;
        UInt128 product = 0;
        for (var bit = 127; bit >= 0; bit--)
        {
            if ((x >> bit & 1) != 0) product ^= y;
            var carries = (y & 1) != 0;
            y >>= 1;
            if (carries) y ^= reduction;
        }
        return product;
    }
}
