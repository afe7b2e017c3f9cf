using NatsAspire.Server.Accounts;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>Takes what members of a stream's group send each other beside the group's log. What this server says itself is not for it.</summary>
/// <param name="stream">Whose.</param>
/// <param name="tag">Says what it is about.</param>
internal sealed class CatchupEar(StreamHost stream, long tag) : ServiceSubscriber
{
    public long Tag => tag;

    public override bool TakesRoutedMessages => true;

    public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch)
    {
        if (source.Kind == SubscriberKind.Internal) return false;
        stream.HearCatchup(message, tag);
        return true;
    }
}
