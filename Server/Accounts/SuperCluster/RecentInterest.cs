using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.SuperCluster;

/// <summary>
/// What has been subscribed to on this server within the last <see cref="Lifetime"/>: other clusters may not know of it yet,
/// so that answers to it must come another way. Bounded; from any thread.
/// </summary>
public sealed class RecentInterest
{
    /// <summary>After this time word of a subscription is taken to be everywhere.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(2);

    /// <summary>Subscriptions remembered; of more the oldest are forgotten.</summary>
    public const int Limit = 65_536;

    private readonly Lock _lock = new();
    private readonly SubscriptionTrie _trie = new(cached: false);
    private readonly Queue<(Subscription Twin, long Milliseconds)> _inOrder = new();
    private int _count;

    /// <summary>Remembers a subscription.</summary>
    public void Add(Subscription subscription)
    {
        var now = Environment.TickCount64;
        // A subscription knows its place in one trie only.
        var twin = new Subscription(subscription.Subscriber, subscription.Subject);
        lock (_lock)
        {
            Forget(now);
            if (!_trie.Insert(twin)) return;
            _inOrder.Enqueue((twin, now));
            if (_inOrder.Count > Limit) _trie.Remove(_inOrder.Dequeue().Twin);
            Volatile.Write(ref _count, _inOrder.Count);
        }
    }

    /// <summary>Whether a literal subject is among them.</summary>
    public bool Covers(ReadOnlySpan<byte> subject)
    {
        if (Volatile.Read(ref _count) == 0) return false;
        lock (_lock)
        {
            Forget(Environment.TickCount64);
            return _inOrder.Count > 0 && _trie.HasInterest(subject);
        }
    }

    private void Forget(long now)
    {
        while (_inOrder.TryPeek(out var oldest) && now - oldest.Milliseconds > Lifetime.TotalMilliseconds)
        {
            _trie.Remove(oldest.Twin);
            _inOrder.Dequeue();
        }
        Volatile.Write(ref _count, _inOrder.Count);
    }
}
