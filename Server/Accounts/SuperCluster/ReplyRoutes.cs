using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Accounts.SuperCluster;

/// <summary>
/// Reply subjects of requests that came from other clusters, and for each the subject that leads straight back, for
/// <see cref="RecentInterest.Lifetime"/>. Bounded; from any thread.
/// </summary>
public sealed class ReplyRoutes
{
    /// <summary>Requests remembered; of more the oldest are forgotten.</summary>
    public const int Limit = 16_384;

    private readonly Lock _lock = new();
    private readonly Dictionary<byte[], Entry> _routes = new(ByteArrayComparer.Instance);
    private readonly Queue<(byte[] Reply, long Milliseconds)> _inOrder = new();
    private int _count;

    /// <summary>Nothing is remembered; may be true a moment late.</summary>
    public bool IsEmpty => Volatile.Read(ref _count) == 0;

    /// <summary>Remembers the way back of a request.</summary>
    /// <param name="reply">The reply subject its receiver is shown.</param>
    /// <param name="routed">The one that leads back.</param>
    /// <param name="nowMilliseconds">A monotonic clock, the same for all calls.</param>
    public void Add(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> routed, long nowMilliseconds)
    {
        lock (_lock)
        {
            Forget(nowMilliseconds);
            if (_inOrder.Count >= Limit) Drop(_inOrder.Dequeue());
            var key = reply.ToArray();
            _routes[key] = new Entry(routed.ToArray(), nowMilliseconds);
            _inOrder.Enqueue((key, nowMilliseconds));
            Volatile.Write(ref _count, _inOrder.Count);
        }
    }

    /// <summary>The way back for an answer; null: the ordinary one.</summary>
    public byte[]? Find(ReadOnlySpan<byte> subject, long nowMilliseconds)
    {
        if (IsEmpty) return null;
        lock (_lock)
        {
            Forget(nowMilliseconds);
            return _routes.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(subject, out var found) ? found.Routed : null;
        }
    }

    private void Forget(long now)
    {
        while (_inOrder.TryPeek(out var oldest) && now - oldest.Milliseconds > RecentInterest.Lifetime.TotalMilliseconds) Drop(_inOrder.Dequeue());
        Volatile.Write(ref _count, _inOrder.Count);
    }

    /// <summary>The same reply subject may have come again since.</summary>
    private void Drop((byte[] Reply, long Milliseconds) gone)
    {
        if (_routes.TryGetValue(gone.Reply, out var entry) && entry.Milliseconds == gone.Milliseconds) _routes.Remove(gone.Reply);
    }

    private readonly record struct Entry(byte[] Routed, long Milliseconds);
}
