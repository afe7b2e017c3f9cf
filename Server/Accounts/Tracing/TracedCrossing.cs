using System.Buffers;
using NatsAspire.Server.Accounts.Imports;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.Tracing;

/// <summary>The step of a traced message into the account of a service, or back.</summary>
internal static class TracedCrossing
{
    /// <summary>Sends a request on into the account of the service.</summary>
    /// <param name="import">The import it goes through.</param>
    /// <param name="importer">The account it comes from.</param>
    /// <param name="from">Its subject there.</param>
    /// <param name="crossed">The message as the service gets it, with its trace.</param>
    /// <param name="crossing">The step.</param>
    /// <param name="source">Its publisher.</param>
    /// <param name="batch">The publisher's batch.</param>
    public static bool SendRequest(
        ServiceImport import, Account importer, ReadOnlySpan<byte> from, in Message crossed, Crossing crossing, Subscriber source, FlushBatch batch)
    {
        var trace = MessageTrace.Of(crossed)!;
        var exporter = import.Export.Account;
        trace.AddServiceImport(exporter.Name, from, crossed.Subject);
        var before = trace.Destination;
        // Servers further on know the message in the service's account only: their events need a way back, too.
        var route = import.AllowTrace ? exporter.Responses.OpenForTrace(import.Export, importer, before, trace.Returns) : null;
        if (route is null) return SendUntraced(trace, exporter, crossed, crossing, source, batch);
        trace.Destination = route.Subject;
        var message = TraceHeaders.Set(crossed, "Nats-Trace-Dest"u8, route.Subject, new ArrayBufferWriter<byte>(crossed.BodyAndCrlf.Length + 64));
        var delivered = crossing.Send(exporter, message, source, batch);
        trace.Destination = before;
        return delivered;
    }

    /// <summary>Sends an answer back; its trace ends at the border.</summary>
    /// <param name="requestor">The account that asked.</param>
    /// <param name="from">The answer's subject in the account of the service.</param>
    /// <param name="crossed">The answer as the requestor gets it, with its trace.</param>
    /// <param name="crossing">The step.</param>
    /// <param name="source">Who answers.</param>
    /// <param name="batch">Its batch.</param>
    public static bool SendAnswer(
        Account requestor, ReadOnlySpan<byte> from, in Message crossed, Crossing crossing, Subscriber source, FlushBatch batch)
    {
        var trace = MessageTrace.Of(crossed)!;
        trace.AddServiceImport(requestor.Name, from, crossed.Subject);
        return SendUntraced(trace, requestor, crossed, crossing, source, batch);
    }

    private static bool SendUntraced(MessageTrace trace, Account account, in Message crossed, Crossing crossing, Subscriber source, FlushBatch batch) =>
        !trace.IsOnly
        && crossing.Send(account, TraceHeaders.Disable(crossed, new ArrayBufferWriter<byte>(crossed.BodyAndCrlf.Length + 64)), source, batch);
}
