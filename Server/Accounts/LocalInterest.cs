using NatsAspire.Server.Primitives;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts;

/// <summary>Hears what an account wants.</summary>
public interface IInterestListener
{
    /// <summary>True: interest of leaf nodes is told apart by their cluster; false: all as one.</summary>
    bool KeepsOriginsApart { get; }

    /// <summary>Whether it hears of a source's interest in a subject; always the same answer while it listens.</summary>
    bool Wants(InterestSource source, byte[] subject);

    /// <summary>
    /// The weight of a subject (with a queue) changed: members of the queue group, or 1 for a plain subject;
    /// 0: nobody is left. Called under the interest's lock, so in order; must not block.
    /// </summary>
    /// <param name="account">The account.</param>
    /// <param name="subject">With its wildcards.</param>
    /// <param name="queue">Null: none.</param>
    /// <param name="weight">As it is now.</param>
    /// <param name="origin">Cluster of the leaf nodes that want it; null: none, or they are not told apart.</param>
    void OnInterest(Account account, byte[] subject, byte[]? queue, int weight, byte[]? origin);
}

/// <summary>
/// How much each source wants of an account, by subject and queue, and who wants to know. Listeners see plain subjects appear
/// and go, and every change of a queue's weight, summed up over the sources they chose.
/// </summary>
public sealed class LocalInterest(Account account)
{
    private readonly OuterLock _lock = new();
    private readonly Dictionary<byte[], Entry> _entries = new(ByteArrayComparer.Instance);
    private IInterestListener[] _listeners = [];

    /// <summary>Counts a subscription of this server in.</summary>
    public void Add(Subscription subscription)
    {
        using (_lock.Enter()) Change(subscription, +1);
    }

    /// <summary>Counts it out.</summary>
    public void Remove(Subscription subscription)
    {
        using (_lock.Enter()) Change(subscription, -1);
    }

    /// <summary>Removes several and tells of the weights that are left.</summary>
    public void Remove(IReadOnlyCollection<Subscription> subscriptions)
    {
        if (subscriptions.Count == 0) return;
        using (_lock.Enter())
        {
            var before = new Dictionary<byte[], Entry>(ByteArrayComparer.Instance);
            foreach (var subscription in subscriptions)
            {
                var key = KeyOf(subscription.Subject, subscription.Queue);
                if (!_entries.TryGetValue(key, out var entry)) continue;
                before.TryAdd(key, entry);
                Store(key, entry with { Local = Math.Max(0, entry.Local - 1) });
            }
            foreach (var (key, entry) in before)
            {
                Tell(_entries.GetValueOrDefault(key, entry with { Local = 0, Others = null }), InterestSource.Local, entry.Local);
            }
        }
    }

    /// <summary>Another source's interest: told to those who asked for it.</summary>
    /// <param name="source">Always the same object for the same link and origin.</param>
    /// <param name="subject">With its wildcards.</param>
    /// <param name="queue">Null: none.</param>
    /// <param name="weight">As it is now; 0: it wants it no more.</param>
    public void Set(InterestSource source, byte[] subject, byte[]? queue, int weight)
    {
        var key = KeyOf(subject, queue);
        using (_lock.Enter())
        {
            var entry = _entries.GetValueOrDefault(key, new Entry(subject, queue, 0, null));
            var before = entry.WeightOf(source);
            if (before == weight) return;
            var after = entry.With(source, weight);
            Store(key, after);
            Tell(after, source, before);
        }
    }

    /// <summary>Tells a new listener everything there is that it wants to know, then every change.</summary>
    public void Attach(IInterestListener listener)
    {
        using (_lock.Enter())
        {
            if (_listeners.Contains(listener)) return;
            _listeners = [.. _listeners, listener];
            foreach (var entry in _entries.Values) TellAll(listener, entry);
        }
    }

