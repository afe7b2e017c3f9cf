using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Replication;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// What a stream's leader wants done, in this order. Nobody outside hears of anything before what was proposed ahead of
/// it is durable. Spans live until the call returns.
/// </summary>
public interface IStreamEffects
{
    /// <summary>
    /// Appends a message to the stream's log. A stream alone has applied it when this returns. Messages of a batch are
    /// appended one after the other, with nothing in between.
    /// </summary>
    void Propose(in StreamMessageEntry entry);

    /// <summary>Appends any other entry (<see cref="EntryOperation"/> and body), the same way.</summary>
    void Propose(ReadOnlySpan<byte> entry);

    /// <summary>Publishes an answer or a copy in the stream's account.</summary>
    /// <param name="subject">A literal subject; empty: nobody asked, nothing is sent.</param>
    /// <param name="headers">A whole header block; empty: none.</param>
    /// <param name="payload">The payload.</param>
    void Publish(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload);

    /// <summary>Publishes an advisory in the stream's account.</summary>
    /// <param name="subject">Of <see cref="AdvisorySubjects"/>, with the stream's name.</param>
    /// <param name="create">Makes it; it gets its id and time as it goes out.</param>
    void Advise(string subject, Func<JetStreamAdvisory> create);
}
