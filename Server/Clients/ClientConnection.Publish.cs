using System.Buffers;
using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.Imports;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clients;

/// <summary>PUB and HPUB: checks, match, delivery, and the answer when nobody listens.</summary>
public sealed partial class ClientConnection
{
    private const byte Unknown = 0, Allowed = 1, Refused = 2;

    /// <summary>Tokens of an acknowledgement's subject that decide who gets it: <c>$JS.ACK.stream.consumer.deliveries</c>.</summary>
    private const int AckTokens = 5;

    private readonly MatchCache _matches = new();
    private FamilyMatchCache? _acks;
    private ArrayBufferWriter<byte>? _mapped;
    private ReplyPermissions? _replies;
    private bool _checksPublish;

    /// <param name="arguments">What a message begins with.</param>
    /// <param name="received">What has come behind it.</param>
    private bool CheckPublish(in PublishArguments arguments, ReadOnlySpan<byte> received)
    {
        if (arguments.HasHeaders && !_headers)
        {
            ClientLog.Error(Log, _label, "message headers not supported");
            Close(CloseReason.MsgHeaderViolation);
            return false;
        }
        if (arguments.TotalSize <= _maxPayload) return true;
        if (arguments.HeaderSize > 0) TraceOversized(arguments, received);
        ClientLog.Error(Log, _label, $"maximum payload exceeded: {arguments.TotalSize} vs {_maxPayload}");
        SendError("Maximum Payload Violation");
        Close(CloseReason.MaxPayloadExceeded);
        return false;
    }

    private bool ProcessPublish(in PublishArguments arguments, ReadOnlySpan<byte> bodyAndCrlf)
    {
        if (arguments.TotalSize > _maxPayload || (arguments.HasHeaders && !_headers)) return CheckPublish(arguments, bodyAndCrlf);
        _active = true;
        _in = _in with { InMessages = _in.InMessages + 1, InBytes = _in.InBytes + arguments.TotalSize };
        var account = Account;
        if (account is null) return true;
        if ((_trace || _pedantic) && !InspectPublish(arguments, bodyAndCrlf)) return true;
        var message = new Message
        {
            Subject = arguments.Subject,
            Reply = arguments.Reply,
            HeaderLength = Math.Max(0, arguments.HeaderSize),
            BodyAndCrlf = bodyAndCrlf,
        };
        if (message.HeaderLength > 0) RouteWithHeaders(account, message);
        else RouteMapped(account, message);
        return true;
    }

    private void RouteMapped(Account account, in Message message)
    {
        if (account.Mappings is { } mappings) RouteMapped(account, mappings, message);
        else Route(account, message);
    }

    private void RouteMapped(Account account, SubjectMappings mappings, in Message message)
    {
        var mapped = _mapped ??= new ArrayBufferWriter<byte>(256);
        mapped.ResetWrittenCount();
        if (!mappings.TryMap(message.Subject, Random.Shared, mapped, out var dropped)) Route(account, message);
        else if (!dropped) RouteTo(account, mapped.WrittenSpan, message);
    }

    private void Route(Account account, in Message message)
    {
        // Each acknowledgement has a subject of its own: looked up one by one they would drive all else out of the trie's cache.
        if (!_checksPublish && message.Subject.StartsWith("$JS.ACK."u8) && (_acks ??= new FamilyMatchCache(AckTokens)).Match(message.Subject, account.Subscriptions) is { } acks)
        {
            RouteMatched(account, message, acks);
            return;
        }
        ref var slot = ref _matches.Lookup(message.Subject, account.Subscriptions);
        if (slot.PublishVerdict != Allowed && !MayPublish(ref slot, message)) return;
        RouteMatched(account, message, slot.Result);
    }

