using System.Buffers;
using System.Text;
using NatsAspire.Server.Accounts.Imports;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.Tracing;

/// <summary>Delivery of messages that carry a trace: what <see cref="MessageRouter"/> does with others, written down.</summary>
internal static class TracedDelivery
{
    /// <summary>To each of these.</summary>
    /// <param name="subscriptions">Plain subscriptions.</param>
    /// <param name="message">A message with a trace.</param>
    /// <param name="silent">The publisher, when it does not want its own messages; null: nobody is left out.</param>
    /// <param name="batch">The publisher's batch.</param>
    /// <returns>True when somebody got it, or would have.</returns>
    public static bool ToAll(Subscription[] subscriptions, in Message message, Subscriber? silent, FlushBatch batch)
    {
        var delivered = false;
        foreach (var subscription in subscriptions) delivered |= To(subscription, message, silent, batch);
        return delivered;
    }

    /// <summary>To one subscription of a client.</summary>
    public static bool To(Subscription subscription, in Message message, Subscriber? silent, FlushBatch batch)
    {
        var trace = MessageTrace.Of(message)!;
        if (silent is not null && ReferenceEquals(subscription.Subscriber, silent))
        {
            trace.AddEgress(subscription, TraceErrors.NoEcho);
            return false;
        }
        return subscription.Subscriber is IShadow shadow
            ? ToImporter(trace, subscription, shadow, message, batch)
            : Hand(trace, subscription, subscription, message, batch);
    }

    /// <summary>To another server, which is told its place on the message's way.</summary>
    public static bool ToLink(LinkSubscriber link, Account account, in Message message, List<byte[]> queues, FlushBatch batch)
    {
        var trace = MessageTrace.Of(message)!;
        var hop = trace.NextHop();
        if (trace.IsOnly && !link.SupportsTracing)
        {
            // It would deliver what nobody is to get.
            trace.AddEgress(link, hop, TraceErrors.OnlyUnsupported);
            return false;
        }
        var returns = trace.HasCrossed && link.SupportsTracing;
        // Before it goes: its event may be back at once, on another thread.
        if (returns) trace.Returns.Expect(hop);
        var buffer = new ArrayBufferWriter<byte>(message.BodyAndCrlf.Length + 64);
        var sent = link.DeliverToLink(account, TraceHeaders.Set(message, "Nats-Trace-Hop"u8, Encoding.ASCII.GetBytes(hop), buffer), queues, batch);
        if (returns && !sent) trace.Returns.Forget(hop);
        trace.AddEgress(link, hop, !sent ? TraceErrors.ClientClosed : link.SupportsTracing ? null : TraceErrors.Unsupported);
        return sent;
    }

    /// <summary>To a subscription in another account, which imports the stream.</summary>
    private static bool ToImporter(MessageTrace trace, Subscription subscription, IShadow shadow, in Message message, FlushBatch batch)
    {
        if (message.IsImported) return false;
        var local = shadow.Localize(message);
        trace.AddStreamExport(shadow.Importer.Name, local.Subject);
        if (shadow.AllowsTrace) return Hand(trace, subscription, shadow.Original, local, batch);
        return trace.IsOnly || shadow.Original.Subscriber.Deliver(shadow.Original, local.WithTrace(null), batch);
    }

    private static bool Hand(MessageTrace trace, Subscription matched, Subscription receiving, in Message message, FlushBatch batch)
    {
        var subscriber = receiving.Subscriber;
        string? error = null;
        if (trace.IsOnly) error = subscriber.Refusal(receiving, message, batch);
        else if (!subscriber.Deliver(receiving, message, batch)) error = subscriber.Refusal(receiving, message, batch) ?? TraceErrors.ClientClosed;
        trace.AddEgress(matched, error);
        return error is null;
    }
}
