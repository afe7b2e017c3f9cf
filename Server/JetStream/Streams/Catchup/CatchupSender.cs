using System.Buffers;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams.Catchup;

/// <summary>Sends what a replica that is behind has asked for.</summary>
public interface ICatchupSink
{
    /// <summary>Sends to the reply subject of the request.</summary>
    /// <param name="message">Empty: that was all.</param>
    /// <param name="tracked">Bytes that the acknowledgement's subject names (<see cref="CatchupAckSubject"/>); 0: it needs none.</param>
    void Send(ReadOnlySpan<byte> message, int tracked);
}

/// <summary>What is to be done with a request of a replica that is behind.</summary>
public enum CatchupAnswer
{
    /// <summary>It is served (<see cref="CatchupSender"/>).</summary>
    Serve,

    /// <summary>This leader has not applied enough of its log yet: nothing is answered, the replica asks again.</summary>
    Wait,

    /// <summary>This leader has less than what is asked for, so another one is to lead.</summary>
    StepDown,
}

/// <summary>How a sender has ended.</summary>
public enum CatchupEnd
{
    /// <summary>It goes on.</summary>
    None,

    /// <summary>All has been sent, and acknowledged.</summary>
    Complete,

    /// <summary>The replica wants nothing more, and has said why (<see cref="CatchupSender.Refusal"/>).</summary>
    Refused,

    /// <summary>Nothing was acknowledged for too long: the replica may ask again, and is still behind.</summary>
    Stalled,
}

/// <summary>
/// Sends a replica that is behind the leader's messages, as fast as it acknowledges them (clusterwire.md §7.5). Pure:
/// the time is an argument (nanoseconds since 1970). Belongs to the stream's mailbox.
/// </summary>
public sealed class CatchupSender : IDisposable
{
    /// <summary>Bytes under way at most.</summary>
    public const long MostBytes = 64L << 20;

    /// <summary>Messages under way at most.</summary>
    public const int MostMessages = 256 << 10;

    /// <summary>Once messages have been too many, so many fewer must be under way.</summary>
    private const int MessagesToGoOn = 4 << 10;

    /// <summary>Bytes sent in one go, so that others have their turn.</summary>
    private const long MostAtOnce = 1 << 20;

    private const long RetryAfter = 500_000_000;

    private readonly IMessageStore _store;
    private readonly StreamSyncRequest _request;
    private readonly CatchupWindow _window;
    private readonly MessageBuffer _message = new();
    private readonly ArrayBufferWriter<byte> _encoded = new(4096);
    private readonly CatchupShare _share;
    private ulong _next;
    private int _messages;
    private bool _isCrowded;
    private bool _isAllSent;
    private long _stallsAt;

    /// <param name="store">The leader's messages.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="window">Of the server.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    public CatchupSender(IMessageStore store, StreamSyncRequest request, CatchupWindow window, long now)
    {
        (_store, _request, _window) = (store, request, window);
        _share = window.Join();
        _next = request.FirstSequence;
        _stallsAt = now + StreamCatchup.ActivityTimeout;
        NextTick = now;
    }

    /// <summary>Who asked; null: it did not say.</summary>
    public string? Peer => _request.Peer;

    public CatchupEnd End { get; private set; }

    /// <summary>Why the replica wants nothing more.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Sequences that it has not been seen to have.</summary>
    public ulong Lag => (_next > _request.LastSequence ? 0 : _request.LastSequence - _next + 1) + (ulong)_messages;

    /// <summary>When <see cref="Send"/> is to be called, nanoseconds since 1970, maybe in the past.</summary>
    public long NextTick { get; private set; }

