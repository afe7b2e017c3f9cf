using NatsAspire.Server.Connections;

namespace NatsAspire.Server.Clients;

/// <summary>A client connection that is gone.</summary>
/// <param name="Last">How it was at its end.</param>
/// <param name="StoppedAt">When that was.</param>
/// <param name="Reason">Why.</param>
/// <param name="Subscriptions">What it was subscribed to; empty when there were none, or they are forgotten.</param>
public sealed record ClosedClient(
    ClientSnapshot Last, DateTimeOffset StoppedAt, CloseReason Reason, IReadOnlyList<SubscriptionSnapshot> Subscriptions);

/// <summary>The clients closed last. Bounded twice: so many of them, and so many of their subscriptions in all.</summary>
/// <param name="capacity">Clients remembered; 0 or less: 10000.</param>
public sealed class ClosedClients(int capacity)
{
    /// <summary>Subscriptions remembered of one client.</summary>
    public const int MaxSubscriptionsOfOne = 1000;

    /// <summary>Subscriptions remembered in all; the oldest clients' are forgotten first.</summary>
    public const int MaxSubscriptions = 100_000;

    private const int DefaultCapacity = 10_000;

    private readonly int _capacity = capacity > 0 ? capacity : DefaultCapacity;
    private readonly Lock _lock = new();
    private readonly Queue<Entry> _entries = new();

    /// <summary>Those whose subscriptions are still known, oldest first.</summary>
    private readonly Queue<Entry> _withSubscriptions = new();
    private int _subscriptions;

    public void Add(ClosedClient client)
    {
        lock (_lock)
        {
            var entry = new Entry(client);
            if (_entries.Count >= _capacity) DropOldest();
            _entries.Enqueue(entry);
            if (client.Subscriptions.Count == 0) return;
            _withSubscriptions.Enqueue(entry);
            _subscriptions += client.Subscriptions.Count;
            while (_subscriptions > MaxSubscriptions) ForgetOldestSubscriptions();
        }
    }

    /// <summary>All of them, oldest first.</summary>
    public IReadOnlyList<ClosedClient> ToList()
    {
        lock (_lock) return [.. _entries.Select(entry => entry.Client)];
    }

    private void DropOldest()
    {
        var oldest = _entries.Dequeue();
        if (_withSubscriptions.TryPeek(out var first) && ReferenceEquals(first, oldest)) ForgetOldestSubscriptions();
    }

    private void ForgetOldestSubscriptions()
    {
        var oldest = _withSubscriptions.Dequeue();
        _subscriptions -= oldest.Client.Subscriptions.Count;
        oldest.Client = oldest.Client with { Subscriptions = [] };
    }

    private sealed class Entry(ClosedClient client)
    {
        public ClosedClient Client { get; set; } = client;
    }
}
