using NatsAspire.Server.Configuration.Loading;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clients;

/// <summary>Trace lines of messages: the operation, then what it carries, as upstream shows both.</summary>
public sealed partial class ClientConnection
{
    private void TracePublish(in PublishArguments arguments, ReadOnlySpan<byte> bodyAndCrlf)
    {
        var name = arguments.HasHeaders ? "HPUB" : "PUB";
        var reply = arguments.Reply.IsEmpty ? "" : Text(arguments.Reply) + " ";
        var header = arguments.HasHeaders ? $"{arguments.HeaderSize} " : "";
        ClientLog.In(Log, _label, $"{name} {Text(arguments.Subject)} {reply}{header}{arguments.TotalSize}");
        if (ShownOf(bodyAndCrlf, arguments.HeaderSize) is { } shown) ClientLog.Payload(Log, _label, shown);
    }

    private void TraceDelivery(Subscription subscription, in Message message, ReadOnlySpan<byte> bodyAndCrlf)
    {
        var reply = message.Reply.IsEmpty ? "" : Text(message.Reply) + " ";
        var headers = message.HeaderLength > 0 && _headers;
        var (name, header) = headers ? ("HMSG", $"{message.HeaderLength} ") : ("MSG", "");
        ClientLog.Out(Log, _label, $"{name} {Text(message.Subject)} {Text(subscription.Sid)} {reply}{header}{bodyAndCrlf.Length - 2}");
        if (ShownOf(bodyAndCrlf, headers ? message.HeaderLength : 0) is { } shown) ClientLog.DeliveredPayload(Log, _label, shown);
    }

    /// <summary>The part of a message that trace lines show, quoted; null: none.</summary>
    private string? ShownOf(ReadOnlySpan<byte> bodyAndCrlf, int headerLength)
    {
        var logging = _hub.Options.Logging;
        var body = bodyAndCrlf[..^2];
        // A header block ends in an empty line, which is not shown.
        if (logging.TraceHeaders) body = headerLength > 4 ? body[..(headerLength - 4)] : default;
        if (body.IsEmpty) return null;
        var limit = logging.MaxTracedMessageLength;
        if (limit <= 0 || body.Length <= limit) return QuotedText.Quote(body);
        return QuotedText.Quote(body[..limit])[..^1] + "...\"";
    }
}
