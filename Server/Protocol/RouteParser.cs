namespace NatsAspire.Server.Protocol;

/// <summary>
/// The grammar between servers, of a cluster and of several (reference/clusterwire.md §2.7, §2.8):
/// <code>
/// CONNECT {json}   INFO {json}   PING   PONG   +OK   -ERR text
/// RS+ [account] subject [queue weight]             RS- [account] subject [queue]
/// LS+ origin [account] subject [queue weight]      LS- [origin] [account] subject [queue]
/// A+ account       A- account                      (gateways only)
/// RMSG [account] subject [reply | + reply queues | "|" queues] size            CRLF payload CRLF
/// HMSG [account] subject [reply | + reply queues | "|" queues] headers total   CRLF headers payload CRLF
/// LMSG origin [account] subject […] headers total                              CRLF headers payload CRLF
/// </code>
/// On a leaf node connection, which is one account's:
/// <code>
/// LS+ subject [queue weight]                       LS- subject [queue]
/// LMSG subject [reply | + reply queues | "|" queues] size            CRLF payload CRLF
/// HMSG subject [reply | + reply queues | "|" queues] headers total   CRLF headers payload CRLF
/// </code>
/// </summary>
public static class RouteParser
{
    private const int Connect = 1, Info = 2, Ping = 3, Pong = 4, Ok = 5, Err = 6;
    private const int RMsg = 7, HMsg = 8, LMsg = 9, RSub = 10, RUnsub = 11, LSub = 12, LUnsub = 13, AccountSub = 14, AccountUnsub = 15;

    private static readonly OperationName[] Names =
    [
        new("rmsg"u8.ToArray(), true, RMsg), new("hmsg"u8.ToArray(), true, HMsg), new("lmsg"u8.ToArray(), true, LMsg),
        new("rs+"u8.ToArray(), true, RSub), new("rs-"u8.ToArray(), true, RUnsub), new("ls+"u8.ToArray(), true, LSub),
        new("ls-"u8.ToArray(), true, LUnsub), new("a+"u8.ToArray(), true, AccountSub), new("a-"u8.ToArray(), true, AccountUnsub),
        new("ping"u8.ToArray(), false, Ping), new("pong"u8.ToArray(), false, Pong),
        new("info"u8.ToArray(), false, Info), new("connect"u8.ToArray(), false, Connect),
        new("+ok"u8.ToArray(), false, Ok), new("-err"u8.ToArray(), true, Err),
    ];

    private static readonly OperationName[] LeafNames = [.. Names.Where(name => name.Code is not (RMsg or RSub or RUnsub or AccountSub or AccountUnsub))];

    /// <summary>Parses as many whole items as there are; see <see cref="ClientParser.Parse"/>.</summary>
    /// <param name="protocol">Does what they ask.</param>
    /// <param name="data">What has come.</param>
    /// <param name="pendingItem">Bytes of the item that is not whole yet; 0: not known.</param>
    /// <param name="isLeaf">It is a leaf node connection.</param>
    public static int Parse<TProtocol>(ref TProtocol protocol, ReadOnlySpan<byte> data, out int pendingItem, bool isLeaf = false)
        where TProtocol : struct, IRouteProtocol, allows ref struct
    {
        var position = 0;
        pendingItem = 0;
        while (position < data.Length)
        {
            var rest = data[position..];
            if (protocol.AwaitsConnect && rest[0] is not ((byte)'C' or (byte)'c'))
            {
                protocol.OnOperationBeforeConnect();
                return data.Length;
            }
            var used = ParseOne(ref protocol, rest, isLeaf, out pendingItem);
            if (used == 0) break;
            if (used < 0) return data.Length;
            position += used;
            if (protocol.EndsHere) break;
        }
        return position;
    }

    private static int ParseOne<TProtocol>(ref TProtocol protocol, ReadOnlySpan<byte> rest, bool isLeaf, out int pendingItem)
        where TProtocol : struct, IRouteProtocol, allows ref struct
    {
        pendingItem = 0;
        switch (OperationName.Find(isLeaf ? LeafNames : Names, rest, out var operation))
        {
            case NameMatch.No:
                return Fail(ref protocol, ProtocolFault.UnknownOperation, rest);
            case NameMatch.Partial:
                return 0;
        }
        var end = rest.IndexOf((byte)'\n');
        // The same measure for a line with and without its end, so that how it is split makes no difference.
        if ((end < 0 ? rest.Length : end) - operation.Name.Length > protocol.MaxControlLine + ControlLine.BlankAndReturn)
        {
            return Fail(ref protocol, ProtocolFault.ControlLineTooLong, rest);
        }
        if (end < 0) return 0;
        var arguments = ControlLine.Trim(rest[operation.Name.Length..end]);
        if (operation.Code is RMsg or HMsg or LMsg)
        {
            // A leaf node's LMSG is what RMSG is to others.
            return ParseMessage(ref protocol, isLeaf && operation.Code == LMsg ? RMsg : operation.Code, arguments, rest, end + 1, out pendingItem);
        }
        return Dispatch(ref protocol, operation.Code, arguments) ? end + 1 : -1;
    }

