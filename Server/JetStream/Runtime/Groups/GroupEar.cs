using NatsAspire.Server.Accounts;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>Listens on one of a group's subjects. What this server says itself is not for it.</summary>
/// <param name="group">Whose.</param>
/// <param name="tag">Says which subject.</param>
internal sealed class GroupEar(GroupHost group, long tag) : ServiceSubscriber
{
    public override bool TakesRoutedMessages => true;

    public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch)
    {
        if (source.Kind == SubscriberKind.Internal) return false;
        group.Hear(message, tag);
        return true;
    }
}
