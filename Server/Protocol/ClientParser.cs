using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace NatsAspire.Server.Protocol;

/// <summary>
/// The client grammar (docs.nats.io/reference/reference-protocols/nats-protocol):
/// <code>
/// CONNECT {json}                       PING      PONG      +OK      -ERR text      INFO {json}
/// PUB  subject [reply] size            CRLF payload CRLF
/// HPUB subject [reply] headers total   CRLF headers payload CRLF
/// SUB  subject [queue] sid             UNSUB sid [max]
/// </code>
/// Names in any case, arguments apart by blanks and tabs, lines end with LF or CRLF. An item is handled whole
/// or not at all; what is left over is handed in again with more behind it.
/// </summary>
public static class ClientParser
{
    private const int Connect = 1, Info = 2, Ping = 3, Pong = 4, Pub = 5, HPub = 6, Sub = 7, Unsub = 8, Ok = 9, Err = 10;

    /// <summary>What a control line has beside its arguments.</summary>

    private static readonly OperationName[] Names =
    [
        new("pub"u8.ToArray(), true, Pub), new("sub"u8.ToArray(), true, Sub), new("hpub"u8.ToArray(), true, HPub),
        new("unsub"u8.ToArray(), true, Unsub), new("ping"u8.ToArray(), false, Ping),
        new("pong"u8.ToArray(), false, Pong), new("connect"u8.ToArray(), false, Connect),
        new("info"u8.ToArray(), false, Info), new("+ok"u8.ToArray(), false, Ok), new("-err"u8.ToArray(), true, Err),
    ];

    private static readonly uint PubStart = BinaryPrimitives.ReadUInt32LittleEndian("pub "u8);

    /// <summary>Makes the three letters lower-case and leaves the blank as it is.</summary>
    private const uint LetterCase = 0x00202020;


    /// <summary>Parses as many whole items as there are.</summary>
    /// <param name="protocol">What to do with them; a struct, so that calls are direct.</param>
    /// <param name="data">Everything received and not consumed.</param>
    /// <param name="pendingItem">Bytes the unfinished item at the end has in all; 0: not known.</param>
    /// <returns>Bytes consumed.</returns>
    public static int Parse<TProtocol>(ref TProtocol protocol, ReadOnlySpan<byte> data, out int pendingItem)
        where TProtocol : struct, IClientProtocol, allows ref struct
    {
        var position = 0;
        pendingItem = 0;
        while (position < data.Length)
        {
            var rest = data[position..];
            if (protocol.AwaitsConnect && rest[0] is not ((byte)'C' or (byte)'c') && !protocol.OnOperationBeforeConnect())
            {
                return data.Length;
            }
            var used = IsPub(rest)
                ? ParsePublish(ref protocol, rest, 4, headers: false, out pendingItem)
                : ParseOther(ref protocol, rest, out pendingItem);
            if (used == 0) break;
            if (used < 0) return data.Length;
            position += used;
            if (protocol.IsSuspended) break;
        }
        return position;
    }

    /// <summary>"PUB " with any case of its letters.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsPub(ReadOnlySpan<byte> rest)
    {
        if (rest.Length < 4) return false;
        return (BinaryPrimitives.ReadUInt32LittleEndian(rest) | LetterCase) == PubStart;
    }

    private static int ParseOther<TProtocol>(ref TProtocol protocol, ReadOnlySpan<byte> rest, out int pendingItem)
        where TProtocol : struct, IClientProtocol, allows ref struct
    {
        pendingItem = 0;
        switch (OperationName.Find(Names, rest, out var operation))
        {
            case NameMatch.No:
                return Fail(ref protocol, ProtocolFault.UnknownOperation, rest);
            case NameMatch.Partial:
                return 0;
        }
        if (operation.Code is Pub or HPub)
        {
            return ParsePublish(ref protocol, rest, operation.Name.Length + 1, operation.Code == HPub, out pendingItem);
        }
        var end = LineEnd(ref protocol, rest, operation.Name.Length);
        if (end <= 0) return end;
        var arguments = ControlLine.Trim(rest[operation.Name.Length..end]);
        return Dispatch(ref protocol, operation.Code, arguments) ? end + 1 : -1;
    }

    private static bool Dispatch<TProtocol>(ref TProtocol protocol, int operation, ReadOnlySpan<byte> arguments)
        where TProtocol : struct, IClientProtocol, allows ref struct => operation switch
        {
            Connect => protocol.OnConnect(arguments),
            Ping => protocol.OnPing(),
            Pong => protocol.OnPong(),
            Sub => ParseSubscribe(ref protocol, arguments),
            Unsub => ParseUnsubscribe(ref protocol, arguments),
            Err => protocol.OnClientError(arguments),
            // +OK and INFO from a client mean nothing.
            _ => true,
        };

