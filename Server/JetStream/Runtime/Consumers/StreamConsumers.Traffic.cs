using System.Collections.Concurrent;
using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Delivery;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>What clients tell consumers, and what consumers send them.</summary>
internal sealed partial class StreamConsumers
{
    private const int MaxQueued = 100_000;
    private const long MaxQueuedBytes = 64L << 20;

    private readonly PublishQueue _traffic = new(MaxQueued, MaxQueuedBytes);
    private readonly ConcurrentQueue<ConsumerHost> _interest = new();
    private readonly ConsumerCapture _capture;
    private byte[] _body = new byte[4096];

    /// <summary>
    /// A pull request (its subject is the consumer's name), an acknowledgement or an answer to flow control; on its
    /// publisher's loop. What is too much is dropped: clients ask again, and messages are delivered again.
    /// </summary>
    /// <param name="message">What it says.</param>
    /// <param name="batch">The loop's: when it ends, the mailbox is woken, once for all that has come with it.</param>
    public void Take(in Message message, FlushBatch batch)
    {
        // When it came does not matter: the turn that takes it has its own time.
        if (_traffic.TryAdd(message, timestamp: 0, out var isFirst) is not null && isFirst) batch.Touch(Host.TurnAtEndOfBatch);
    }

    /// <summary>From any thread.</summary>
    public void InterestMayHaveChanged(ConsumerHost consumer)
    {
        _interest.Enqueue(consumer);
        Host.Wake();
    }

    public bool HasInterest(ReadOnlySpan<byte> subject) =>
        (!Host.Matches.Match(subject, Host.Account.Subscriptions).IsEmpty && Host.Account.Responses.IsAwaited(subject))
        || Host.Account.IsAwaitedElsewhere(subject);

    /// <summary>Whether a member of a queue group listens; of other clusters it is known only that somebody does.</summary>
    public bool HasMember(ReadOnlySpan<byte> subject, string group)
    {
        var match = Host.Matches.Match(subject, Host.Account.Subscriptions);
        return match.Outer.Length > 0 || Host.Account.IsAwaitedElsewhere(subject) || match.Queues.Any(queue => queue.Name.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(group)));
    }

    /// <summary>Sends a message, or a status, in order.</summary>
    /// <param name="to">Where to.</param>
    /// <param name="subject">What it shows.</param>
    /// <param name="reply">What to answer to; empty: nothing.</param>
    /// <param name="headers">A whole block; empty: none.</param>
    /// <param name="payload">The payload.</param>
    /// <returns>Whom to wait for: he has got more than he can read for now, and so has everybody else who listens; null: nobody.</returns>
    public Subscriber? Send(ReadOnlySpan<byte> to, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        var length = headers.Length + payload.Length + 2;
        _sentBytes += length;
        if (_body.Length < length) _body = new byte[length * 2];
        headers.CopyTo(_body);
        payload.CopyTo(_body.AsSpan(headers.Length));
        "\r\n"u8.CopyTo(_body.AsSpan(length - 2));
        var message = new Message { Subject = subject, Reply = reply, HeaderLength = headers.Length, BodyAndCrlf = _body.AsSpan(0, length) };
        Host.Account.PublishInternal(to, message, Host.Matches, Host.Flush);
        if (!Host.Flush.ProducerShouldStall) return null;
        Host.Flush.ProducerShouldStall = false;
        var match = Host.Matches.Match(to, Host.Account.Subscriptions);
        // One who does not read holds up nobody else: he is closed for what waits for him.
        return match.IsPlain && Array.TrueForAll(match.Plain, static listener => listener.Subscriber.IsBehind) && match.Plain is [var reader, ..] ? reader.Subscriber : null;
    }

    /// <summary>Answers when all that was proposed is durable.</summary>
    public void Confirm(ReadOnlySpan<byte> subject)
    {
        ProposeLazy();
        Host.Outgoing.Add(subject, default, default, default);
    }

    private void TakeInterest(long now)
    {
        while (_interest.TryDequeue(out var consumer))
        {
            if (consumer.IsOver) continue;
            consumer.LookForInterest(now);
            Schedule(consumer);
        }
    }

    /// <summary>Takes what clients have told consumers since the last turn.</summary>
    public void TakeTraffic(long now)
    {
        if (_traffic.Take() is not { } block) return;
        var offset = 0;
        while (block.TryRead(ref offset, out var message))
        {
            if (Host.Fault is null && _isRunning) Dispatch(message, now);
        }
        _traffic.Return(block);
    }

    private void Dispatch(in PublishedMessage message, long now)
    {
        if (message.Subject.StartsWith(AckSubject.Root))
        {
            Acknowledge(message, now);
            return;
        }
        if (message.Subject.StartsWith("$JS.FC."u8))
        {
            AnswerFlowControl(message, now);
            return;
        }
        if (Find(message.Subject) is not { } consumer) return;
        if (consumer.Leader is null)
        {
            // It came while another took over: whoever waits for an answer would wait in vain.
            if (!message.Reply.IsEmpty) Send(message.Reply, message.Reply, default, DeliveryStatus.Of("409 Leadership Change"), default);
            return;
        }
        if (HeaderBlock.TryGet(message.Headers, ApiLevel.RequiredHeader, out var level) && !ApiLevel.Serves(level))
        {
            if (!message.Reply.IsEmpty) Send(message.Reply, message.Reply, default, DirectGetStatus.RequiredLevel, default);
            return;
        }
        consumer.Leader!.Request(message.Payload, message.Reply, now, consumer.Effects);
        Schedule(consumer);
    }

    private void Acknowledge(in PublishedMessage message, long now)
    {
        if (!AckSubject.TryParse(message.Subject, out var subject) || !subject.Stream.SequenceEqual(Host.Key) || Find(subject.Consumer) is not { Leader: not null } consumer) return;
        consumer.Leader!.Acknowledge(subject, message.Payload, message.Reply, now, consumer.Effects);
        Schedule(consumer);
    }

    /// <summary><c>$JS.FC.stream.consumer.id</c>, or version 2 of it: <c>$JS.FC.domain.account.stream.consumer.id</c>.</summary>
    private void AnswerFlowControl(in PublishedMessage message, long now)
    {
        var rest = message.Subject["$JS.FC.".Length..];
        if (rest.Count((byte)'.') > 2)
        {
            ControlTokens.Take(ref rest);
            ControlTokens.Take(ref rest);
        }
        var stream = ControlTokens.Take(ref rest);
        var name = ControlTokens.Take(ref rest);
        if (!stream.SequenceEqual(Host.Key) || Find(name) is not { Leader: not null } consumer) return;
        var last = new SequencePair(Number(message.Headers, "Nats-Last-Consumer"u8), Number(message.Headers, "Nats-Last-Stream"u8));
        consumer.Leader!.FlowControlled(message.Subject, last, now, consumer.Effects);
        Schedule(consumer);
    }

    private static ulong Number(ReadOnlySpan<byte> headers, ReadOnlySpan<byte> name) =>
        HeaderBlock.TryGet(headers, name, out var value) && ulong.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : 0;
}

/// <summary>Tokens of subjects.</summary>
internal static class ControlTokens
{
    /// <summary>Takes the first token off a subject.</summary>
    public static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> subject)
    {
        var dot = subject.IndexOf((byte)'.');
        var token = dot < 0 ? subject : subject[..dot];
        subject = dot < 0 ? default : subject[(dot + 1)..];
        return token;
    }
}
