using System.Buffers;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Accounts.Tracing;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>LMSG and HMSG in both directions.</summary>
public sealed partial class LeafConnection
{
    /// <summary>Bytes that servers may add to headers: who asked, and over which hops.</summary>
    private const int HeadersOnTheWay = 4096;

    private AccountMatches? _matches;
    private ReplyPermissions? _replies;
    private ArrayBufferWriter<byte>? _mapped;

    private static ReadOnlySpan<byte> InfoHeader => "Nats-Request-Info"u8;

    private protected override string Kind => "leafnode";

    private protected override bool TellsOfLimits => HasJoined;

    private protected override LinkSubscriber AsSubscriber => _subscriber;

    private protected override Account? FindAccount(ReadOnlySpan<byte> name) => Account;

    private protected override ReadOnlySpan<byte> OriginOf(scoped in RoutedArguments arguments) => _cluster;

    private protected override bool MayTraceTo(ReadOnlySpan<byte> subject) => MayReceive(subject);

    /// <summary>
    /// What a leaf sends may be as large as what a client does, and as much larger as headers become on its way. Between servers of one JetStream,
    /// which speak in the system account, one message may carry what several clients have sent.
    /// </summary>
    private int MaxMessageSize
    {
        get
        {
            if (!HasJoined) return 0;
            var limit = _host.Options.Limits.MaxPayload;
            return limit < 0 || Account is { IsSystem: true } ? MaxRoutedMessage : (int)Math.Min(limit + (long)HeadersOnTheWay, MaxRoutedMessage);
        }
    }

    private bool ProcessMessage(in RoutedArguments arguments, ReadOnlySpan<byte> bodyAndCrlf)
    {
        if (arguments.HeaderSize == 0 && _host.Options.Limits.MaxPayload is >= 0 and var limit && arguments.TotalSize > limit && Account is not { IsSystem: true })
        {
            LogError($"maximum payload exceeded: {arguments.TotalSize} vs {limit}");
            Fail("Maximum Payload Violation", Connections.CloseReason.MaxPayloadExceeded);
            return false;
        }
        var matches = _matches ??= MatchesFor(default)!;
        if (_permissions.Any && !MayReceive(arguments.Subject)) return IsSpoke || Violate("Publish", arguments.Subject);
        Take(matches, arguments, bodyAndCrlf);
        return true;
    }

    private bool MayReceive(ReadOnlySpan<byte> subject)
    {
        if (_permissions.MayReceive(RoutedReply.Strip(subject), IsSpoke)) return true;
        // They lead back to who asked, and were made by servers.
        if (subject.StartsWith("_R_."u8) || subject.StartsWith("$JS.ACK."u8) || (IsSpoke && IsUnchecked(subject))) return true;
        if (_replies is null) return false;
        Loop.Batch.Hold(this);
        return _replies.TryUse(subject, Loop.NowMilliseconds);
    }

    private protected override void Route(AccountMatches matches, in Message message, ReadOnlySpan<byte> queues)
    {
        if (RoutedReply.Is(message.Subject) && _host.Accounts.Outer is { } outer)
        {
            if (outer.LeadsHere(message.Subject)) RouteReturned(matches, message);
            else outer.SendBack(matches.Account, message, Loop.Batch);
            return;
        }
        var mapped = _mapped ??= new ArrayBufferWriter<byte>(256);
        mapped.ResetWrittenCount();
        if (matches.Account.Mappings is not { } mappings || !mappings.TryMap(message.Subject, Random.Shared, mapped, out var dropped))
        {
            RouteTo(matches, message, queues);
            return;
        }
        if (dropped) return;
        MessageTrace.Of(message)?.AddMapping(mapped.WrittenSpan);
        RouteMapped(matches, message.WithSubject(mapped.WrittenSpan), queues);
    }

    private void RouteTo(AccountMatches matches, in Message message, ReadOnlySpan<byte> queues)
    {
        var match = matches.Cache.Lookup(message.Subject, matches.Account.Subscriptions).Result;
        if (match.IsEmpty) return;
        var local = Localize(matches.Account, match, message);
        NoteMeasured(matches.Account, local);
        MessageRouter.RouteFromLeaf(matches.Account, match, local, queues, _subscriber, Loop.Batch);
    }

    private void RouteMapped(AccountMatches matches, in Message message, ReadOnlySpan<byte> queues)
    {
        var match = matches.Account.Subscriptions.Match(message.Subject);
        if (match.IsEmpty) return;
        var local = Localize(matches.Account, match, message);
        // Interest in the mapping's subject brought it, which knows nothing of the queues behind it.
        if (queues.IsEmpty) MessageRouter.RouteLocal(matches.Account, match, local, _subscriber, true, Loop.Batch);
        else MessageRouter.RouteFromLeaf(matches.Account, match, local, queues, _subscriber, Loop.Batch);
    }

    private protected override bool AppendOperation(in Message message, bool headers)
    {
        Append(headers ? "HMSG "u8 : "LMSG "u8);
        if (_replies is not null && !message.Reply.IsEmpty) _replies.Grant(message.Reply, Loop.NowMilliseconds);
        return headers;
    }

    private bool Deliver(Account account, in Message message, List<byte[]> queues, FlushBatch batch)
    {
        if (_permissions.Any && !MaySend(message)) return false;
        if (_permissions.HasQueueRules && queues.Count > 0) queues = _permissions.WithoutKept(queues, message.Subject);
        var asksFor = !message.Reply.IsEmpty && message.HeaderLength > 0 && RemoteAccount.Length > 0 && RemoteAccount != Account!.Name;
        return asksFor && HeaderBlock.TryGet(message.Header, InfoHeader, out var json)
            ? Send(account, Readdress(message, json), default, queues, batch)
            : Send(account, message, default, queues, batch);
    }

    private bool MaySend(in Message message)
    {
        var subject = message.Address.IsEmpty ? message.Subject : message.Address;
        return IsUnchecked(subject) || subject.StartsWith("_R_."u8) || _permissions.MaySend(subject);
    }

    /// <summary>Who asks is known at the other end by the name its account has there.</summary>
    private Message Readdress(scoped in Message message, ReadOnlySpan<byte> json)
    {
        ClientInfo? requestor;
        try
        {
            requestor = JsonSerializer.Deserialize(json, ProtocolJson.Default.ClientInfo);
        }
        catch (JsonException)
        {
            // Not made by a server: it stays as it is.
            return message;
        }
        if (requestor?.Account is null) return message;
        var renamed = JsonSerializer.SerializeToUtf8Bytes(requestor with { Account = RemoteAccount }, ProtocolJson.Default.ClientInfo);
        var body = new ArrayBufferWriter<byte>(message.BodyAndCrlf.Length + 64);
        var length = HeaderBlock.Set(message.BodyAndCrlf, message.HeaderLength, InfoHeader, renamed, body);
        return message.WithBody(length, body.WrittenSpan);
    }
}
