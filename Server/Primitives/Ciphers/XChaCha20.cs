using System.Buffers.Binary;
using System.Security.Cryptography;

namespace NatsAspire.Server.Primitives.Ciphers;

/// <summary>ChaCha20 with a nonce of 24 bytes (draft-irtf-cfrg-xchacha), alone and with Poly1305.</summary>
public static class XChaCha20
{
    public const int KeyLength = 32;
    public const int NonceLength = 24;
    private const int TagLength = 16;
    private const int Block = 64;

    /// <summary>Encrypts or decrypts in place; the stream begins at its start.</summary>
    public static void Xor(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, Span<byte> data)
    {
        Span<uint> state = stackalloc uint[16];
        Span<byte> subkey = stackalloc byte[KeyLength];
        Subkey(key, nonce, subkey);
        Fill(state, subkey);
        (state[12], state[13]) = (0, 0);
        state[14] = BinaryPrimitives.ReadUInt32LittleEndian(nonce[16..]);
        state[15] = BinaryPrimitives.ReadUInt32LittleEndian(nonce[20..]);
        Span<byte> pad = stackalloc byte[Block];
        Span<uint> rounds = stackalloc uint[16];
        while (!data.IsEmpty)
        {
            state.CopyTo(rounds);
            Rounds(rounds);
            for (var i = 0; i < 16; i++) BinaryPrimitives.WriteUInt32LittleEndian(pad[(i * 4)..], rounds[i] + state[i]);
            state[12]++;
            var count = Math.Min(Block, data.Length);
            for (var i = 0; i < count; i++) data[i] ^= pad[i];
            data = data[count..];
        }
    }

    /// <summary>Opens what was sealed with Poly1305 and no further data.</summary>
    /// <param name="key">32 bytes.</param>
    /// <param name="nonce">24 bytes.</param>
    /// <param name="sealedBytes">The ciphertext and its tag.</param>
    /// <returns>Null when it was sealed otherwise or changed since.</returns>
    public static byte[]? Open(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedBytes)
    {
        if (sealedBytes.Length < TagLength) return null;
        Span<byte> subkey = stackalloc byte[KeyLength];
        Span<byte> shortNonce = stackalloc byte[12];
        Subkey(key, nonce, subkey);
        shortNonce.Clear();
        nonce[16..].CopyTo(shortNonce[4..]);
        var plain = new byte[sealedBytes.Length - TagLength];
        using var cipher = new ChaCha20Poly1305(subkey);
        try
        {
            cipher.Decrypt(shortNonce, sealedBytes[..^TagLength], sealedBytes[^TagLength..], plain);
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    /// <summary>HChaCha20: the key for the rest of a long nonce.</summary>
    private static void Subkey(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, Span<byte> subkey)
    {
        Span<uint> state = stackalloc uint[16];
        Fill(state, key);
        for (var i = 0; i < 4; i++) state[12 + i] = BinaryPrimitives.ReadUInt32LittleEndian(nonce[(i * 4)..]);
        Rounds(state);
        for (var i = 0; i < 4; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(subkey[(i * 4)..], state[i]);
            BinaryPrimitives.WriteUInt32LittleEndian(subkey[(16 + (i * 4))..], state[12 + i]);
        }
    }

    private static void Fill(Span<uint> state, ReadOnlySpan<byte> key)
    {
        (state[0], state[1], state[2], state[3]) = (0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);
        for (var i = 0; i < 8; i++) state[4 + i] = BinaryPrimitives.ReadUInt32LittleEndian(key[(i * 4)..]);
    }

    private static void Rounds(Span<uint> x)
    {
        for (var i = 0; i < 10; i++)
        {
            Quarter(ref x[0], ref x[4], ref x[8], ref x[12]);
            Quarter(ref x[1], ref x[5], ref x[9], ref x[13]);
            Quarter(ref x[2], ref x[6], ref x[10], ref x[14]);
            Quarter(ref x[3], ref x[7], ref x[11], ref x[15]);
            Quarter(ref x[0], ref x[5], ref x[10], ref x[15]);
            Quarter(ref x[1], ref x[6], ref x[11], ref x[12]);
            Quarter(ref x[2], ref x[7], ref x[8], ref x[13]);
            Quarter(ref x[3], ref x[4], ref x[9], ref x[14]);
        }
    }

    private static void Quarter(ref uint a, ref uint b, ref uint c, ref uint d)
    {
        a += b;
        d = uint.RotateLeft(d ^ a, 16);
        c += d;
        b = uint.RotateLeft(b ^ c, 12);
        a += b;
        d = uint.RotateLeft(d ^ a, 8);
        c += d;
        b = uint.RotateLeft(b ^ c, 7);
    }
}
