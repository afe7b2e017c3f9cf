using System.Buffers.Binary;
using System.Security.Cryptography;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>The keys of one stream, derived (HKDF-SHA256) from the server's; a frame names its key by a number derived along.</summary>
internal sealed class KeyRing
{
    private readonly Dictionary<uint, Derived> _keys = [];

    public KeyRing(FileStoreOptions options)
    {
        foreach (var old in options.OldKeys) Add(old, options.StreamId);
        if (options.Key is { } key) Current = Add(key, options.StreamId);
    }

    /// <summary>Number of the key that new frames take; 0: none.</summary>
    public uint Current { get; }

    /// <summary>Who encrypts and decrypts with a key. Each user has its own.</summary>
    /// <returns>Null when the key is not known.</returns>
    public FrameCipher? CipherFor(uint key) => _keys.TryGetValue(key, out var derived) ? new FrameCipher(derived.Cipher, derived.Key) : null;

    private uint Add(StoreKey key, ulong streamId)
    {
        Span<byte> info = stackalloc byte[32];
        "NatsAspire message store"u8.CopyTo(info);
        BinaryPrimitives.WriteUInt64LittleEndian(info[24..], streamId);
        var derived = new byte[36];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key.Secret.Span, derived, [(byte)key.Cipher], info);
        var number = Math.Max(1, BinaryPrimitives.ReadUInt32LittleEndian(derived.AsSpan(32)));
        _keys[number] = new Derived(key.Cipher, derived[..32]);
        return number;
    }

    private sealed record Derived(StoreCipher Cipher, byte[] Key);
}

/// <summary>An authenticated cipher with a random nonce for each frame. One thread.</summary>
internal sealed class FrameCipher(StoreCipher cipher, byte[] key) : IDisposable
{
    private const int NonceLength = 12;
    private const int TagLength = 16;

    /// <summary>Bytes that encryption adds, in front.</summary>
    public const int Overhead = NonceLength + TagLength;

    private readonly ChaCha20Poly1305? _chaCha = cipher == StoreCipher.ChaCha20Poly1305 ? new ChaCha20Poly1305(key) : null;
    private readonly AesGcm? _aes = cipher == StoreCipher.AesGcm ? new AesGcm(key, TagLength) : null;

    /// <param name="plain">What to encrypt.</param>
    /// <param name="target"><see cref="Overhead"/> bytes longer.</param>
    /// <param name="about">Authenticated along with it.</param>
    public void Encrypt(ReadOnlySpan<byte> plain, Span<byte> target, ReadOnlySpan<byte> about)
    {
        var nonce = target[..NonceLength];
        var tag = target[NonceLength..Overhead];
        var body = target[Overhead..];
        RandomNumberGenerator.Fill(nonce);
        _chaCha?.Encrypt(nonce, plain, body, tag, about);
        _aes?.Encrypt(nonce, plain, body, tag, about);
    }

    /// <returns>False when it was encrypted otherwise or changed since.</returns>
    public bool TryDecrypt(ReadOnlySpan<byte> stored, Span<byte> target, ReadOnlySpan<byte> about)
    {
        if (stored.Length != target.Length + Overhead) return false;
        try
        {
            _chaCha?.Decrypt(stored[..NonceLength], stored[Overhead..], stored[NonceLength..Overhead], target, about);
            _aes?.Decrypt(stored[..NonceLength], stored[Overhead..], stored[NonceLength..Overhead], target, about);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _chaCha?.Dispose();
        _aes?.Dispose();
    }
}
