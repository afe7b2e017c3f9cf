using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>
/// What a consumer's leader wants done, in this order, and what it must ask of the world. Spans live until the call
/// returns. No member may enter the leader again.
/// </summary>
public interface IConsumerEffects
{
    /// <summary>
    /// Appends an entry (<see cref="EntryOperation"/> and body, clusterwire.md §8.1) to the consumer's log. A consumer
    /// alone has applied it (<see cref="ConsumerReplica.Apply"/>) when this returns.
    /// </summary>
    void Propose(ReadOnlySpan<byte> entry);

    /// <summary>
    /// Delivers a message whose delivery has just been proposed. Where others must agree it is held back until they have
    /// (<see cref="ConsumerAgreement"/>); a consumer alone sends it at once.
    /// </summary>
    /// <param name="subject">Where to: a literal subject, or a push consumer's.</param>
    /// <param name="reply">Where the acknowledgement goes.</param>
    /// <param name="message">What; shown under its own subject.</param>
    /// <param name="headers">Instead of the message's own.</param>
    /// <param name="payload">Instead of the message's own.</param>
    void Deliver(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, in StoredMessage message, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload);

    /// <summary>Sends a status, in order with the deliveries.</summary>
    /// <param name="subject">Where to.</param>
    /// <param name="reply">What to answer to; empty: nothing.</param>
    /// <param name="headers">A whole header block.</param>
    void Status(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers);

    /// <summary>Answers, with nothing in it, when everything proposed so far is durable: an acknowledgement that was asked to be confirmed.</summary>
    void Confirm(ReadOnlySpan<byte> subject);

    /// <summary>Something that advisories and metrics are for. Cheap when nobody listens to them.</summary>
    void Report(in ConsumerEvent consumerEvent);

    /// <summary>Whether anybody listens on a subject, here or elsewhere.</summary>
    bool HasInterest(ReadOnlySpan<byte> subject);
}