    private void RouteMatched(Account account, in Message message, MatchResult match)
    {
        if (!message.Reply.IsEmpty && ReservedSubjects.IsReply(message.Reply))
        {
            RefusePublish(message, $"Permissions Violation for Publish with Reply of \"{Text(message.Reply)}\"");
            ClientLog.Error(Log, _label, $"Publish Violation - Reply \"{Text(message.Reply)}\"");
            return;
        }
        if (_verbose) SendOk();
        if (_answers is { IsEmpty: false } && TrySendBack(account, message)) return;
        var delivered = !match.IsEmpty
            && MessageRouter.RouteLocal(account, match, message, _subscriber, _echo, Loop.Batch);
        if (!delivered && _noResponders && !message.Reply.IsEmpty) AnswerNoResponders(account, message);
    }

    private bool MayPublish(ref MatchCache.Slot slot, in Message message)
    {
        if (slot.PublishVerdict == Unknown)
        {
            var allowed = !ReservedSubjects.IsForServers(message.Subject, Account, _hub.Accounts.System)
                && (!_checksPublish || Permissions!.MayPublish(message.Subject));
            slot.PublishVerdict = allowed ? Allowed : Refused;
            // Such a subject is used once, so it is always new here.
            if (RemoteLatencies.IsTracked(message.Subject)) _hub.Accounts.RemoteLatencies?.OnAnswer(message.Subject, _subscriber, Loop.Batch);
            if (allowed) return true;
        }
        if (_replies is not null)
        {
            Loop.Batch.Hold(this);
            if (_replies.TryUse(message.Subject, Loop.NowMilliseconds)) return true;
        }
        RefusePublish(message, $"Permissions Violation for Publish to \"{Text(message.Subject)}\"");
        ClientLog.Error(Log, _label, $"Publish Violation - Subject \"{Text(message.Subject)}\"");
        return false;
    }

    /// <summary>The checks and traces most clients switch off. False: not to be delivered.</summary>
    private bool InspectPublish(in PublishArguments arguments, ReadOnlySpan<byte> bodyAndCrlf)
    {
        if (_trace) TracePublish(arguments, bodyAndCrlf);
        if (_pedantic && _connectReceived && !SubjectRules.IsValidLiteral(arguments.Subject)) SendError("Invalid Publish Subject");
        return true;
    }

    /// <summary>Tells the requestor at once that nobody listens, on its own subscription for the reply.</summary>
    private void AnswerNoResponders(Account account, in Message message)
    {
        foreach (var subscription in account.Subscriptions.Match(message.Reply).Plain)
        {
            if (!ReferenceEquals(subscription.Subscriber, _subscriber)) continue;
            var size = "NATS/1.0 503\r\nNats-Subject: \r\n\r\n".Length + message.Subject.Length;
            var line = Encoding.ASCII.GetBytes($" {size} {size}\r\n");
            Loop.Batch.Hold(this);
            Append("HMSG "u8);
            Append(message.Reply);
            Append(" "u8);
            Append(subscription.Sid);
            Append(line);
            Append("NATS/1.0 503\r\nNats-Subject: "u8);
            Append(message.Subject);
            Append("\r\n\r\n\r\n"u8);
            if (MarkTouched()) Loop.Batch.Touch(this);
            return;
        }
    }

    private bool ProcessClientError(ReadOnlySpan<byte> text)
    {
        ClientLog.Error(Log, _label, $"Client Error {Redaction.HideSecrets(text)}");
        Close(CloseReason.ParseError);
        return false;
    }

    private void ProcessFault(ProtocolFault fault, ReadOnlySpan<byte> line)
    {
        var shown = Redaction.Snippet(line);
        switch (fault)
        {
            case ProtocolFault.UnknownOperation:
                ClientLog.Error(Log, _label, $"Client parser ERROR, state=0, i=0: proto='\"{shown}\"...'");
                SendError("Unknown Protocol Operation");
                Close(CloseReason.ProtocolViolation);
                break;
            case ProtocolFault.ControlLineTooLong:
                ClientLog.Error(Log, _label, $"maximum control line exceeded ({_maxControlLine} bytes)");
                SendError("maximum control line exceeded");
                Close(CloseReason.MaxControlLineExceeded);
                break;
            default:
                ClientLog.Error(Log, _label, $"parse error: \"{shown}\"");
                Close(CloseReason.ProtocolViolation);
                break;
        }
    }
}
