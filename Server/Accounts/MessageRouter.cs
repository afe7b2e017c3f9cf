using NatsAspire.Server.Accounts.Tracing;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts;

/// <summary>
/// Hands a message to everybody a match names: each plain subscription, one member of each queue group, each
/// interested link once. Runs on the publisher's loop.
/// </summary>
public static partial class MessageRouter
{
    /// <summary>A message from a client of this server (or from the server itself).</summary>
    /// <param name="account">Its account.</param>
    /// <param name="match">Who wants it.</param>
    /// <param name="message">The message.</param>
    /// <param name="source">Its publisher; its own subscriptions are left out when <paramref name="echo"/> is off.</param>
    /// <param name="echo">Whether the publisher wants its own messages.</param>
    /// <param name="batch">The publisher's batch.</param>
    /// <returns>True when somebody got it.</returns>
    public static bool RouteLocal(
        Account account, MatchResult match, in Message message, Subscriber source, bool echo, FlushBatch batch)
    {
        var delivered = false;
        if (message.Trace is not null)
        {
            delivered = TracedDelivery.ToAll(match.Plain, message, echo ? null : source, batch);
        }
        else
        {
            foreach (var subscription in match.Plain)
            {
                var subscriber = subscription.Subscriber;
                if (!echo && ReferenceEquals(subscriber, source)) continue;
                delivered |= subscriber.Deliver(subscription, message, batch);
            }
        }
        if (match.IsPlain) return delivered;
        delivered |= RouteQueuesAndLinks(account, match, message, source, echo, QueueFilter.All, batch);
        foreach (var service in match.Services)
        {
            delivered |= ((ServiceSubscriber)service.Subscriber).Take(service, account, message, source, batch);
        }
        return delivered;
    }

    /// <summary>
    /// A message a leaf node connection brought: what a client's is, but that the other side has chosen the queue groups, and
    /// that it does not go back to where it comes from.
    /// </summary>
    /// <param name="account">The connection's account.</param>
    /// <param name="match">Who wants it.</param>
    /// <param name="message">The message, with its origin.</param>
    /// <param name="queues">Names of the queue groups to serve, apart by blanks.</param>
    /// <param name="source">The connection.</param>
    /// <param name="batch">The batch of its loop.</param>
    /// <returns>True when somebody got it.</returns>
    public static bool RouteFromLeaf(
        Account account, MatchResult match, in Message message, ReadOnlySpan<byte> queues, LeafSubscriber source, FlushBatch batch)
    {
        var delivered = DeliverToPlain(match, message, batch);
        if (match.IsPlain) return delivered;
        delivered |= RouteQueuesAndLinks(account, match, message, source, true, new QueueFilter(queues), batch);
        foreach (var service in match.Services)
        {
            delivered |= ((ServiceSubscriber)service.Subscriber).Take(service, account, message, source, batch);
        }
        return delivered;
    }

    /// <summary>
    /// A message another server of the cluster sent: it has chosen the queue groups, and reaches every other
    /// server itself, so that only local subscriptions and leaf nodes are served.
    /// </summary>
    public static bool RouteFromCluster(
        Account account, MatchResult match, in Message message, in Message onward, ReadOnlySpan<byte> queues, Subscriber source, FlushBatch batch)
    {
        var delivered = DeliverHere(account, match, message, source, batch);
        if (match.IsPlain || (match.Leafs.Length == 0 && queues.IsEmpty)) return delivered;
        var targets = LinkTargets.Take();
        AddLeafs(match, message, source, targets);
        while (!queues.IsEmpty)
        {
            var queue = ControlLine.TakeToken(ref queues);
            foreach (var group in match.Queues)
            {
                if (!queue.SequenceEqual(group.Name)) continue;
                if (DeliverToMember(account, group, message, source, true, batch)) delivered = true;
                else if (PickDistant(group, source, message.Origin, leafsOnly: true) is { } distant) targets.AddQueue((LinkSubscriber)distant.Subscriber, group.Name);
            }
        }
        return targets.DeliverAll(account, onward, batch) || delivered;
    }

