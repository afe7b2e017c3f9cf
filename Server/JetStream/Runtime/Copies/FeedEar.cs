using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime.Copies;

/// <summary>Listens for what a consumer of another stream sends. Streams that an account imports reach it as they reach clients.</summary>
/// <param name="feed">Whose.</param>
/// <param name="kind">What comes.</param>
internal sealed class FeedEar(ConsumerFeed feed, FedKind kind) : Subscriber
{
    public override SubscriberKind Kind => SubscriberKind.Client;

    public override bool Deliver(Subscription subscription, in Message message, FlushBatch batch)
    {
        if (subscription.IsClosed) return false;
        feed.Hear(message, kind);
        return true;
    }
}

/// <summary>What a consumer of another stream sends.</summary>
internal enum FedKind
{
    /// <summary>The origin's answer.</summary>
    Answer = 1,

    /// <summary>Messages, and what is said beside them.</summary>
    Delivery,
}