    /// <summary>Decides about a request.</summary>
    /// <param name="request">It.</param>
    /// <param name="lastIndex">Last entry of this leader's log.</param>
    /// <param name="applied">Last one applied.</param>
    /// <param name="lastSequence">Of its messages.</param>
    public static CatchupAnswer Judge(StreamSyncRequest request, ulong lastIndex, ulong applied, ulong lastSequence)
    {
        if (lastIndex >= request.MinApplied && applied < request.MinApplied) return CatchupAnswer.Wait;
        return lastSequence < request.LastSequence ? CatchupAnswer.StepDown : CatchupAnswer.Serve;
    }

    /// <summary>The replica has acknowledged a message, or refused to take more.</summary>
    /// <param name="size">As its subject says.</param>
    /// <param name="reason">What it says; empty: it has taken it.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    public void Acknowledged(long size, ReadOnlySpan<byte> reason, long now)
    {
        if (End != CatchupEnd.None) return;
        if (!reason.IsEmpty)
        {
            Refusal = System.Text.Encoding.UTF8.GetString(reason);
            Finish(CatchupEnd.Refused);
            return;
        }
        _share.Remove(size);
        if (_messages > 0) _messages--;
        _stallsAt = now + StreamCatchup.ActivityTimeout;
        NextTick = now;
    }

    /// <summary>Sends what may be sent now.</summary>
    /// <exception cref="CorruptStoreException">A message cannot be read: the replica must fetch it elsewhere.</exception>
    public void Send(long now, ICatchupSink sink)
    {
        if (End != CatchupEnd.None) return;
        if (now >= _stallsAt && _messages > 0)
        {
            Finish(CatchupEnd.Stalled);
            return;
        }
        var sent = 0L;
        while (_next <= _request.LastSequence)
        {
            if (!MaySend())
            {
                NextTick = Math.Min(now + RetryAfter, _stallsAt);
                return;
            }
            if (sent >= MostAtOnce)
            {
                NextTick = now;
                return;
            }
            sent += SendNext(sink);
        }
        if (!_isAllSent) sink.Send(default, 0);
        _isAllSent = true;
        // What is under way is not there yet: until then the replica is still behind.
        if (_messages == 0) Finish(CatchupEnd.Complete);
        else NextTick = _stallsAt;
    }

    /// <summary>The stream ends here, or leads no more.</summary>
    public void Dispose() => _share.Leave();

    /// <summary>One message may always be under way, or nobody would ever get on.</summary>
    private bool MaySend()
    {
        if (_messages == 0) return true;
        if (_messages > MostMessages) _isCrowded = true;
        else if (_messages <= MostMessages - MessagesToGoOn) _isCrowded = false;
        return !_isCrowded && _share.Bytes <= MostBytes && _share.HasRoom;
    }

    private long SendNext(ICatchupSink sink)
    {
        var last = _request.LastSequence;
        var isThere = _store.TryLoadNext(SubjectFilter.All, _next, _message) && _message.Sequence <= last;
        var gap = (isThere ? _message.Sequence : last + 1) - _next;
        if (gap == 0) return Track(sink, new StreamMessageEntry
        {
            LastSequence = _next++,
            Timestamp = _message.Timestamp,
            Subject = _message.Subject,
            Headers = _message.Headers,
            Payload = _message.Payload,
        });
        if (gap == 1 || !_request.TakesRanges) return Track(sink, new StreamMessageEntry { LastSequence = _next++ });
        var range = JsonEntry.Encode(EntryOperation.DeleteRange, new DeleteRangeEntry { First = _next, Count = gap }, EntryJson.Default.DeleteRangeEntry);
        _next += gap;
        sink.Send(range, 0);
        return range.Length;
    }

    private long Track(ICatchupSink sink, in StreamMessageEntry entry)
    {
        _encoded.ResetWrittenCount();
        var room = _encoded.GetSpan(entry.MaxLength);
        var length = entry.Encode(room);
        _messages++;
        _share.Add(length);
        sink.Send(room[..length], length);
        return length;
    }

    private void Finish(CatchupEnd end)
    {
        End = end;
        NextTick = long.MaxValue;
        _share.Leave();
    }
}