    private static bool ParseSubscribe<TProtocol>(ref TProtocol protocol, ReadOnlySpan<byte> arguments)
        where TProtocol : struct, IClientProtocol, allows ref struct
    {
        Span<Range> token = stackalloc Range[3];
        switch (ControlLine.Split(arguments, token))
        {
            case 2:
                return protocol.OnSubscribe(arguments[token[0]], default, arguments[token[1]]);
            case 3:
                return protocol.OnSubscribe(arguments[token[0]], arguments[token[1]], arguments[token[2]]);
            default:
                protocol.OnFault(ProtocolFault.BadArguments, arguments);
                return false;
        }
    }

    private static bool ParseUnsubscribe<TProtocol>(ref TProtocol protocol, ReadOnlySpan<byte> arguments)
        where TProtocol : struct, IClientProtocol, allows ref struct
    {
        Span<Range> token = stackalloc Range[2];
        switch (ControlLine.Split(arguments, token))
        {
            case 1:
                return protocol.OnUnsubscribe(arguments[token[0]], -1);
            case 2:
                return protocol.OnUnsubscribe(arguments[token[0]], ControlLine.ParseSize(arguments[token[1]]));
            default:
                protocol.OnFault(ProtocolFault.BadArguments, arguments);
                return false;
        }
    }

    private static int ParsePublish<TProtocol>(
        ref TProtocol protocol, ReadOnlySpan<byte> rest, int nameLength, bool headers, out int pendingItem)
        where TProtocol : struct, IClientProtocol, allows ref struct
    {
        pendingItem = 0;
        var end = LineEnd(ref protocol, rest, nameLength);
        if (end <= 0) return end;
        var line = rest[nameLength..end];
        if (!TryReadArguments(line, headers, out var arguments))
        {
            return Fail(ref protocol, ProtocolFault.BadArguments, line);
        }
        var total = (long)end + 1 + arguments.TotalSize + 2;
        if (rest.Length < total)
        {
            if (!protocol.OnPublishArguments(arguments, rest[(end + 1)..])) return -1;
            var bodyEnd = rest.Length - (end + 1 + arguments.TotalSize);
            // The payload is whole and what follows it already differs from CRLF.
            if (bodyEnd == 1 && rest[^1] != '\r') return Fail(ref protocol, ProtocolFault.UnknownOperation, line);
            pendingItem = (int)Math.Min(total, int.MaxValue);
            return 0;
        }
        var body = rest.Slice(end + 1, arguments.TotalSize + 2);
        if (body[^2] != '\r' || body[^1] != '\n')
        {
            return protocol.OnPublishArguments(arguments, body)
                ? Fail(ref protocol, ProtocolFault.UnknownOperation, line)
                : -1;
        }
        return protocol.OnPublish(arguments, body) ? (int)total : -1;
    }

    /// <summary>Reads the sizes from the end, which is where they must be, and what is left from the start.</summary>
    private static bool TryReadArguments(ReadOnlySpan<byte> line, bool headers, out PublishArguments arguments)
    {
        var position = line.Length;
        if (position > 0 && line[position - 1] == '\r') position--;
        var headerSize = -1;
        var left = line[..position];
        var ok = ControlLine.TryTakeSize(ref left, out var total);
        if (headers) ok &= ControlLine.TryTakeSize(ref left, out headerSize) && headerSize <= total;
        var start = 0;
        while (start < left.Length && ControlLine.IsBlank(left[start])) start++;
        left = left[start..];
        var split = left.IndexOfAny((byte)' ', (byte)'\t');
        var subject = split < 0 ? left : left[..split];
        var reply = split < 0 ? default : left[split..];
        while (!reply.IsEmpty && ControlLine.IsBlank(reply[0])) reply = reply[1..];
        arguments = new PublishArguments { Subject = subject, Reply = reply, HeaderSize = headerSize, TotalSize = total };
        return ok && !subject.IsEmpty && (reply.IsEmpty || reply.IndexOfAny((byte)' ', (byte)'\t') < 0);
    }

    /// <summary>Index of the line's LF; 0 when it is not there yet, -1 when the line is too long without one.</summary>
    private static int LineEnd<TProtocol>(ref TProtocol protocol, ReadOnlySpan<byte> rest, int nameLength)
        where TProtocol : struct, IClientProtocol, allows ref struct
    {
        var end = rest.IndexOf((byte)'\n');
        // The same measure for a line with and without its end, so that how it is split makes no difference.
        if ((end < 0 ? rest.Length : end) - nameLength > protocol.MaxControlLine + ControlLine.BlankAndReturn)
        {
            return Fail(ref protocol, ProtocolFault.ControlLineTooLong, rest);
        }
        return Math.Max(end, 0);
    }

    private static int Fail<TProtocol>(ref TProtocol protocol, ProtocolFault fault, ReadOnlySpan<byte> line)
        where TProtocol : struct, IClientProtocol, allows ref struct
    {
        protocol.OnFault(fault, line);
        return -1;
    }
}
