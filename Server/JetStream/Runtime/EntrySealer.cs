using System.Buffers.Binary;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// Encrypts a stream's operations for the log, under the stream's keys: what is encrypted at rest is so on its way too.
/// <c>u32 number of the key, nonce, tag, operation</c>; index and stream are authenticated along. One thread.
/// </summary>
internal sealed class EntrySealer : IDisposable
{
    private const int KeyLength = sizeof(uint);

    private readonly KeyRing _keys;
    private readonly FrameCipher? _cipher;
    private readonly Dictionary<uint, FrameCipher> _byKey = [];
    private readonly byte[] _about = new byte[16];
    private byte[] _opened = [];

    public EntrySealer(FileStoreOptions options)
    {
        _keys = new KeyRing(options);
        _cipher = _keys.CipherFor(_keys.Current);
        BinaryPrimitives.WriteUInt64LittleEndian(_about, options.StreamId);
    }

    /// <summary>Whether new operations are encrypted.</summary>
    public bool Seals => _cipher is not null;

    /// <summary>Bytes more than the operation's.</summary>
    public static int Overhead => KeyLength + FrameCipher.Overhead;

    /// <summary>Encrypts an operation.</summary>
    /// <param name="index">Its place in the log.</param>
    /// <param name="entry">The operation.</param>
    /// <param name="target"><see cref="Overhead"/> bytes longer.</param>
    public void Seal(ulong index, ReadOnlySpan<byte> entry, Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_about.AsSpan(8), index);
        BinaryPrimitives.WriteUInt32LittleEndian(target, _keys.Current);
        _cipher!.Encrypt(entry, target[KeyLength..], _about);
    }

    /// <summary>Decrypts an operation.</summary>
    /// <returns>Good until the next call.</returns>
    /// <exception cref="CorruptStoreException">It is under another key, or changed.</exception>
    public ReadOnlySpan<byte> Open(ulong index, ReadOnlySpan<byte> stored)
    {
        if (stored.Length < Overhead) throw new CorruptStoreException($"Operation {index} is too short to be encrypted.");
        var number = BinaryPrimitives.ReadUInt32LittleEndian(stored);
        if (!_byKey.TryGetValue(number, out var cipher))
        {
            cipher = _keys.CipherFor(number) ?? throw new CorruptStoreException($"Operation {index} is encrypted under a key that is not configured.");
            _byKey.Add(number, cipher);
        }
        var length = stored.Length - Overhead;
        if (_opened.Length < length) _opened = new byte[Math.Max(length, 4096)];
        BinaryPrimitives.WriteUInt64LittleEndian(_about.AsSpan(8), index);
        if (!cipher.TryDecrypt(stored[KeyLength..], _opened.AsSpan(0, length), _about)) throw new CorruptStoreException($"Operation {index} does not decrypt: it was changed.");
        return _opened.AsSpan(0, length);
    }

    public void Dispose()
    {
        _cipher?.Dispose();
        foreach (var cipher in _byKey.Values) cipher.Dispose();
    }
}
