using System.Buffers;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.Tracing;
using NatsAspire.Server.JetStream.Runtime.Consumers;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>A stream as a subscriber of its subjects.</summary>
internal sealed class StreamCapture(StreamHost stream) : ServiceSubscriber
{
    private readonly SubjectFollower _follower = new();

    public override string Name => stream.Configuration.Name;

    public override bool TakesRoutedMessages => true;

    public override bool TakesImports => true;

    /// <summary>Listens on these subjects and on no others. Not from two threads at a time.</summary>
    public void Follow(IEnumerable<string> subjects) => _follower.Follow(stream.Account, this, subjects);

    public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch)
    {
        if (subscription.IsClosed) return false;
        stream.Ingest(message.Trace is null ? message : Traced(message), batch);
        return true;
    }

    /// <summary>The message with what the stream is to say of it. Who reads it from the stream is not traced again.</summary>
    private Message Traced(in Message message)
    {
        var trace = MessageTrace.Of(message)!;
        var kept = trace.IsOnly ? message : TraceHeaders.Disable(message, new ArrayBufferWriter<byte>(message.BodyAndCrlf.Length + 64));
        return kept.WithTrace(new StreamTrace(trace, trace.Await(stream.Configuration.Name)));
    }
}
