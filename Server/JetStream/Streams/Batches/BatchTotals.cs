namespace NatsAspire.Server.JetStream.Streams.Batches;

/// <summary>The batches under way on all streams of a server. Any thread.</summary>
public sealed class BatchTotals
{
    private long _atomic;
    private long _fast;
    private long _stagedBytes;

    /// <summary>Atomic batches.</summary>
    public long Atomic => Interlocked.Read(ref _atomic);

    /// <summary>Fast batches.</summary>
    public long Fast => Interlocked.Read(ref _fast);

    /// <summary>Bytes of messages that wait for the commit of their atomic batch.</summary>
    public long StagedBytes => Interlocked.Read(ref _stagedBytes);

    internal bool TryAddAtomic(long limit) => TryAdd(ref _atomic, 1, limit);

    internal bool TryAddFast(long limit) => TryAdd(ref _fast, 1, limit);

    internal bool TryStage(long bytes, long limit) => TryAdd(ref _stagedBytes, bytes, limit);

    internal void RemoveAtomic(long stagedBytes)
    {
        Interlocked.Decrement(ref _atomic);
        Interlocked.Add(ref _stagedBytes, -stagedBytes);
    }

    internal void RemoveFast() => Interlocked.Decrement(ref _fast);

    private static bool TryAdd(ref long total, long amount, long limit)
    {
        if (Interlocked.Add(ref total, amount) <= limit) return true;
        Interlocked.Add(ref total, -amount);
        return false;
    }
}
