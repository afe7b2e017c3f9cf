using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts;

/// <summary>What comes from other clusters, and which of them is asked.</summary>
public static partial class MessageRouter
{
    /// <summary>
    /// A message that another cluster sent, to one server of this one: it reaches the others from here, and of the queue
    /// groups those that the sender chose.
    /// </summary>
    /// <param name="account">Its account.</param>
    /// <param name="match">Who wants it.</param>
    /// <param name="message">As subscribers here get it.</param>
    /// <param name="onward">As other servers get it.</param>
    /// <param name="queues">Names of the queue groups to serve.</param>
    /// <param name="source">The connection it came over.</param>
    /// <param name="batch">That connection's batch.</param>
    /// <returns>True when somebody got it.</returns>
    public static bool RouteFromGateway(
        Account account, MatchResult match, in Message message, in Message onward, ReadOnlySpan<byte> queues, Subscriber source, FlushBatch batch)
    {
        var delivered = DeliverHere(account, match, message, source, batch);
        var targets = LinkTargets.Take();
        AddLeafs(match, message, source, targets);
        foreach (var link in match.Links) targets.AddPlain((LinkSubscriber)link.Subscriber);
        while (!queues.IsEmpty)
        {
            var queue = ControlLine.TakeToken(ref queues);
            foreach (var group in match.Queues)
            {
                if (queue.SequenceEqual(group.Name)) delivered |= RouteToOne(account, group, message, targets, false, source, batch);
            }
        }
        return targets.DeliverAll(account, onward, batch) || delivered;
    }

    /// <summary>
    /// An answer that has come back from another cluster to the one that asked: to whoever wants it, on any server of this
    /// cluster, and in other clusters unless only one waits for it.
    /// </summary>
    public static bool RouteReturned(
        Account account, MatchResult match, in Message message, in Message onward, Subscriber source, FlushBatch batch)
    {
        var delivered = DeliverHere(account, match, message, source, batch);
        var targets = LinkTargets.Take();
        AddLeafs(match, message, source, targets);
        var goesFurther = !onward.Subject.StartsWith("_R_."u8);
        foreach (var link in match.Links) targets.AddPlain((LinkSubscriber)link.Subscriber);
        if (goesFurther)
        {
            foreach (var link in match.Outer) targets.AddPlain((LinkSubscriber)link.Subscriber);
        }
        foreach (var group in match.Queues) delivered |= RouteToOne(account, group, message, targets, goesFurther, source, batch);
        return targets.DeliverAll(account, onward, batch) || delivered;
    }

    /// <summary>
    /// An answer to another cluster, at a server that knows no clusters: to those that know the way. To clients its subject
    /// means nothing.
    /// </summary>
    public static bool RouteBack(Account account, MatchResult match, in Message message, Subscriber source, FlushBatch batch)
    {
        var targets = LinkTargets.Take();
        AddLeafs(match, message, source, targets);
        foreach (var link in match.Links) targets.AddPlain((LinkSubscriber)link.Subscriber);
        return targets.DeliverAll(account, message, batch);
    }

    /// <summary>To one member of a queue group, on this server or on another of the cluster; if it may go further, else in another cluster.</summary>
    private static bool RouteToOne(
        Account account, QueueGroup group, in Message message, LinkTargets targets, bool goesFurther, Subscriber source, FlushBatch batch)
    {
        var remote = PickLink(group);
        if (remote is null && DeliverToMember(account, group, message, source, true, batch)) return true;
        remote ??= group.Links.Length > 0 ? group.Links[FastRandom.Next(group.Links.Length)] : PickDistant(group, source, message.Origin, leafsOnly: false);
        if (goesFurther) remote ??= Nearest(group.Outer);
        if (remote is not null) targets.AddQueue((LinkSubscriber)remote.Subscriber, group.Name);
        return false;
    }

    /// <summary>The cluster with the shortest way; null: there is none.</summary>
    private static Subscription? Nearest(Subscription[] clusters)
    {
        Subscription? nearest = null;
        foreach (var cluster in clusters)
        {
            if (nearest is null || ((LinkSubscriber)cluster.Subscriber).RoundTripTicks < ((LinkSubscriber)nearest.Subscriber).RoundTripTicks) nearest = cluster;
        }
        return nearest;
    }
}
