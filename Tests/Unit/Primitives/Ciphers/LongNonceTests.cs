using System.Text;
using System.Text.Json;
using NatsAspire.Server.Primitives.Ciphers;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Primitives.Ciphers;

/// <summary>The two ciphers with long nonces, against what Go's libraries made.</summary>
public sealed class LongNonceTests
{
    [Theory]
    [InlineData("chachapoly")]
    [InlineData("aes")]
    public void Sealed_bytes_open_and_any_change_is_noticed(string cipher)
    {
        var vector = Vector(cipher);
        var (key, nonce, text) = (Bytes(vector, "key_hex"), Bytes(vector, "nonce_hex"), Encoding.UTF8.GetBytes(vector.GetProperty("plaintext").GetString()!));
        var stored = Bytes(vector, "aead_sealed_hex");
        var sealedBytes = stored.Length == text.Length + 16 ? stored : stored[nonce.Length..];
        Open(cipher, key, nonce, sealedBytes).ShouldBe(text);
        for (var i = 0; i < sealedBytes.Length; i++)
        {
            sealedBytes[i] ^= 1;
            Open(cipher, key, nonce, sealedBytes).ShouldBeNull();
            sealedBytes[i] ^= 1;
        }
        Open(cipher, key, nonce, sealedBytes.AsSpan(0, 15)).ShouldBeNull();
    }

    [Theory]
    [InlineData("chachapoly")]
    [InlineData("aes")]
    public void Blocks_are_decrypted(string cipher)
    {
        var vector = Vector(cipher);
        var block = Bytes(vector, "block_xor_hex");
        if (cipher == "aes") LongNonceAes.Xor(Bytes(vector, "key_hex"), Bytes(vector, "nonce_hex"), block);
        else XChaCha20.Xor(Bytes(vector, "key_hex"), Bytes(vector, "nonce_hex"), block);
        Encoding.UTF8.GetString(block).ShouldBe(vector.GetProperty("plaintext").GetString());
    }

    private static byte[]? Open(string cipher, byte[] key, byte[] nonce, ReadOnlySpan<byte> sealedBytes) =>
        cipher == "aes" ? LongNonceAes.Open(key, nonce, sealedBytes) : XChaCha20.Open(key, nonce, sealedBytes);

    private static JsonElement Vector(string cipher) =>
        Golden.Json("vectors", "encryption.json").GetProperty("ciphers").EnumerateArray().Single(one => one.GetProperty("cipher").GetString() == cipher);

    private static byte[] Bytes(JsonElement vector, string name) => Convert.FromHexString(vector.GetProperty(name).GetString()!);
}