    private static bool Dispatch<TProtocol>(ref TProtocol protocol, int operation, ReadOnlySpan<byte> arguments)
        where TProtocol : struct, IRouteProtocol, allows ref struct => operation switch
        {
            RSub => protocol.OnRemoteSubscribe(origin: false, arguments),
            RUnsub => protocol.OnRemoteUnsubscribe(origin: false, arguments),
            LSub => protocol.OnRemoteSubscribe(origin: true, arguments),
            LUnsub => protocol.OnRemoteUnsubscribe(origin: true, arguments),
            Connect => protocol.OnConnect(arguments),
            Info => protocol.OnInfo(arguments),
            Ping => protocol.OnPing(),
            Pong => protocol.OnPong(),
            Err => protocol.OnRemoteError(arguments),
            AccountSub => protocol.OnAccountInterest(isWanted: true, arguments),
            AccountUnsub => protocol.OnAccountInterest(isWanted: false, arguments),
            // +OK says nothing.
            _ => true,
        };

    private static int ParseMessage<TProtocol>(
        ref TProtocol protocol, int operation, ReadOnlySpan<byte> line, ReadOnlySpan<byte> rest, int bodyStart, out int pendingItem)
        where TProtocol : struct, IRouteProtocol, allows ref struct
    {
        pendingItem = 0;
        if (!TryReadArguments(operation, line, protocol.OmitsAccount, out var arguments)) return Fail(ref protocol, ProtocolFault.BadArguments, line);
        if (arguments.TotalSize > protocol.MaxMessageSize) return Fail(ref protocol, ProtocolFault.MessageTooLarge, line);
        var total = (long)bodyStart + arguments.TotalSize + 2;
        if (rest.Length < total)
        {
            pendingItem = (int)Math.Min(total, int.MaxValue);
            return 0;
        }
        var body = rest.Slice(bodyStart, arguments.TotalSize + 2);
        if (body[^2] != '\r' || body[^1] != '\n') return Fail(ref protocol, ProtocolFault.UnknownOperation, line);
        return protocol.OnRoutedMessage(arguments, body) ? (int)total : -1;
    }

    private static bool TryReadArguments(
        int operation, ReadOnlySpan<byte> line, bool omitsAccount, out RoutedArguments arguments)
    {
        var headerSize = 0;
        var ok = ControlLine.TryTakeSize(ref line, out var total);
        if (operation != RMsg) ok &= ControlLine.TryTakeSize(ref line, out headerSize) && headerSize <= total;
        var origin = operation == LMsg ? ControlLine.TakeToken(ref line) : default;
        var account = omitsAccount ? default : ControlLine.TakeToken(ref line);
        var subject = ControlLine.TakeToken(ref line);
        var next = ControlLine.TakeToken(ref line);
        ReadOnlySpan<byte> reply = default, queues = default;
        if (next is [(byte)'+'])
        {
            reply = ControlLine.TakeToken(ref line);
            queues = line;
            ok &= !reply.IsEmpty;
        }
        else if (next is [(byte)'|'])
        {
            queues = line;
        }
        else
        {
            reply = next;
            ok &= ControlLine.TakeToken(ref line).IsEmpty;
        }
        arguments = new RoutedArguments
        {
            Origin = origin,
            Account = account,
            Subject = subject,
            Reply = reply,
            Queues = queues,
            HeaderSize = headerSize,
            TotalSize = total,
        };
        return ok && !subject.IsEmpty && (omitsAccount || !account.IsEmpty) && (operation != LMsg || !origin.IsEmpty);
    }

    private static int Fail<TProtocol>(ref TProtocol protocol, ProtocolFault fault, ReadOnlySpan<byte> line)
        where TProtocol : struct, IRouteProtocol, allows ref struct
    {
        protocol.OnFault(fault, line);
        return -1;
    }
}
