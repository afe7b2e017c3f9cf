using NatsAspire.Server.Primitives;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts;

/// <summary>Told of changes in what an account's clients on this server want.</summary>
public interface IInterestListener
{
    /// <summary>
    /// The weight of a subject (with a queue) changed: members of the queue group, or 1 for a plain subject;
    /// 0: nobody is left. Called under the interest's lock, so in order; must not block.
    /// </summary>
    void OnInterest(Account account, byte[] subject, byte[]? queue, int weight);
}

/// <summary>
/// How many local subscriptions an account has for each subject and queue, and who wants to know. Listeners
/// see plain subjects appear and go, and every change of a queue's weight.
/// </summary>
public sealed class LocalInterest(Account account)
{
    private readonly OuterLock _lock = new();
    private readonly Dictionary<byte[], Entry> _entries = new(ByteArrayComparer.Instance);
    private IInterestListener[] _listeners = [];

    public void Add(Subscription subscription)
    {
        var key = KeyOf(subscription);
        using (_lock.Enter())
        {
            _entries.TryGetValue(key, out var entry);
            entry = new Entry(subscription.Subject, subscription.Queue, entry.Count + 1);
            _entries[key] = entry;
            if (entry.Count == 1 || entry.Queue is not null) Tell(entry);
        }
    }

    public void Remove(Subscription subscription)
    {
        var key = KeyOf(subscription);
        using (_lock.Enter())
        {
            if (!_entries.TryGetValue(key, out var entry)) return;
            entry = entry with { Count = entry.Count - 1 };
            if (entry.Count == 0) _entries.Remove(key);
            else _entries[key] = entry;
            if (entry.Count == 0 || entry.Queue is not null) Tell(entry);
        }
    }

    /// <summary>Removes several and tells of the weights that are left.</summary>
    public void Remove(IReadOnlyCollection<Subscription> subscriptions)
    {
        if (subscriptions.Count == 0) return;
        using (_lock.Enter())
        {
            var changed = new Dictionary<byte[], Entry>(ByteArrayComparer.Instance);
            foreach (var subscription in subscriptions)
            {
                var key = KeyOf(subscription);
                if (!_entries.TryGetValue(key, out var entry)) continue;
                entry = entry with { Count = entry.Count - 1 };
                if (entry.Count == 0) _entries.Remove(key);
                else _entries[key] = entry;
                changed[key] = entry;
            }
            foreach (var entry in changed.Values)
            {
                if (entry.Count == 0 || entry.Queue is not null) Tell(entry);
            }
        }
    }

    /// <summary>Tells a new listener everything there is, then every change.</summary>
    public void Attach(IInterestListener listener)
    {
        using (_lock.Enter())
        {
            if (_listeners.Contains(listener)) return;
            _listeners = [.. _listeners, listener];
            foreach (var entry in _entries.Values) listener.OnInterest(account, entry.Subject, entry.Queue, entry.Weight);
        }
    }

    public void Detach(IInterestListener listener)
    {
        using (_lock.Enter())
        {
            _listeners = [.. _listeners.Where(other => !ReferenceEquals(other, listener))];
        }
    }

    private void Tell(Entry entry)
    {
        foreach (var listener in _listeners) listener.OnInterest(account, entry.Subject, entry.Queue, entry.Weight);
    }

    /// <summary>Subject, or subject, blank and queue; neither can contain a blank.</summary>
    private static byte[] KeyOf(Subscription subscription) =>
        subscription.Queue is null ? subscription.Subject : [.. subscription.Subject, (byte)' ', .. subscription.Queue];

    private readonly record struct Entry(byte[] Subject, byte[]? Queue, int Count)
    {
        public int Weight => Queue is null ? Math.Min(Count, 1) : Count;
    }
}
