namespace NatsAspire.Server.JetStream.Streams.Batches;

/// <summary>How many batches may be under way, and how long and large they may be.</summary>
public sealed record BatchLimits
{
    public static readonly BatchLimits Default = new();

    /// <summary>Atomic batches of a stream (<c>max_batch_inflight_per_stream</c>).</summary>
    public int AtomicPerStream { get; init; } = 50;

    /// <summary>Atomic batches of all streams of the server (<c>max_batch_inflight_total</c>).</summary>
    public int AtomicTotal { get; init; } = 1000;

    /// <summary>Fast batches of a stream (<c>max_batch_inflight_per_stream</c>).</summary>
    public int FastPerStream { get; init; } = 1000;

    /// <summary>Fast batches of all streams of the server (<c>max_batch_inflight_total</c>).</summary>
    public int FastTotal { get; init; } = 50_000;

    /// <summary>Messages of an atomic batch (<c>max_batch_size</c>).</summary>
    public int Size { get; init; } = 1000;

    /// <summary>Nanoseconds without a message after which a batch is given up (<c>max_batch_timeout</c>).</summary>
    public long Timeout { get; init; } = 10_000_000_000;

    /// <summary>
    /// Bytes that messages of atomic batches on all streams of the server may take while they wait to be committed.
    /// Ours: upstream stages them on disk.
    /// </summary>
    public long StagedBytes { get; init; } = 256 * 1024 * 1024;

    /// <summary>Limits as they are configured.</summary>
    /// <param name="perStream">Batches of each kind a stream; 0: as by default.</param>
    /// <param name="total">Batches of each kind; 0: as by default.</param>
    /// <param name="size">Messages of an atomic batch; 0: as by default.</param>
    /// <param name="timeout">Nanoseconds; 0: as by default.</param>
    public static BatchLimits Of(int perStream, int total, int size, long timeout) => new()
    {
        AtomicPerStream = perStream > 0 ? perStream : Default.AtomicPerStream,
        FastPerStream = perStream > 0 ? perStream : Default.FastPerStream,
        AtomicTotal = total > 0 ? total : Default.AtomicTotal,
        FastTotal = total > 0 ? total : Default.FastTotal,
        Size = size > 0 ? size : Default.Size,
        Timeout = timeout > 0 ? timeout : Default.Timeout,
    };
}
