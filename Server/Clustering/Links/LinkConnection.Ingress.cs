using System.Buffers;
using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.Imports;
using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Accounts.Tracing;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clustering.Links;

/// <summary>Messages from the peer, spans of this server for them, and its part of a trace that their headers ask for.</summary>
public abstract partial class LinkConnection
{
    /// <summary>A server of this protocol or a later one goes on with a trace.</summary>
    private protected const int TracingProtocol = 3;

    private readonly Dictionary<byte[], AccountMatches> _accounts = new(ByteArrayComparer.Instance);

    /// <summary>What the link is called where messages are followed.</summary>
    private protected abstract string Kind { get; }

    /// <summary>The link as accounts see it.</summary>
    private protected abstract LinkSubscriber AsSubscriber { get; }

    /// <summary>The account of a line.</summary>
    /// <param name="name">As the line has it; empty: the line leaves it out.</param>
    /// <returns>Null: this server does not know it, and is not to.</returns>
    private protected abstract Account? FindAccount(ReadOnlySpan<byte> name);

    /// <summary>Hands a message on.</summary>
    private protected abstract void Route(AccountMatches matches, in Message message, ReadOnlySpan<byte> queues);

    /// <summary>Cluster of the leaf node that a message has come from; empty: from none.</summary>
    private protected virtual ReadOnlySpan<byte> OriginOf(scoped in RoutedArguments arguments) => arguments.Origin;

    /// <summary>Whether traces may be sent to a subject over this link.</summary>
    private protected virtual bool MayTraceTo(ReadOnlySpan<byte> subject) => true;

    private protected AccountMatches? MatchesFor(ReadOnlySpan<byte> account)
    {
        var bySpan = _accounts.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (bySpan.TryGetValue(account, out var known)) return known;
        if (FindAccount(account) is not { } found) return null;
        var fresh = new AccountMatches(found, TrafficOf(found));
        bySpan[account] = fresh;
        return fresh;
    }

    /// <summary>Takes a message of a known account in.</summary>
    private protected void Take(AccountMatches matches, in RoutedArguments arguments, ReadOnlySpan<byte> bodyAndCrlf)
    {
        CountIn(matches.Traffic, arguments.TotalSize);
        if (IsTraced) LinkLog.In(Log, Label, $"RMSG {Encoding.UTF8.GetString(arguments.Subject)} {arguments.TotalSize}");
        var message = new Message
        {
            Subject = arguments.Subject,
            Reply = arguments.Reply,
            HeaderLength = arguments.HeaderSize,
            BodyAndCrlf = bodyAndCrlf,
            Origin = OriginOf(arguments),
        };
        if (message.HeaderLength > 0) RouteWithHeaders(matches, message, arguments.Queues);
        else Route(matches, message, arguments.Queues);
    }

    /// <summary>
    /// A message as subscribers here are shown it: without the way back to another cluster, of which those who may answer
    /// are told, and with what stands behind an acknowledgement's subject.
    /// </summary>
    private protected Message Localize(Account account, MatchResult match, scoped in Message message)
    {
        if (!RoutedReply.Is(message.Reply)) return Shown(message);
        var inner = message.WithReply(RoutedReply.SubjectOf(message.Reply));
        var shown = Shown(inner);
        account.ExpectAnswers(match, shown.Reply, message.Reply[..^(inner.Reply.Length - shown.Reply.Length)]);
        return shown;
    }

    /// <summary>Another server's service asks for measurements of this request.</summary>
    private protected void NoteMeasured(Account account, in Message message)
    {
        if (RemoteLatencies.IsTracked(message.Reply)) _host.Accounts.RemoteLatencies?.OnRequest(account, message.Subject, message.Reply);
    }

    /// <summary>An answer has come back to the cluster that asked, or even to the server.</summary>
    /// <param name="matches">Its account.</param>
    /// <param name="message">On the subject that led here.</param>
    private protected void RouteReturned(AccountMatches matches, in Message message)
    {
        var onward = message.WithSubject(RoutedReply.SubjectOf(message.Subject));
        var match = matches.Cache.Lookup(onward.Subject, matches.Account.Subscriptions).Result;
        if (match.IsEmpty) return;
        MessageRouter.RouteReturned(matches.Account, match, Localize(matches.Account, match, onward), onward, AsSubscriber, Loop.Batch);
    }

    private void RouteWithHeaders(AccountMatches matches, in Message message, ReadOnlySpan<byte> queues)
    {
        using var span = MessageSpans.AreWanted ? MessageSpans.Start(message, matches.Account.Name, _host.ServerName, Kind) : null;
        if (TraceHeaders.MayAsk(message.Header, matches.Account)) RouteAsAsked(matches, message, queues);
        else Route(matches, message, queues);
    }

    private void RouteAsAsked(AccountMatches matches, in Message message, ReadOnlySpan<byte> queues)
    {
        var request = TraceRequest.Read(message.Header, matches.Account, isOrigin: false);
        if (request.Problem is not null) LinkLog.Error(Log, Label, request.Problem);
        switch (request.Verdict)
        {
            case TraceVerdict.Untraced:
                Route(matches, message, queues);
                break;
            case TraceVerdict.Disabled:
                Route(matches, TraceHeaders.Disable(message, new ArrayBufferWriter<byte>(message.BodyAndCrlf.Length + 64)), queues);
                break;
            case TraceVerdict.Traced when IsAllowedDestination(matches.Account, request.Destination):
                var trace = new MessageTrace(request, matches.Account, AsSubscriber, message.Subject, message.Size);
                Route(matches, message.WithTrace(trace), queues);
                trace.Finish(Loop.Batch);
                break;
        }
    }

    private bool IsAllowedDestination(Account account, ReadOnlySpan<byte> destination)
    {
        if (!ReservedSubjects.IsForServers(destination, account, _host.Accounts.System) && MayTraceTo(destination)) return true;
        LinkLog.Error(Log, Label, $"Publish Violation - Subject \"{Encoding.UTF8.GetString(destination)}\"");
        return false;
    }

    /// <summary>An account as this link's messages name it.</summary>
    private protected sealed class AccountMatches(Account account, AccountTraffic traffic)
    {
        public Account Account { get; } = account;

        public MatchCache Cache { get; } = new();

        public AccountTraffic Traffic { get; } = traffic;
    }
}
