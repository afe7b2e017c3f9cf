using NatsAspire.Server.Primitives;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.SuperCluster;

/// <summary>
/// What an account's subscribers want anywhere in this cluster: those of this server, as <see cref="LocalInterest"/> tells,
/// and those of its peers. Listeners, which tell other clusters, see each subject (with a queue) appear and go.
/// </summary>
public sealed class ClusterInterest(Account account) : IInterestListener
{
    private readonly OuterLock _lock = new();
    private readonly Dictionary<byte[], Entry> _entries = new(ByteArrayComparer.Instance);
    private IInterestListener[] _listeners = [];

    bool IInterestListener.KeepsOriginsApart => false;

    /// <summary>What is wanted on this server, and by the leaf nodes whose hub it is; peers tell of theirs.</summary>
    bool IInterestListener.Wants(InterestSource source, byte[] subject) => source.Kind == SubscriberKind.Client || source.IsOwnLeaf;

    /// <summary>Called under the lock of the account's own interest.</summary>
    void IInterestListener.OnInterest(Account owner, byte[] subject, byte[]? queue, int weight, byte[]? origin) => Change(subject, queue, weight > 0, 0);

    /// <summary>A peer wants something.</summary>
    public void AddRemote(Subscription subscription) => Change(subscription.Subject, subscription.Queue, null, 1);

    /// <summary>It no longer does.</summary>
    public void RemoveRemote(Subscription subscription) => Change(subscription.Subject, subscription.Queue, null, -1);

    /// <summary>Tells a new listener everything there is, then every change.</summary>
    /// <param name="listener">Called under a lock: must not block.</param>
    /// <param name="begin">Called first, under the same lock.</param>
    /// <param name="end">Called when all there is was told, under the same lock.</param>
    public void Attach(IInterestListener listener, Action begin, Action end)
    {
        using (_lock.Enter())
        {
            if (_listeners.Contains(listener)) return;
            _listeners = [.. _listeners, listener];
            begin();
            foreach (var entry in _entries.Values) listener.OnInterest(account, entry.Subject, entry.Queue, 1, null);
            end();
        }
    }

    public void Detach(IInterestListener listener)
    {
        using (_lock.Enter())
        {
            _listeners = [.. _listeners.Where(other => !ReferenceEquals(other, listener))];
        }
    }

    private void Change(byte[] subject, byte[]? queue, bool? isLocal, int remote)
    {
        byte[] key = queue is null ? subject : [.. subject, (byte)' ', .. queue];
        using (_lock.Enter())
        {
            var isKnown = _entries.TryGetValue(key, out var entry);
            if (!isKnown) entry = new Entry(subject, queue, false, 0);
            entry = entry with { IsLocal = isLocal ?? entry.IsLocal, Remote = Math.Max(0, entry.Remote + remote) };
            var isWanted = entry.IsLocal || entry.Remote > 0;
            if (isWanted) _entries[key] = entry;
            else _entries.Remove(key);
            if (isKnown == isWanted) return;
            foreach (var listener in _listeners) listener.OnInterest(account, entry.Subject, entry.Queue, isWanted ? 1 : 0, null);
        }
    }

    /// <param name="Subject">With its wildcards.</param>
    /// <param name="Queue">Null: none.</param>
    /// <param name="IsLocal">Somebody on this server wants it.</param>
    /// <param name="Remote">Connections to peers that want it.</param>
    private readonly record struct Entry(byte[] Subject, byte[]? Queue, bool IsLocal, int Remote);
}
