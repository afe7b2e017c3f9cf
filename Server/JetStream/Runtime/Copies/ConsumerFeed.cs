using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Consumers.Delivery;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime.Copies;

/// <summary>
/// Messages of a stream that is elsewhere: on another server, in another account or domain. A consumer of it, made over
/// the origin's API, pushes them here with flow control and signs of life (upstream's sourcing consumers); one that misses
/// something, falls silent or is gone is made anew from where the copy is. Belongs to the mailbox of the stream that copies.
/// </summary>
internal sealed class ConsumerFeed : IDisposable
{
    private const int MaxQueuedMessages = 100_000;
    private const long MaxQueuedBytes = 64 << 20;

    private const long Second = 1_000_000_000;

    /// <summary>Time an origin has to answer.</summary>
    private const long AnswerPatience = 10 * Second;

    /// <summary>Without any word for so long the consumer counts as gone, as upstream.</summary>
    private const long Silence = 10 * Second;

    private const long MinRetry = Second;
    private const long MaxRetry = 10 * Second;

    /// <summary>Signs of life come every second; when the way to the origin may have changed they are missed soon.</summary>
    private const long Doubt = 3 * Second;

    private readonly StreamHost _target;
    private readonly FeedRequest _request;
    private readonly Action _wake;
    private readonly byte[] _way;
    private readonly PublishQueue _heard = new(MaxQueuedMessages, MaxQueuedBytes);
    private readonly ITimer _timer;
    private readonly List<Subscription> _subscriptions = [];
    private Phase _phase;
    private string _consumer = "";
    private string _deliverTo = "";
    private ulong _delivered;
    private ulong _last;
    private long _due;
    private long _retry = MinRetry;
    private bool _overflowed;
    private bool _wayMayBeOther;
    private bool _isCut;

    /// <param name="target">Who copies.</param>
    /// <param name="request">What it asks of the origin.</param>
    /// <param name="wake">Called when there may be something to take. From any thread.</param>
    public ConsumerFeed(StreamHost target, FeedRequest request, Action wake)
    {
        (_target, _request, _wake, _way) = (target, request, wake, request.Way);
        var pace = TimeSpan.FromSeconds(1);
        _timer = target.Time.CreateTimer(_ => wake(), null, pace, pace);
        target.Account.Subscriptions.Watch(_way, OnWay);
    }

    private enum Phase
    {
        /// <summary>Nothing is asked for before it is due.</summary>
        Waiting,

        /// <summary>The origin has been asked for a consumer.</summary>
        Asking,

        Flowing,
    }

    /// <summary>Why nothing comes; null: it does, or is about to.</summary>
    public ApiError? Error { get; private set; }

    /// <summary>When anything of the consumer was heard last, nanoseconds since 1970; 0: nothing yet.</summary>
    public long HeardAt { get; private set; }

    /// <summary>It is one that was made beforehand, and what is answered to flow control acknowledges to it.</summary>
    public bool IsDurable => _request.IsDurable;

    /// <summary>What has come and goes on from where the copy is; null: nothing has. All of it is to be taken before the next call.</summary>
    /// <param name="next">The origin's sequence to go on with.</param>
    /// <param name="isPlaced">False: nothing was copied yet, and the configuration says where to begin.</param>
    public CopyBlock? Take(ulong next, bool isPlaced)
    {
        CopyBlock? block = null;
        if (_heard.Take() is { } heard)
        {
            block = new CopyBlock { IsEnd = true };
            for (var offset = 0; _phase != Phase.Waiting && heard.TryRead(ref offset, out var message);) Hear(message, block);
            _heard.Return(heard);
        }
        if (block is { Length: > 0 } or { Confirmations.Count: > 0 }) return block;
        Look(next, isPlaced);
        return null;
    }

    /// <summary>What it has brought and was not taken is lost: it begins again, later.</summary>
    public void GiveUp() => Fail(null);

    /// <inheritdoc/>
    public void Dispose()
    {
        _target.Account.Subscriptions.Unwatch(_way, OnWay);
        _timer.Dispose();
        StopListening();
    }

    /// <summary>On whichever thread changes subscriptions.</summary>
    private void OnWay()
    {
        if (!Interlocked.Exchange(ref _wayMayBeOther, true)) _wake();
    }

    /// <summary>A link to the origin has come or gone: what was lost with it is asked for again at once, and not when patience ends.</summary>
    private void LookAtWay(long now)
    {
        if (!Interlocked.Exchange(ref _wayMayBeOther, false)) return;
        if (!_target.Account.Subscriptions.HasInterest(_way))
        {
            _isCut = true;
            return;
        }
        if (_isCut || _phase == Phase.Waiting) AskAt(now);
        else _due = Math.Min(_due, now + Doubt);
        _isCut = false;
    }

    private void AskAt(long now)
    {
        StopListening();
        (_phase, _due, _retry) = (Phase.Waiting, now, MinRetry);
    }

    /// <summary>A message, on its publisher's loop.</summary>
    internal void Hear(in Message message, FedKind kind)
    {
        if (_heard.TryAdd(message, (long)kind, out var isFirst) is null) Volatile.Write(ref _overflowed, true);
        if (isFirst) _wake();
    }

