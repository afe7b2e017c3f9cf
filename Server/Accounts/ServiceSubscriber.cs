using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts;

/// <summary>
/// Something inside the server that listens on a subject of an account: a service import, the answers to it, a
/// service of the server itself. Learns where a message comes from, which subscribers of clients do not.
/// </summary>
public abstract class ServiceSubscriber : Subscriber
{
    public sealed override SubscriberKind Kind => SubscriberKind.Internal;

    /// <summary>False: messages that another server has sent over are not for it, since that server has its own.</summary>
    public virtual bool TakesRoutedMessages => false;

    /// <summary>It is for what its account imports as a stream, too.</summary>
    public virtual bool TakesImports => false;

    /// <summary>Takes a message; runs on the publisher's loop, must not block.</summary>
    /// <param name="subscription">What matched.</param>
    /// <param name="account">The account it was published in.</param>
    /// <param name="message">The message.</param>
    /// <param name="source">Its publisher.</param>
    /// <param name="batch">The publisher's batch.</param>
    /// <returns>False when there was nobody behind it after all.</returns>
    public abstract bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch);

    /// <summary>Services are served through <see cref="Take"/>.</summary>
    public sealed override bool Deliver(Subscription subscription, in Message message, FlushBatch batch) =>
        throw new InvalidOperationException("A service's subscription needs to know who publishes.");
}
