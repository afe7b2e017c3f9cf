using System.Text;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Tests.Unit.Subjects;

/// <summary>A subscriber that only has a kind.</summary>
internal sealed class TestSubscriber(SubscriberKind kind = SubscriberKind.Client) : Subscriber
{
    public override SubscriberKind Kind => kind;

    public override bool Deliver(Subscription subscription, in Message message, FlushBatch batch) => true;

    public static Subscription Subscription(string subject, string? queue = null, Subscriber? subscriber = null) =>
        new(subscriber ?? new TestSubscriber(), Encoding.UTF8.GetBytes(subject), queue is null ? null : Encoding.UTF8.GetBytes(queue));
}