    /// <summary>To whoever on this server is no member of a queue group.</summary>
    private static bool DeliverHere(Account account, MatchResult match, in Message message, Subscriber source, FlushBatch batch)
    {
        var delivered = DeliverToPlain(match, message, batch);
        foreach (var service in match.Services)
        {
            var subscriber = (ServiceSubscriber)service.Subscriber;
            if (subscriber.TakesRoutedMessages) delivered |= subscriber.Take(service, account, message, source, batch);
        }
        return delivered;
    }

    /// <summary>A leaf node gets a message once, with all queue groups that it is to serve.</summary>
    private static void AddLeafs(MatchResult match, in Message message, Subscriber source, LinkTargets targets)
    {
        foreach (var leaf in match.Leafs)
        {
            var subscriber = (LeafSubscriber)leaf.Subscriber;
            // Each server of a cluster tells its own hub what it has; answers to what came from the hub alone know their way.
            if (subscriber.IsSpoke && source.Kind == SubscriberKind.Route && !message.Subject.StartsWith("_R_."u8)) continue;
            if (subscriber.MayGet(source, message.Origin)) targets.AddPlain(subscriber);
        }
    }

    private static bool DeliverToPlain(MatchResult match, in Message message, FlushBatch batch)
    {
        if (message.Trace is not null) return TracedDelivery.ToAll(match.Plain, message, null, batch);
        var delivered = false;
        foreach (var subscription in match.Plain) delivered |= subscription.Subscriber.Deliver(subscription, message, batch);
        return delivered;
    }

    private static bool RouteQueuesAndLinks(
        Account account, MatchResult match, in Message message, Subscriber source, bool echo, QueueFilter filter, FlushBatch batch)
    {
        var delivered = false;
        var targets = LinkTargets.Take();
        // The servers of a spoke's cluster have hubs of their own.
        var asksCluster = source is not LeafSubscriber { IsSpoke: true };
        if (asksCluster)
        {
            foreach (var link in match.Links) targets.AddPlain((LinkSubscriber)link.Subscriber);
        }
        foreach (var link in match.Outer) targets.AddPlain((LinkSubscriber)link.Subscriber);
        foreach (var leaf in match.Leafs)
        {
            var subscriber = (LeafSubscriber)leaf.Subscriber;
            if (subscriber.MayGet(source, message.Origin)) targets.AddPlain(subscriber);
        }
        foreach (var group in match.Queues)
        {
            if (!filter.Admits(group.Name)) continue;
            var remote = asksCluster ? PickLink(group) : null;
            if (remote is null && DeliverToMember(account, group, message, source, echo, batch))
            {
                delivered = true;
                continue;
            }
            // No member here could take it: another server's may, then a leaf node's, and only then another cluster's.
            if (asksCluster) remote ??= group.Links.Length > 0 ? group.Links[FastRandom.Next(group.Links.Length)] : null;
            remote ??= PickDistant(group, source, message.Origin, leafsOnly: !asksCluster) ?? Nearest(group.Outer);
            if (remote is not null) targets.AddQueue((LinkSubscriber)remote.Subscriber, group.Name);
        }
        return targets.DeliverAll(account, message, batch) || delivered;
    }

    /// <summary>One of those who are asked last, by their weights; null: there is none that may get it.</summary>
    private static Subscription? PickDistant(QueueGroup group, Subscriber source, ReadOnlySpan<byte> origin, bool leafsOnly)
    {
        Subscription? picked = null;
        var total = 0;
        foreach (var candidate in group.Distant)
        {
            var mayGet = candidate.Subscriber is LeafSubscriber leaf
                ? leaf.MayGet(source, origin)
                : !leafsOnly && (origin.IsEmpty || !origin.SequenceEqual(candidate.Origin));
            if (!mayGet) continue;
            total += candidate.QueueWeight;
            if (FastRandom.Next(total) < candidate.QueueWeight) picked = candidate;
        }
        return picked;
    }