    private void Look(ulong next, bool isPlaced)
    {
        var now = _target.Now;
        if (Volatile.Read(ref _overflowed)) Fail(null);
        LookAtWay(now);
        if (now < _due) return;
        if (_phase != Phase.Waiting)
        {
            if (_phase == Phase.Asking) Error = JetStreamErrors.JSStreamNotFoundErr;
            Fail(Error);
            return;
        }
        Ask(next, isPlaced);
    }

    private void Ask(ulong next, bool isPlaced)
    {
        StopListening();
        Volatile.Write(ref _overflowed, false);
        (_phase, _due, _delivered, _last) = (Phase.Asking, _target.Now + AnswerPatience, 0, 0);
        (_consumer, _deliverTo) = _request.Begin();
        var reply = FeedRequest.NewInbox();
        Listen(reply, FedKind.Answer);
        // Before it begins again one that was there before may send on where it was.
        if (_request.IsNew) Listen(_deliverTo, FedKind.Delivery);
        if (!_target.Account.PublishInternal(_request.Subject, Encoding.UTF8.GetBytes(reply), _request.Headers, _request.Body(next, isPlaced), null)) Fail(JetStreamErrors.JSStreamNotFoundErr);
    }

    private void Hear(in PublishedMessage message, CopyBlock block)
    {
        if ((FedKind)message.Timestamp == FedKind.Answer)
        {
            HearAnswer(message.Payload);
            return;
        }
        HeardAt = _target.Now;
        if (_phase == Phase.Flowing) _due = HeardAt + Silence;
        if (IsControl(message)) HearControl(message, block);
        else HearDelivery(message, block);
    }

    private void HearAnswer(ReadOnlySpan<byte> answer)
    {
        if (_phase != Phase.Asking) return;
        if (_request.Refusal(answer, out _consumer) is { } refusal)
        {
            if (_request.TurnsPlain(refusal)) AskAt(_target.Now);
            else Fail(refusal);
            return;
        }
        if (!_request.IsNew) Listen(_deliverTo, FedKind.Delivery);
        (_phase, _due, _retry, Error, HeardAt) = (Phase.Flowing, _target.Now + Silence, MinRetry, null, _target.Now);
    }

    /// <summary>A request of flow control is to be answered; a sign of life says what should have come before it.</summary>
    private void HearControl(in PublishedMessage message, CopyBlock block)
    {
        if (!message.Reply.IsEmpty) Confirm(block, message.Reply);
        else if (HeaderBlock.TryGet(message.Headers, "Nats-Last-Consumer"u8, out var last) && ulong.TryParse(last, CultureInfo.InvariantCulture, out var told) && told > _delivered) Fail(null);
        else if (HeaderBlock.TryGet(message.Headers, "Nats-Consumer-Stalled"u8, out var stalled)) Confirm(block, stalled);
    }

    private void HearDelivery(in PublishedMessage message, CopyBlock block)
    {
        if (!AckSubject.TryParse(message.Reply, out var delivery)) return;
        // Its sequences go on where they were.
        if (_request.IsDurable && _delivered == 0) _delivered = delivery.ConsumerSequence - 1;
        if (delivery.ConsumerSequence != _delivered + 1)
        {
            if (delivery.ConsumerSequence > _delivered) Fail(null);
            return;
        }
        (_delivered, _last) = (delivery.ConsumerSequence, delivery.StreamSequence);
        block.Add(new StoredMessage
        {
            Sequence = delivery.StreamSequence,
            Timestamp = delivery.Timestamp,
            Subject = message.Subject,
            Headers = message.Headers,
            Payload = message.Payload,
        });
        (block.Next, block.Lag) = (delivery.StreamSequence + 1, delivery.Pending);
    }

    private void Confirm(CopyBlock block, ReadOnlySpan<byte> reply) => block.Confirmations.Add(new FlowConfirmation(reply.ToArray(), _delivered, _last));

    private static bool IsControl(in PublishedMessage message) => message.Payload.IsEmpty && message.Headers.StartsWith("NATS/1.0 100"u8);

    private void Fail(ApiError? error)
    {
        StopListening();
        Error = error;
        (_phase, _due) = (Phase.Waiting, _target.Now + _retry);
        _retry = Math.Min(2 * _retry, MaxRetry);
    }

    private void Listen(string subject, FedKind kind)
    {
        var subscription = new Subscription(new FeedEar(this, kind), Encoding.UTF8.GetBytes(subject));
        _subscriptions.Add(subscription);
        _target.Account.Subscribe(subscription);
    }

    /// <summary>Whoever pushed to it notices, and one that was made for it goes.</summary>
    private void StopListening()
    {
        if (_subscriptions.Count == 0) return;
        foreach (var subscription in _subscriptions) _target.Account.Unsubscribe(subscription);
        _subscriptions.Clear();
        if (_request.Removal(_consumer) is { } removal) _target.Account.PublishInternal(removal, default, default, null);
    }
}