    /// <summary>Tells it nothing any more.</summary>
    public void Detach(IInterestListener listener)
    {
        using (_lock.Enter())
        {
            _listeners = [.. _listeners.Where(other => !ReferenceEquals(other, listener))];
        }
    }

    private void Change(Subscription subscription, int by)
    {
        var key = KeyOf(subscription.Subject, subscription.Queue);
        var entry = _entries.GetValueOrDefault(key, new Entry(subscription.Subject, subscription.Queue, 0, null));
        if (entry.Local + by < 0) return;
        var after = entry with { Local = entry.Local + by };
        Store(key, after);
        Tell(after, InterestSource.Local, entry.Local);
    }

    private void Store(byte[] key, Entry entry)
    {
        if (entry.Local == 0 && entry.Others is null) _entries.Remove(key);
        else _entries[key] = entry;
    }

    /// <summary>One source's weight has changed.</summary>
    private void Tell(in Entry entry, InterestSource source, int before)
    {
        var change = entry.WeightOf(source) - before;
        foreach (var listener in _listeners)
        {
            if (!listener.Wants(source, entry.Subject)) continue;
            var origin = listener.KeepsOriginsApart ? source.Origin : null;
            var now = entry.Sum(listener, origin);
            if (entry.Queue is null ? now > 0 == now - change > 0 : change == 0) continue;
            listener.OnInterest(account, entry.Subject, entry.Queue, entry.Queue is null ? Math.Min(1, now) : now, origin);
        }
    }

    private void TellAll(IInterestListener listener, in Entry entry)
    {
        TellOne(listener, entry, null);
        if (!listener.KeepsOriginsApart) return;
        var others = entry.Others ?? [];
        for (var i = 0; i < others.Length; i++)
        {
            if (others[i].Source.Origin is not { } origin || others.Take(i).Any(earlier => IsSame(earlier.Source.Origin, origin))) continue;
            TellOne(listener, entry, origin);
        }
    }

    private void TellOne(IInterestListener listener, in Entry entry, byte[]? origin)
    {
        var sum = entry.Sum(listener, origin);
        if (sum > 0) listener.OnInterest(account, entry.Subject, entry.Queue, entry.Queue is null ? 1 : sum, origin);
    }

    private static bool IsSame(byte[]? one, byte[]? other) => one is null || other is null ? one == other : one.AsSpan().SequenceEqual(other);

    /// <summary>Subject, or subject, blank and queue; neither can contain a blank.</summary>
    private static byte[] KeyOf(byte[] subject, byte[]? queue) => queue is null ? subject : [.. subject, (byte)' ', .. queue];

    /// <param name="Subject">With its wildcards.</param>
    /// <param name="Queue">Null: none.</param>
    /// <param name="Local">Subscriptions of this server.</param>
    /// <param name="Others">Weights of the other sources; null: there are none.</param>
    private readonly record struct Entry(byte[] Subject, byte[]? Queue, int Local, (InterestSource Source, int Weight)[]? Others)
    {
        public int WeightOf(InterestSource source) => ReferenceEquals(source, InterestSource.Local)
            ? Local
            : Others?.FirstOrDefault(other => ReferenceEquals(other.Source, source)).Weight ?? 0;

        public Entry With(InterestSource source, int weight)
        {
            var others = (Others ?? []).Where(other => !ReferenceEquals(other.Source, source)).ToList();
            if (weight > 0) others.Add((source, weight));
            return this with { Others = others.Count == 0 ? null : [.. others] };
        }

        /// <summary>What a listener is told: of all it wants to know of or, if it keeps them apart, of one origin.</summary>
        public int Sum(IInterestListener listener, byte[]? origin)
        {
            var sum = Local > 0 && origin is null && listener.Wants(InterestSource.Local, Subject) ? Local : 0;
            foreach (var (source, weight) in Others ?? [])
            {
                if (listener.KeepsOriginsApart && !IsSame(source.Origin, origin)) continue;
                if (listener.Wants(source, Subject)) sum += weight;
            }
            return sum;
        }
    }
}