    /// <summary>
    /// Every member of the group in the cluster is as likely as any other; null when the lot falls on one of
    /// this server's.
    /// </summary>
    private static Subscription? PickLink(QueueGroup group)
    {
        if (group.Links.Length == 0) return null;
        var total = group.Local.Length;
        foreach (var link in group.Links) total += link.QueueWeight;
        var lot = FastRandom.Next(total) - group.Local.Length;
        if (lot < 0) return null;
        foreach (var link in group.Links)
        {
            lot -= link.QueueWeight;
            if (lot < 0) return link;
        }
        return group.Links[^1];
    }

    /// <summary>Tries the members from a random one on, until one takes the message.</summary>
    private static bool DeliverToMember(
        Account account, QueueGroup group, in Message message, Subscriber source, bool echo, FlushBatch batch)
    {
        var members = group.Local;
        if (members.Length == 0) return false;
        var start = members.Length == 1 ? 0 : FastRandom.Next(members.Length);
        for (var i = 0; i < members.Length; i++)
        {
            var member = members[(start + i) % members.Length];
            if (member.Subscriber is ServiceSubscriber service)
            {
                if (service.Take(member, account, message, source, batch)) return true;
                continue;
            }
            if (message.Trace is not null)
            {
                if (TracedDelivery.To(member, message, echo ? null : source, batch)) return true;
                continue;
            }
            if (!echo && ReferenceEquals(member.Subscriber, source)) continue;
            if (member.Subscriber.Deliver(member, message, batch)) return true;
        }
        return false;
    }

    /// <summary>The queue groups to serve: all, or those that somebody has chosen.</summary>
    private readonly ref struct QueueFilter(ReadOnlySpan<byte> names)
    {
        private readonly ReadOnlySpan<byte> _names = names;
        private readonly bool _isSet = true;

        public static QueueFilter All => default;

        public bool Admits(byte[] name)
        {
            if (!_isSet) return true;
            var rest = _names;
            while (!rest.IsEmpty)
            {
                if (ControlLine.TakeToken(ref rest).SequenceEqual(name)) return true;
            }
            return false;
        }
    }

    /// <summary>The links one message goes to, with the queue groups for each; reused.</summary>
    private sealed class LinkTargets
    {
        [ThreadStatic]
        private static LinkTargets? _spare;

        private readonly List<(LinkSubscriber Link, List<byte[]> Queues)> _targets = [];
        private int _count;

        /// <summary>The thread's own; while one is filled, a service may send a message of its own, which takes another.</summary>
        public static LinkTargets Take()
        {
            var taken = _spare ?? new LinkTargets();
            _spare = null;
            return taken;
        }

        public void AddPlain(LinkSubscriber link) => Slot(link);

        public void AddQueue(LinkSubscriber link, byte[] queue) => Slot(link).Add(queue);

        public bool DeliverAll(Account account, in Message message, FlushBatch batch)
        {
            var delivered = false;
            for (var i = 0; i < _count; i++)
            {
                var (link, queues) = _targets[i];
                delivered |= message.Trace is null
                    ? link.DeliverToLink(account, message, queues, batch)
                    : TracedDelivery.ToLink(link, account, message, queues, batch);
                queues.Clear();
            }
            _count = 0;
            _spare = this;
            return delivered;
        }

        private List<byte[]> Slot(LinkSubscriber link)
        {
            for (var i = 0; i < _count; i++)
            {
                if (ReferenceEquals(_targets[i].Link, link)) return _targets[i].Queues;
            }
            var queues = _count < _targets.Count ? _targets[_count].Queues : [];
            if (_count < _targets.Count) _targets[_count] = (link, queues);
            else _targets.Add((link, queues));
            _count++;
            return queues;
        }
    }
}
