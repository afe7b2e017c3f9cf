using NatsAspire.Server.Accounts;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Links;

/// <summary>RMSG and HMSG to the peer.</summary>
public abstract partial class LinkConnection
{
    /// <summary>Acknowledgements of JetStream, behind which a link sends the subject that a message shows.</summary>
    private protected static ReadOnlySpan<byte> AckPrefix => "$JS.ACK."u8;

    /// <summary>Of the shortest acknowledgement's subject: behind the last one are only numbers.</summary>
    private const int DotsOfAck = 8;

    /// <summary>The peer takes headers.</summary>
    private protected bool RemoteTakesHeaders { get; set; }

    /// <summary>Its lines leave the account out.</summary>
    private protected virtual bool OmitsAccount => false;

    /// <summary>Sends a message; under the gate from here on, which the batch keeps.</summary>
    /// <param name="account">Its account.</param>
    /// <param name="message">The message.</param>
    /// <param name="replyPrefix">What is put before its reply subject.</param>
    /// <param name="queues">Queue groups to be served there.</param>
    /// <param name="batch">The publisher's batch.</param>
    /// <returns>False when the link is going down.</returns>
    private protected bool Send(Account account, in Message message, ReadOnlySpan<byte> replyPrefix, List<byte[]> queues, FlushBatch batch)
    {
        batch.Hold(this);
        if (IsClosing) return false;
        var headers = message.HeaderLength > 0 && RemoteTakesHeaders;
        var body = message.HeaderLength > 0 && !headers ? message.BodyAndCrlf[message.HeaderLength..] : message.BodyAndCrlf;
        AppendLine(account, message, replyPrefix, queues, headers, body.Length - 2);
        Append(body);
        _outMessages++;
        _outBytes += body.Length - 2;
        CountOut(account, body.Length - 2);
        if (IsCongested && !_host.Options.Limits.NoFastProducerStall) batch.ProducerShouldStall = true;
        if (!CheckPending())
        {
            CountSlow();
            LinkLog.SlowConsumer(Log, Label, "Detected", $"MaxPending of {MaxPendingBytes} Exceeded");
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

    /// <summary>
    /// What subscribers here are shown of a message that a peer sent: behind an acknowledgement's subject stands the one
    /// that the message shows.
    /// </summary>
    private protected static Message Shown(scoped in Message message)
    {
        if (!message.Reply.StartsWith(AckPrefix) || IndexOfShown(message.Reply) is not (> 0 and var at)) return message;
        return message with { Subject = message.Reply[at..], Address = message.Subject, Reply = message.Reply[..(at - 1)] };
    }

    /// <summary>Where what is shown begins; 0: nowhere. Names of streams and consumers, and what is shown, may have the sign that stands before it.</summary>
    private static int IndexOfShown(ReadOnlySpan<byte> acknowledgement)
    {
        var at = 0;
        for (var dots = 0; dots < DotsOfAck; dots++)
        {
            var next = acknowledgement[at..].IndexOf((byte)'.');
            if (next < 0) return 0;
            at += next + 1;
        }
        var sign = acknowledgement[at..].IndexOf((byte)'@');
        return sign < 0 || at + sign == acknowledgement.Length - 1 ? 0 : at + sign + 1;
    }

    /// <summary>Begins the line of a message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="headers">It goes with its headers.</param>
    /// <returns>The line tells the size of the headers.</returns>
    private protected virtual bool AppendOperation(in Message message, bool headers)
    {
        Append(headers ? "HMSG "u8 : "RMSG "u8);
        return headers;
    }

    private void AppendLine(Account account, in Message message, ReadOnlySpan<byte> replyPrefix, List<byte[]> queues, bool headers, int size)
    {
        var saysHeaders = AppendOperation(message, headers);
        if (!OmitsAccount)
        {
            Append(account.NameBytes);
            Append(" "u8);
        }
        Append(message.Address.IsEmpty ? message.Subject : message.Address);
        if (queues.Count > 0)
        {
            Append(message.Reply.IsEmpty ? " |"u8 : " + "u8);
            AppendReply(message, replyPrefix);
            foreach (var queue in queues)
            {
                Append(" "u8);
                Append(queue);
            }
        }
        else if (!message.Reply.IsEmpty)
        {
            Append(" "u8);
            AppendReply(message, replyPrefix);
        }
        Span<byte> sizes = stackalloc byte[26];
        var at = 0;
        sizes[at++] = (byte)' ';
        if (saysHeaders)
        {
            (headers ? message.HeaderLength : 0).TryFormat(sizes[at..], out var digits);
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
    private void AppendReply(in Message message, ReadOnlySpan<byte> prefix)
    {
        if (message.Reply.IsEmpty) return;
        Append(prefix);
        Append(message.Reply);
        if (message.Address.IsEmpty || !message.Reply.StartsWith(AckPrefix) || message.Address.SequenceEqual(message.Subject)) return;
        Append("@"u8);
        Append(message.Subject);
    }
}
