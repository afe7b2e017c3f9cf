using System.Buffers.Text;
using System.Runtime.CompilerServices;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clients;

/// <summary>MSG and HMSG to the client. Runs on any loop, under this connection's gate.</summary>
public sealed partial class ClientConnection
{
    /// <summary>Two sizes of at most ten digits, with their blanks.</summary>
    private const int SizesRoom = 24;

    private static readonly TimeSpan StallMin = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan StallMax = TimeSpan.FromMilliseconds(5);
    private long _outMessages;
    private long _outBytes;

    private bool Deliver(Subscription subscription, in Message message, FlushBatch batch)
    {
        batch.Hold(this);
        if (IsClosing || subscription.IsClosed) return false;
        if (_checksDelivery && Permissions!.DeniesDelivery(message.Subject, subscription.Queue)) return false;
        var delivered = ++subscription.Delivered;
        if (subscription.MaxMessages > 0 && !CountDown(subscription, delivered)) return false;
        if (IsCongested && !StallProducer(batch)) return false;
        WriteMessage(subscription, message);
        _outMessages++;
        _outBytes += message.Size;
        if (_replies is not null && !message.Reply.IsEmpty) GrantReply(message.Reply, batch.NowMilliseconds);
        if (!CheckPending()) return BecomeSlowConsumer();
        if (MarkTouched())
        {
            _lastDeliveryMilliseconds = batch.NowMilliseconds;
            batch.Touch(this);
        }
        return true;
    }

    private void WriteMessage(Subscription subscription, in Message message)
    {
        var headers = message.HeaderLength > 0 && _headers;
        var body = message.HeaderLength > 0 && !_headers ? message.BodyAndCrlf[message.HeaderLength..] : message.BodyAndCrlf;
        var lineRoom = 8 + message.Subject.Length + subscription.Sid.Length + message.Reply.Length + SizesRoom;
        if (lineRoom + body.Length <= MaxReservation)
        {
            var room = Reserve(lineRoom + body.Length);
            var written = WriteLine(room, subscription, message, headers, body.Length - 2);
            body.CopyTo(room[written..]);
            Unreserve(lineRoom - written);
        }
        else
        {
            WriteLarge(subscription, message, headers, body, lineRoom);
        }
        if (_trace) TraceDelivery(subscription, message, body);
    }

    private void WriteLarge(
        Subscription subscription, in Message message, bool headers, ReadOnlySpan<byte> body, int lineRoom)
    {
        var line = lineRoom <= 1024 ? stackalloc byte[1024] : new byte[lineRoom];
        Append(line[..WriteLine(line, subscription, message, headers, body.Length - 2)]);
        Append(body);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int WriteLine(
        Span<byte> room, Subscription subscription, in Message message, bool headers, int size)
    {
        var start = headers ? "HMSG "u8 : "MSG "u8;
        start.CopyTo(room);
        var at = start.Length;
        message.Subject.CopyTo(room[at..]);
        at += message.Subject.Length;
        room[at++] = (byte)' ';
        subscription.Sid.CopyTo(room[at..]);
        at += subscription.Sid.Length;
        room[at++] = (byte)' ';
        if (!message.Reply.IsEmpty)
        {
            message.Reply.CopyTo(room[at..]);
            at += message.Reply.Length;
            room[at++] = (byte)' ';
        }
        if (headers)
        {
            at += Digits(message.HeaderLength, room[at..]);
            room[at++] = (byte)' ';
        }
        at += Digits(size, room[at..]);
        room[at++] = (byte)'\r';
        room[at++] = (byte)'\n';
        return at;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Digits(int value, Span<byte> room)
    {
        if (value < 10)
        {
            room[0] = (byte)('0' + value);
            return 1;
        }
        Utf8Formatter.TryFormat(value, room, out var written);
        return written;
    }

    /// <summary>Counts a limited subscription down; false when its last message has gone before.</summary>
    private bool CountDown(Subscription subscription, long delivered)
    {
        if (delivered < subscription.MaxMessages) return true;
        // The gate is held: the removal, which takes the account's locks, has to wait for the loop's turn.
        Loop.Post(() => RemoveSubscription(subscription));
        if (delivered > subscription.MaxMessages) return false;
        ClientLog.Debug(Log, _label, $"Auto-unsubscribe limit of {subscription.MaxMessages} reached for sid '{Text(subscription.Sid)}'");
        return true;
    }

    private void GrantReply(ReadOnlySpan<byte> reply, long nowMilliseconds)
    {
        if (!_checksPublish || Permissions!.MayPublish(reply)) return;
        _replies!.Grant(reply, nowMilliseconds);
    }

    /// <summary>The queue is three quarters full: the publisher waits, or the message is dropped if it may not wait.</summary>
    private bool StallProducer(FlushBatch batch)
    {
        if (_hub.Options.Limits.NoFastProducerStall) return false;
        batch.ProducerShouldStall = true;
        return true;
    }

    private void StallIfProducer()
    {
        Loop.Batch.ProducerShouldStall = false;
        _stalls++;
        _hub.CountStall();
        PauseReading(PendingBytes > MaxPendingBytes ? StallMax : StallMin);
    }

    private bool BecomeSlowConsumer()
    {
        _hub.CountSlowConsumer(Account);
        ClientLog.Notice(Log, _label, $"Slow Consumer Detected: MaxPending of {MaxPendingBytes} Exceeded");
        Close(CloseReason.SlowConsumerPendingBytes);
        return false;
    }
}
