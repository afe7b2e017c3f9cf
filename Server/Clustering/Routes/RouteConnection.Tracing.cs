using System.Buffers;
using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.Tracing;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>Messages with headers: spans of this server, and its part of a trace that a message's headers ask for.</summary>
public sealed partial class RouteConnection
{
    /// <summary>A server of this protocol or a later one goes on with a trace.</summary>
    private const int TracingProtocol = 3;

    private void RouteWithHeaders(AccountMatches matches, in Message message, ReadOnlySpan<byte> queues)
    {
        using var span = MessageSpans.AreWanted ? MessageSpans.Start(message, matches.Account.Name, _host.ServerName, "route") : null;
        if (TraceHeaders.MayAsk(message.Header, matches.Account)) RouteAsAsked(matches, message, queues);
        else Route(matches, message, queues);
    }

    private void RouteAsAsked(AccountMatches matches, in Message message, ReadOnlySpan<byte> queues)
    {
        var request = TraceRequest.Read(message.Header, matches.Account, isOrigin: false);
        if (request.Problem is not null) RouteLog.Error(Log, _label, request.Problem);
        switch (request.Verdict)
        {
            case TraceVerdict.Untraced:
                Route(matches, message, queues);
                break;
            case TraceVerdict.Disabled:
                Route(matches, TraceHeaders.Disable(message, new ArrayBufferWriter<byte>(message.BodyAndCrlf.Length + 64)), queues);
                break;
            case TraceVerdict.Traced when MayTraceTo(matches.Account, request.Destination):
                var trace = new MessageTrace(request, matches.Account, _subscriber, message.Subject, message.Size);
                Route(matches, message.WithTrace(trace), queues);
                trace.Finish(Loop.Batch);
                break;
        }
    }

    private bool MayTraceTo(Account account, ReadOnlySpan<byte> destination)
    {
        if (!ReservedSubjects.IsForServers(destination, account, _host.Accounts.System) && _permissions.MayImport(destination)) return true;
        RouteLog.Error(Log, _label, $"Publish Violation - Subject \"{Encoding.UTF8.GetString(destination)}\"");
        return false;
    }
}
