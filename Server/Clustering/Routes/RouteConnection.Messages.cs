using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.Imports;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>RMSG and HMSG in both directions.</summary>
public sealed partial class RouteConnection
{
    private readonly Dictionary<byte[], AccountMatches> _accounts = new(ByteArrayComparer.Instance);
    private AccountMatches? _pinnedMatches;

    private static ReadOnlySpan<byte> AckPrefix => "$JS.ACK."u8;

    private long _inMessages;
    private long _inBytes;
    private long _outMessages;
    private long _outBytes;

    public long InMessages => Volatile.Read(ref _inMessages);

    public long InBytes => Volatile.Read(ref _inBytes);

    public long OutMessages => Volatile.Read(ref _outMessages);

    public long OutBytes => Volatile.Read(ref _outBytes);

    private bool ProcessRoutedMessage(in RoutedArguments arguments, ReadOnlySpan<byte> bodyAndCrlf)
    {
        _inMessages++;
        _inBytes += arguments.TotalSize;
        if (_trace) RouteLog.In(Log, _label, $"RMSG {Encoding.UTF8.GetString(arguments.Subject)} {arguments.TotalSize}");
        var matches = MatchesFor(arguments.Account);
        matches.Traffic.InMessages++;
        matches.Traffic.InBytes += arguments.TotalSize;
        var message = new Message
        {
            Subject = arguments.Subject,
            Reply = arguments.Reply,
            HeaderLength = arguments.HeaderSize,
            BodyAndCrlf = bodyAndCrlf,
        };
        if (message.HeaderLength > 0) RouteWithHeaders(matches, message, arguments.Queues);
        else Route(matches, message, arguments.Queues);
        return true;
    }

    private void Route(AccountMatches matches, in Message message, ReadOnlySpan<byte> queues)
    {
        var match = matches.Cache.Lookup(message.Subject, matches.Account.Subscriptions).Result;
        if (match.IsEmpty) return;
        if (message.Reply.StartsWith(AckPrefix) && message.Reply.LastIndexOf((byte)'@') is > 0 and var at && at < message.Reply.Length - 1)
        {
            // Behind the acknowledgement's subject stands the one that the message shows.
            var shown = new Message { Subject = message.Reply[(at + 1)..], Reply = message.Reply[..at], HeaderLength = message.HeaderLength, BodyAndCrlf = message.BodyAndCrlf, Trace = message.Trace };
            MessageRouter.RouteFromCluster(matches.Account, match, shown, queues, _subscriber, Loop.Batch);
            return;
        }
        if (RemoteLatencies.IsTracked(message.Reply)) _host.Accounts.RemoteLatencies?.OnRequest(matches.Account, message.Subject, message.Reply);
        MessageRouter.RouteFromCluster(matches.Account, match, message, queues, _subscriber, Loop.Batch);
    }

    private AccountMatches MatchesFor(ReadOnlySpan<byte> account)
    {
        if (PinnedAccount is not null) return _pinnedMatches ??= NewMatches(AccountFor(default));
        var bySpan = _accounts.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (bySpan.TryGetValue(account, out var known)) return known;
        var fresh = NewMatches(AccountFor(account));
        bySpan[account] = fresh;
        return fresh;
    }

    private bool DeliverToLink(Account account, in Message message, List<byte[]> queues, FlushBatch batch)
    {
        batch.Hold(this);
        if (IsClosing) return false;
        var headers = message.HeaderLength > 0 && _remoteHeaders;
        var body = message.HeaderLength > 0 && !headers ? message.BodyAndCrlf[message.HeaderLength..] : message.BodyAndCrlf;
        AppendLine(account, message, queues, headers, body.Length - 2);
        Append(body);
        _outMessages++;
        _outBytes += body.Length - 2;
        CountOut(account, body.Length - 2);
        if (IsCongested && !_host.Options.Limits.NoFastProducerStall) batch.ProducerShouldStall = true;
        if (!CheckPending())
        {
            _manager.CountSlowConsumer();
            RouteLog.SlowConsumer(Log, _label, "Detected", $"MaxPending of {MaxPendingBytes} Exceeded");
            Close(CloseReason.SlowConsumerPendingBytes);
            return false;
        }
        if (MarkTouched())
        {
            _lastOutMilliseconds = batch.NowMilliseconds;
            batch.Touch(this);
        }
        return true;
    }

    private void AppendLine(Account account, in Message message, List<byte[]> queues, bool headers, int size)
    {
        Append(headers ? "HMSG "u8 : "RMSG "u8);
        if (PinnedAccount is null)
        {
            Append(account.NameBytes);
            Append(" "u8);
        }
        Append(message.Address.IsEmpty ? message.Subject : message.Address);
        if (queues.Count > 0)
        {
            Append(message.Reply.IsEmpty ? " |"u8 : " + "u8);
            AppendReply(message);
            foreach (var queue in queues)
            {
                Append(" "u8);
                Append(queue);
            }
        }
        else if (!message.Reply.IsEmpty)
        {
            Append(" "u8);
            AppendReply(message);
        }
        Span<byte> sizes = stackalloc byte[26];
        var at = 0;
        sizes[at++] = (byte)' ';
        if (headers)
        {
            message.HeaderLength.TryFormat(sizes[at..], out var digits);
            at += digits;
            sizes[at++] = (byte)' ';
        }
        size.TryFormat(sizes[at..], out var written);
        at += written;
        sizes[at++] = (byte)'\r';
        sizes[at++] = (byte)'\n';
        Append(sizes[..at]);
    }

    /// <summary>A consumer's message is sent to where its receivers listen; what it shows goes along with the acknowledgement's subject.</summary>
    private void AppendReply(in Message message)
    {
        Append(message.Reply);
        if (message.Address.IsEmpty || !message.Reply.StartsWith(AckPrefix) || message.Address.SequenceEqual(message.Subject)) return;
        Append("@"u8);
        Append(message.Subject);
    }

    private AccountMatches NewMatches(Account account) => new(account, TrafficOf(account));

    private sealed class AccountMatches(Account account, AccountTraffic traffic)
    {
        public Account Account { get; } = account;

        public MatchCache Cache { get; } = new();

        public AccountTraffic Traffic { get; } = traffic;
    }
}
