using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Subjects;

/// <summary>What stands behind a subscription.</summary>
public enum SubscriberKind : byte
{
    /// <summary>A client connection.</summary>
    Client,

    /// <summary>A service inside the server.</summary>
    Internal,

    /// <summary>Another server of the cluster; its subscriptions are the interest it announced.</summary>
    Route,

    /// <summary>A server of another cluster.</summary>
    Gateway,

    /// <summary>A leaf node.</summary>
    Leaf,
}

/// <summary>Receives the messages of its subscriptions.</summary>
public abstract class Subscriber
{
    public abstract SubscriberKind Kind { get; }

    /// <summary>Id of the connection behind it; 0: none.</summary>
    public virtual ulong ConnectionId => 0;

    /// <summary>What the other side calls itself; null: nothing.</summary>
    public virtual string? Name => null;

    /// <summary>True for a link to another server, which gets one copy however many of its subscriptions match.</summary>
    public bool IsLink => Kind >= SubscriberKind.Route;

    /// <summary>So much waits to be sent to it that whoever can wait should. From any thread.</summary>
    public virtual bool IsBehind => false;

    /// <summary>Who it is, for those who are told of publishers; null: nobody to speak of.</summary>
    /// <param name="detailed">More than account and round trip.</param>
    public virtual ClientInfo? Describe(bool detailed) => null;

    /// <summary>Why a subscription does not get a message now, in words for those who trace it; null: it does.</summary>
    /// <param name="subscription">One of its own.</param>
    /// <param name="message">As it would be delivered.</param>
    /// <param name="batch">The publisher's batch.</param>
    public virtual string? Refusal(Subscription subscription, in Message message, FlushBatch batch) => null;

    /// <summary>
    /// It is about to get a request of another cluster: what it answers within a moment is to go straight back to where
    /// the request came from, since word of the requestor's interest may still be on its way. From any loop.
    /// </summary>
    /// <param name="reply">The reply subject it is shown.</param>
    /// <param name="routed">The subject that leads back.</param>
    public virtual void ExpectAnswer(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> routed)
    {
        // Who publishes nothing answers nothing.
    }

    /// <summary>
    /// Appends a message to the subscriber's outbound buffer. Runs on the publisher's loop; must not block and
    /// must not throw for anything the message contains.
    /// </summary>
    /// <returns>False when the subscription takes no more messages.</returns>
    public abstract bool Deliver(Subscription subscription, in Message message, FlushBatch batch);
}
