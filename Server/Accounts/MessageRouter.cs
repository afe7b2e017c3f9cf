using NatsAspire.Server.Accounts.Tracing;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts;

/// <summary>
/// Hands a message to everybody a match names: each plain subscription, one member of each queue group, each
/// interested link once. Runs on the publisher's loop.
/// </summary>
public static class MessageRouter
{
    [ThreadStatic]
    private static LinkTargets? _linkTargets;

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
        delivered |= RouteQueuesAndLinks(account, match, message, source, echo, batch);
        foreach (var service in match.Services)
        {
            delivered |= ((ServiceSubscriber)service.Subscriber).Take(service, account, message, source, batch);
        }
        return delivered;
    }

    /// <summary>
    /// A message another server of the cluster sent: it has chosen the queue groups, and reaches every other
    /// server itself, so that only local subscriptions are served.
    /// </summary>
    public static bool RouteFromCluster(
        Account account, MatchResult match, in Message message, ReadOnlySpan<byte> queues, Subscriber source, FlushBatch batch)
    {
        var delivered = false;
        if (message.Trace is not null)
        {
            delivered = TracedDelivery.ToAll(match.Plain, message, null, batch);
        }
        else
        {
            foreach (var subscription in match.Plain)
            {
                delivered |= subscription.Subscriber.Deliver(subscription, message, batch);
            }
        }
        foreach (var service in match.Services)
        {
            var subscriber = (ServiceSubscriber)service.Subscriber;
            if (subscriber.TakesRoutedMessages) delivered |= subscriber.Take(service, account, message, source, batch);
        }
        while (!queues.IsEmpty)
        {
            var queue = ControlLine.TakeToken(ref queues);
            foreach (var group in match.Queues)
            {
                if (queue.SequenceEqual(group.Name)) delivered |= DeliverToMember(group, message, source, true, batch);
            }
        }
        return delivered;
    }

    private static bool RouteQueuesAndLinks(
        Account account, MatchResult match, in Message message, Subscriber source, bool echo, FlushBatch batch)
    {
        var delivered = false;
        var targets = _linkTargets ??= new LinkTargets();
        foreach (var link in match.Links) targets.AddPlain((LinkSubscriber)link.Subscriber);
        foreach (var group in match.Queues)
        {
            var remote = PickLink(group);
            if (remote is null && DeliverToMember(group, message, source, echo, batch))
            {
                delivered = true;
                continue;
            }
            // No member here could take it: another server's may.
            remote ??= group.Links.Length > 0 ? group.Links[FastRandom.Next(group.Links.Length)] : null;
            if (remote is not null) targets.AddQueue((LinkSubscriber)remote.Subscriber, group.Name);
        }
        return targets.DeliverAll(account, message, batch) || delivered;
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
        QueueGroup group, in Message message, Subscriber source, bool echo, FlushBatch batch)
    {
        var members = group.Local;
        if (members.Length == 0) return false;
        var start = members.Length == 1 ? 0 : FastRandom.Next(members.Length);
        for (var i = 0; i < members.Length; i++)
        {
            var member = members[(start + i) % members.Length];
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

    /// <summary>The links one message goes to, with the queue groups for each; reused.</summary>
    private sealed class LinkTargets
    {
        private readonly List<(LinkSubscriber Link, List<byte[]> Queues)> _targets = [];
        private int _count;

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
