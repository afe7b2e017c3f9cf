namespace NatsAspire.Server.Storage.Log;

/// <summary>When an append is complete.</summary>
public enum LogSync
{
    /// <summary>When it is durable; the log syncs as soon as anything waits.</summary>
    Always,

    /// <summary>When it is durable; the log syncs once per <see cref="LogOptions.SyncInterval"/>, so acks wait longer and syncs are fewer.</summary>
    Interval,

    /// <summary>When it is written; a crash of the machine loses up to <see cref="LogOptions.SyncInterval"/> of what was acknowledged.</summary>
    Lazy,
}

/// <summary>How the write-ahead log behaves.</summary>
public sealed record LogOptions
{
    private const int Mebibyte = 1 << 20;

    /// <summary>Bytes of a segment, from 4 KiB; a larger batch gets a larger segment of its own.</summary>
    public long SegmentSize { get; init; } = 64 * Mebibyte;

    /// <summary>Free segments kept for reuse; more are deleted.</summary>
    public int Spares { get; init; } = 2;

    /// <summary>Bytes of batches not yet complete; above it appends wait.</summary>
    public long QueueLimit { get; init; } = 64 * Mebibyte;

    /// <summary>Bytes of one batch at most.</summary>
    public int BatchLimit { get; init; } = 128 * Mebibyte;

    public LogSync Sync { get; init; }

    /// <summary>Between syncs, unless always. Upstream's <c>sync_interval</c>.</summary>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>After so long without appends the log notes that all before is durable, so that damage to its last records is known as such.</summary>
    public TimeSpan IdleMark { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>False: the log has no thread, and writes when <see cref="WriteAheadLog.CommitNow"/> is called. For simulations.</summary>
    internal bool HasThread { get; init; } = true;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(SegmentSize, 4096);
        ArgumentOutOfRangeException.ThrowIfNegative(Spares);
        ArgumentOutOfRangeException.ThrowIfLessThan(QueueLimit, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchLimit, LogFormat.Header);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(SyncInterval, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(IdleMark, TimeSpan.Zero);
    }
}
