namespace NatsAspire.Server.Storage.Messages;

/// <summary>How a stream's messages lie on the disk.</summary>
public sealed record FileStoreOptions
{
    /// <summary>Part of every checksum: what belongs to another stream is noticed. Never used for another stream again.</summary>
    public required ulong StreamId { get; init; }

    /// <summary>Bytes after which a block file is closed and another begun; 4 KiB to 1 GiB.</summary>
    public int BlockSize { get; init; } = 8 * 1024 * 1024;

    /// <summary>Bytes of records read, checked, compressed and encrypted together; 256 B to 1 MiB. A longer message is a chunk by itself.</summary>
    public int ChunkSize { get; init; } = 64 * 1024;

    /// <summary>Bytes of decoded chunks kept; the last one used is kept anyway.</summary>
    public long CacheBytes { get; init; } = 2 * 1024 * 1024;

    /// <summary>Whether chunks are compressed (S2) when that makes them smaller.</summary>
    public bool Compress { get; init; }

    /// <summary>What new files are encrypted with; null: nothing.</summary>
    public StoreKey? Key { get; init; }

    /// <summary>Keys that files may still be encrypted with; the next checkpoints write them anew under <see cref="Key"/>.</summary>
    public IReadOnlyList<StoreKey> OldKeys { get; init; } = [];
}

/// <summary>How files are encrypted.</summary>
public enum StoreCipher : byte
{
    None = 0,
    ChaCha20Poly1305 = 1,
    AesGcm = 2,
}

/// <summary>A server's key; each stream derives its own from it.</summary>
/// <param name="Cipher">How to encrypt.</param>
/// <param name="Secret">Any bytes, as random as they can be; not empty.</param>
public sealed record StoreKey(StoreCipher Cipher, ReadOnlyMemory<byte> Secret)
{
    /// <summary>Never the secret.</summary>
    public override string ToString() => $"{Cipher} key";
}
