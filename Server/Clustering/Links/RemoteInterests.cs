using NatsAspire.Server.Accounts;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clustering.Links;

/// <summary>
/// What the peer of one link wants: subscriptions of the link in the accounts. The loop's thread alone changes it;
/// others may count and list.
/// </summary>
internal sealed class RemoteInterests(LinkSubscriber link)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<byte[], RemoteInterest> _known = new(ByteArrayComparer.Instance);
    private readonly Dictionary<byte[], InterestSource> _sources = new(ByteArrayComparer.Instance);
    private InterestSource? _source;

    public int Count => _known.Count;

    /// <summary>Another weight for what is known already.</summary>
    /// <returns>False when it is not.</returns>
    public bool TryUpdate(byte[] key, int weight)
    {
        if (!_known.TryGetValue(key, out var known)) return false;
        known.Subscription.QueueWeight = Math.Max(1, weight);
        TellOn(known, known.Subscription.QueueWeight);
        return true;
    }

    /// <summary>Takes interest in.</summary>
    /// <returns>Null when its subject is malformed.</returns>
    public Subscription? Add(byte[] key, Account account, in InterestLine line)
    {
        var subscription = new Subscription(link, line.Subject.ToArray(), line.Queue.IsEmpty ? null : line.Queue.ToArray())
        {
            QueueWeight = Math.Max(1, line.Weight),
            Origin = line.Origin.IsEmpty ? null : line.Origin.ToArray(),
        };
        if (!SubjectRules.IsValid(line.Subject) || !account.Subscriptions.Insert(subscription)) return null;
        var fresh = new RemoteInterest(account, subscription, account.TracksLinks ? SourceOf(subscription.Origin) : null);
        lock (_lock) _known[key] = fresh;
        TellOn(fresh, subscription.QueueWeight);
        return subscription;
    }

    /// <summary>Ends interest.</summary>
    /// <returns>What it was; null: nothing was known.</returns>
    public RemoteInterest? Remove(byte[] key)
    {
        RemoteInterest gone;
        lock (_lock)
        {
            if (!_known.Remove(key, out gone)) return null;
        }
        gone.Subscription.Close();
        gone.Account.Subscriptions.Remove(gone.Subscription);
        TellOn(gone, 0);
        return gone;
    }

    /// <summary>Ends all of it.</summary>
    /// <param name="gone">Told of each.</param>
    public void Clear(Action<RemoteInterest>? gone = null)
    {
        foreach (var interest in _known.Values)
        {
            interest.Subscription.Close();
            interest.Account.Subscriptions.Remove(interest.Subscription);
            TellOn(interest, 0);
            gone?.Invoke(interest);
        }
        lock (_lock) _known.Clear();
    }

    /// <summary>The interest of the peer, or of the leaf nodes of a cluster that it has.</summary>
    private InterestSource SourceOf(byte[]? origin)
    {
        if (origin is null) return _source ??= new InterestSource(link.Kind, null, link);
        if (!_sources.TryGetValue(origin, out var known)) _sources[origin] = known = new InterestSource(link.Kind, origin, link);
        return known;
    }

    /// <summary>Leaf nodes hear of it.</summary>
    private static void TellOn(in RemoteInterest interest, int weight)
    {
        if (interest.Source is not { } source) return;
        interest.Account.Interest?.Set(source, interest.Subscription.Subject, interest.Subscription.Queue, weight);
    }

    /// <summary>All of it, as of now. From any thread.</summary>
    public IReadOnlyList<RemoteInterest> Snapshot()
    {
        lock (_lock) return [.. _known.Values];
    }
}

/// <summary>Something a peer wants.</summary>
/// <param name="Account">The account it is for.</param>
/// <param name="Subscription">Its place among the account's subscriptions.</param>
/// <param name="Source">For those who are told of it; null: nobody is.</param>
internal readonly record struct RemoteInterest(Account Account, Subscription Subscription, InterestSource? Source = null);
