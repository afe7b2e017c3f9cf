namespace NatsAspire.Server.Configuration;

/// <summary>The <c>jetstream</c> block.</summary>
public sealed record JetStreamOptions
{
    public bool Enabled { get; init; }

    /// <summary>Refuse requests with unknown fields.</summary>
    public bool Strict { get; init; } = true;

    /// <summary>Time between syncs of files; null: the default.</summary>
    public TimeSpan? SyncInterval { get; init; }

    public bool SyncAlways { get; init; }

    /// <summary>Bytes of memory streams; null: three quarters of the memory.</summary>
    public long? MaxMemory { get; init; }

    /// <summary>Bytes of file streams; null: three quarters of the free space.</summary>
    public long? MaxStore { get; init; }

    public string? Domain { get; init; }

    /// <summary>Subjects of acknowledgements and flow control name domain and account: the feature <c>js_ack_fc_v2</c>.</summary>
    public bool ScopesControl { get; init; }

    /// <summary>Leaders leave out ranges of sequences at once (feature flag js_raft_delete_range): all servers know such entries.</summary>
    public bool ProposesRanges { get; init; }

    public string? EncryptionKey { get; init; }

    public string? PreviousEncryptionKey { get; init; }

    public JetStreamCipher Cipher { get; init; }

    /// <summary>Whether the JetStream of a hub is extended whose system account is shared; null: as the first contact shows.</summary>
    public string? ExtensionHint { get; init; }

    /// <summary>An <see cref="ExtensionHint"/>: also of a server that stands alone.</summary>
    public const string WillExtend = "will_extend";

    /// <summary>An <see cref="ExtensionHint"/>: nobody waits for a hub.</summary>
    public const string NoExtend = "no_extend";

    public JetStreamLimitOptions Limits { get; init; } = new();

    public TpmOptions? Tpm { get; init; }

    public string? UniqueTag { get; init; }

    /// <summary>Bytes on their way to replicas that catch up; 0: the default.</summary>
    public long MaxOutstandingCatchup { get; init; }

    /// <summary>Bytes of published messages waiting for a stream; 0: the default.</summary>
    public long MaxBufferedSize { get; init; }

    /// <summary>Published messages waiting for a stream; 0: the default.</summary>
    public long MaxBufferedMessages { get; init; }

    /// <summary>0: the default, 10,000.</summary>
    public long RequestQueueLimit { get; init; }

    /// <summary>0: <see cref="RequestQueueLimit"/>.</summary>
    public long InfoQueueLimit { get; init; }

    /// <summary>Entries of the meta log above which a snapshot takes their place; 0: their number does not matter.</summary>
    public long MetaCompact { get; init; }

    /// <summary>Bytes of the meta log above which a snapshot takes their place; 0: the default.</summary>
    public long MetaCompactSize { get; init; }

    public bool MetaCompactSync { get; init; }

    /// <summary>Disk operations at once, 4..8192; 0: the default.</summary>
    public int MaxConcurrentIo { get; init; }
}

/// <summary>Cipher of encrypted streams.</summary>
public enum JetStreamCipher
{
    /// <summary>The default, ChaCha20-Poly1305.</summary>
    None,
    ChaCha,
    Aes,
}

/// <summary>Limits of the whole server's JetStream; 0: the default.</summary>
public sealed record JetStreamLimitOptions
{
    public long MaxAckPending { get; init; }

    public long MaxHighlyAvailableAssets { get; init; }

    public long MaxRequestBatch { get; init; }

    public TimeSpan DuplicateWindow { get; init; }

    public long MaxBatchInflightPerStream { get; init; }

    public long MaxBatchInflightTotal { get; init; }

    public long MaxBatchSize { get; init; }

    public TimeSpan BatchTimeout { get; init; }
}

/// <summary>Encryption key in a TPM.</summary>
public sealed record TpmOptions
{
    public string? KeysFile { get; init; }

    public string? EncryptionPassword { get; init; }

    public string? SrkPassword { get; init; }

    public long Pcr { get; init; }
}

/// <summary>JetStream of one account; -1: unlimited.</summary>
public sealed record AccountJetStreamOptions
{
    public long MaxMemory { get; init; } = -1;

    public long MaxStore { get; init; } = -1;

    public long MaxStreams { get; init; } = -1;

    public long MaxConsumers { get; init; } = -1;

    public long MaxAckPending { get; init; } = -1;

    public long MemoryMaxStreamBytes { get; init; } = -1;

    public long StoreMaxStreamBytes { get; init; } = -1;

    /// <summary>Streams must name their size.</summary>
    public bool MaxBytesRequired { get; init; }

    /// <summary>Cluster traffic belongs to the account itself, not to the system account.</summary>
    public bool OwnsClusterTraffic { get; init; }
}
