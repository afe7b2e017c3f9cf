using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts;

/// <summary>A link to another server: gets each message once, with the queue groups it is to serve.</summary>
public abstract class LinkSubscriber : Subscriber
{
    /// <summary>True when the server behind it goes on with a trace.</summary>
    public virtual bool SupportsTracing => false;

    /// <summary>The last measured round trip, in stopwatch ticks: of several clusters the nearest serves a queue group.</summary>
    public virtual long RoundTripTicks => 0;

    /// <summary>Sends a message over the link.</summary>
    /// <param name="account">The message's account.</param>
    /// <param name="message">The message.</param>
    /// <param name="queues">Queue groups chosen to be served there; empty: plain interest only.</param>
    /// <param name="batch">The publisher's batch.</param>
    /// <returns>False when the link is going down.</returns>
    public abstract bool DeliverToLink(Account account, in Message message, List<byte[]> queues, FlushBatch batch);

    /// <summary>Links are served through <see cref="DeliverToLink"/>, once for all their subscriptions.</summary>
    public sealed override bool Deliver(Subscription subscription, in Message message, FlushBatch batch) =>
        throw new InvalidOperationException("A link's subscription is interest, not a destination.");
}
