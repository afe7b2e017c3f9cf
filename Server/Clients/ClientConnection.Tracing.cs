using System.Buffers;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.Tracing;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clients;

/// <summary>Messages with headers: spans of this server, and traces of the message's way that its headers ask for (ADR-41).</summary>
public sealed partial class ClientConnection
{
    private void RouteWithHeaders(Account account, in Message message)
    {
        using var span = MessageSpans.AreWanted ? MessageSpans.Start(message, account.Name, _hub.Info.ServerName, "client") : null;
        if (TraceHeaders.MayAsk(message.Header, account)) RouteAsAsked(account, message);
        else RouteMapped(account, message);
    }

    private void RouteAsAsked(Account account, in Message message)
    {
        var request = ReadTraceRequest(account, message.Header);
        switch (request.Verdict)
        {
            case TraceVerdict.Untraced:
                RouteMapped(account, message);
                break;
            case TraceVerdict.Disabled:
                RouteMapped(account, TraceHeaders.Disable(message, new ArrayBufferWriter<byte>(message.BodyAndCrlf.Length + 64)));
                break;
            case TraceVerdict.Traced when MayTraceTo(account, request.Destination):
                var trace = new MessageTrace(request, account, _subscriber, message.Subject, message.Size);
                RouteMapped(account, message.WithTrace(trace));
                trace.Finish(Loop.Batch);
                break;
        }
    }

    private TraceRequest ReadTraceRequest(Account account, ReadOnlySpan<byte> header)
    {
        var request = TraceRequest.Read(header, account, isOrigin: true);
        if (request.Problem is not null) ClientLog.Error(Log, _label, request.Problem);
        return request;
    }

    /// <summary>Whether it may publish where the events are to go; if not, it is told, and its message goes nowhere.</summary>
    private bool MayTraceTo(Account account, ReadOnlySpan<byte> destination)
    {
        if (!ReservedSubjects.IsForServers(destination, account, _hub.Accounts.System)
            && (!_checksPublish || Permissions!.MayPublish(destination))) return true;
        SendError($"Permissions Violation for Publish to \"{Text(destination)}\"");
        ClientLog.Error(Log, _label, $"Publish Violation - Subject \"{Text(destination)}\"");
        return false;
    }

    /// <summary>A mapping has given the message another subject.</summary>
    private void RouteTo(Account account, ReadOnlySpan<byte> subject, in Message message)
    {
        MessageTrace.Of(message)?.AddMapping(subject);
        Route(account, message.WithSubject(subject));
    }

    /// <summary>Tells the publisher, and whoever traces the message, that it goes nowhere.</summary>
    private void RefusePublish(in Message message, string error)
    {
        MessageTrace.Of(message)?.Refuse(error);
        SendError(error);
    }

    /// <summary>A message too large to be read: its trace, if it asks for one, tells so.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="received">What has come of its headers and payload.</param>
    private void TraceOversized(in PublishArguments arguments, ReadOnlySpan<byte> received)
    {
        if (Account is not { } account) return;
        var header = received[..Math.Min(received.Length, Math.Max(0, arguments.HeaderSize))];
        if (!TraceHeaders.MayAsk(header, account)) return;
        var request = ReadTraceRequest(account, header);
        if (request.Verdict != TraceVerdict.Traced || !MayTraceTo(account, request.Destination)) return;
        var trace = new MessageTrace(request, account, _subscriber, arguments.Subject, arguments.TotalSize);
        trace.Refuse("maximum payload exceeded");
        trace.Finish(Loop.Batch);
    }

    /// <summary>Why <see cref="Deliver"/> would not, or did not, deliver; null: it would.</summary>
    private string? Refusal(Subscription subscription, in Message message, FlushBatch batch)
    {
        batch.Hold(this);
        if (_checksDelivery && Permissions!.DeniesDelivery(message.Subject, subscription.Queue)) return TraceErrors.SubscriptionDenied;
        if (subscription.IsClosed) return TraceErrors.SubscriptionClosed;
        if (subscription.MaxMessages > 0 && subscription.Delivered > subscription.MaxMessages) return TraceErrors.AutoUnsubscribeExceeded;
        if (IsClosing) return TraceErrors.ClientClosed;
        return IsCongested && _hub.Options.Limits.NoFastProducerStall ? TraceErrors.ProducerNotStalled : null;
    }
}
