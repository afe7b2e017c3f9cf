using System.Security.Cryptography;
using System.Text;
using NatsAspire.Server.Primitives.Ciphers;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.Storage.Migration;

/// <summary>
/// The encryption keys a Go server was configured with, for one account. Each file has a key of its own, sealed in a key
/// file beside it (nonce and sealed 32 bytes) with HMAC-SHA-256(configured key, account and context); its length tells
/// the cipher.
/// </summary>
/// <param name="account">Name of the account.</param>
/// <param name="secrets">The present key and maybe the one before (<c>prev_encryption_key</c>).</param>
public sealed class GoKeys(string account, params IReadOnlyList<string> secrets)
{
    private const int SealedSeed = 32 + 16;

    public string Account { get; } = account;

    /// <summary>Opens a key file.</summary>
    /// <param name="file">Its content.</param>
    /// <param name="context">What it is for; part of the key.</param>
    /// <param name="key">The key.</param>
    /// <returns>Null, or why not.</returns>
    internal string? Open(ReadOnlySpan<byte> file, string context, out GoKey? key)
    {
        key = null;
        var cipher = file.Length switch
        {
            XChaCha20.NonceLength + SealedSeed => StoreCipher.ChaCha20Poly1305,
            LongNonceAes.NonceLength + SealedSeed => StoreCipher.AesGcm,
            _ => StoreCipher.None,
        };
        if (cipher == StoreCipher.None) return $"a key file of {file.Length} bytes, which is neither cipher's";
        if (secrets.Count == 0) return "encrypted, and no encryption key is configured";
        var nonce = file[..^SealedSeed];
        foreach (var secret in secrets)
        {
            var wrapping = new GoKey(cipher, HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(Account + context)), []);
            if (wrapping.Open(file) is not { Length: 32 } seed) continue;
            key = new GoKey(cipher, seed, nonce.ToArray());
            return null;
        }
        return "no configured encryption key opens the key file";
    }
}

/// <summary>The key of one stream, consumer or block.</summary>
internal sealed class GoKey(StoreCipher cipher, byte[] secret, byte[] nonce)
{
    /// <summary>Opens nonce and ciphertext; null when they were sealed otherwise or changed since.</summary>
    public byte[]? Open(ReadOnlySpan<byte> sealedBytes)
    {
        var length = cipher == StoreCipher.AesGcm ? LongNonceAes.NonceLength : XChaCha20.NonceLength;
        return sealedBytes.Length < length ? null : Open(sealedBytes[..length], sealedBytes[length..]);
    }

    /// <summary>Opens a ciphertext that was sealed with the block's own nonce.</summary>
    public byte[]? OpenOfBlock(ReadOnlySpan<byte> sealedBytes) => Open(nonce, sealedBytes);

    /// <summary>Decrypts a block in place; blocks are not authenticated, their records' hashes tell.</summary>
    public void Decrypt(Span<byte> block)
    {
        if (cipher == StoreCipher.AesGcm) LongNonceAes.Xor(secret, nonce, block);
        else XChaCha20.Xor(secret, nonce, block);
    }

    private byte[]? Open(ReadOnlySpan<byte> ownNonce, ReadOnlySpan<byte> ciphertext) =>
        cipher == StoreCipher.AesGcm ? LongNonceAes.Open(secret, ownNonce, ciphertext) : XChaCha20.Open(secret, ownNonce, ciphertext);
}
