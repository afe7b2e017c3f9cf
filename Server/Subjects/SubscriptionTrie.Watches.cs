using System.Collections.Immutable;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Subjects;

/// <summary>Those who must know when interest in a subject comes or goes, without asking again and again.</summary>
public sealed partial class SubscriptionTrie
{
    private ImmutableDictionary<byte[], ImmutableArray<Action>> _watches = ImmutableDictionary.Create<byte[], ImmutableArray<Action>>(ByteArrayComparer.Instance);

    /// <summary>
    /// Has something called whenever a subscription comes or goes that a literal subject matches; what interest there is
    /// then, is for the one called to ask. Called by whoever changes the subscription: it must be short and must not block.
    /// </summary>
    public void Watch(byte[] subject, Action changed) =>
        ImmutableInterlocked.Update(ref _watches, watches => watches.SetItem(subject, watches.GetValueOrDefault(subject, []).Add(changed)));

    /// <summary>Calls it no more.</summary>
    public void Unwatch(byte[] subject, Action changed) => ImmutableInterlocked.Update(ref _watches, watches =>
    {
        var left = watches.GetValueOrDefault(subject, []).Remove(changed);
        return left.IsEmpty ? watches.Remove(subject) : watches.SetItem(subject, left);
    });

    private void TellWatchers(Subscription subscription)
    {
        var watches = Volatile.Read(ref _watches);
        if (watches.IsEmpty) return;
        if (!SubjectRules.HasWildcard(subscription.Subject))
        {
            if (watches.TryGetValue(subscription.Subject, out var one)) Tell(one);
            return;
        }
        foreach (var (subject, watchers) in watches)
        {
            if (SubjectRules.Matches(subject, subscription.Subject)) Tell(watchers);
        }

        static void Tell(ImmutableArray<Action> watchers)
        {
            foreach (var watcher in watchers) watcher();
        }
    }
}
