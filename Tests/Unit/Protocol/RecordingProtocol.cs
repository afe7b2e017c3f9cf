using System.Text;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Tests.Unit.Protocol;

/// <summary>Writes down what a parser calls.</summary>
internal readonly struct RecordingProtocol(List<string> calls, int maxControlLine = 4096, int maxMessage = 1 << 20, bool pinned = false) : IClientProtocol, IRouteProtocol
{
    public int MaxControlLine => maxControlLine;

    public int MaxMessageSize => maxMessage;

    public bool OmitsAccount => pinned;

    public bool AwaitsConnect => false;

    public bool EndsHere => false;

    public bool IsSuspended => false;

    public bool OnOperationBeforeConnect() => Note("early");

    void IRouteProtocol.OnOperationBeforeConnect() => Note("early");

    public bool OnConnect(ReadOnlySpan<byte> json) => Note($"CONNECT {Text(json)}");

    public bool OnInfo(ReadOnlySpan<byte> json) => Note($"INFO {Text(json)}");

    public bool OnPing() => Note("PING");

    public bool OnPong() => Note("PONG");

    public bool OnSubscribe(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue, ReadOnlySpan<byte> sid) =>
        Note($"SUB {Text(subject)}|{Text(queue)}|{Text(sid)}");

    public bool OnUnsubscribe(ReadOnlySpan<byte> sid, int max) => Note($"UNSUB {Text(sid)}|{max}");

    public bool OnPublishArguments(in PublishArguments arguments, ReadOnlySpan<byte> received) => true;

    public bool OnPublish(in PublishArguments arguments, ReadOnlySpan<byte> bodyAndCrlf) =>
        Note($"PUB {Text(arguments.Subject)}|{Text(arguments.Reply)}|{arguments.HeaderSize}|{Text(bodyAndCrlf[..^2])}");

    public bool OnClientError(ReadOnlySpan<byte> text) => Note($"-ERR {Text(text)}");

    public bool OnRemoteError(ReadOnlySpan<byte> text) => Note($"-ERR {Text(text)}");

    public bool OnRemoteSubscribe(bool origin, ReadOnlySpan<byte> arguments) => Note($"{(origin ? "LS+" : "RS+")} {Text(arguments)}");

    public bool OnRemoteUnsubscribe(bool origin, ReadOnlySpan<byte> arguments) => Note($"{(origin ? "LS-" : "RS-")} {Text(arguments)}");

    public bool OnAccountInterest(bool isWanted, ReadOnlySpan<byte> account) => Note($"{(isWanted ? "A+" : "A-")} {Text(account)}");

    public bool OnRoutedMessage(in RoutedArguments a, ReadOnlySpan<byte> bodyAndCrlf) =>
        Note($"MSG {Text(a.Origin)}|{Text(a.Account)}|{Text(a.Subject)}|{Text(a.Reply)}|{Text(a.Queues).Trim()}|{a.HeaderSize}|{Text(bodyAndCrlf[..^2])}");

    public void OnFault(ProtocolFault fault, ReadOnlySpan<byte> line) => Note($"fault {fault}");

    private bool Note(string call)
    {
        calls.Add(call);
        return true;
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    /// <summary>Parses a text that arrives in pieces, as a connection would: what is left over comes again with more.</summary>
    public static List<string> ParseClient(IEnumerable<byte[]> pieces, int maxControlLine = 4096) => Parse(pieces, calls =>
    {
        var protocol = new RecordingProtocol(calls, maxControlLine);
        return data => ClientParser.Parse(ref protocol, data, out _);
    });

    public static List<string> ParseRoute(IEnumerable<byte[]> pieces, bool pinned = false, int maxControlLine = 1 << 20, bool isLeaf = false) => Parse(pieces, calls =>
    {
        var protocol = new RecordingProtocol(calls, maxControlLine, pinned: pinned);
        return data => RouteParser.Parse(ref protocol, data, out _, isLeaf);
    });

    private static List<string> Parse(IEnumerable<byte[]> pieces, Func<List<string>, Func<byte[], int>> bind)
    {
        var calls = new List<string>();
        var parse = bind(calls);
        byte[] pending = [];
        foreach (var piece in pieces)
        {
            pending = [.. pending, .. piece];
            pending = pending[parse(pending)..];
            if (calls.Any(call => call.StartsWith("fault", StringComparison.Ordinal))) break;
        }
        if (pending.Length > 0) calls.Add($"left {pending.Length}");
        return calls;
    }
}
