using System.Buffers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Consumers.Delivery;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>Which message goes out next, and how.</summary>
public sealed partial class ConsumerLeader
{
    private ulong _turn;

    private MessageBuffer Message => _options.Workspace.Message;

    /// <summary>Delivers what may be delivered: again first, then for the first time.</summary>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="budget">Messages at most, so that others have their turn.</param>
    /// <param name="effects">What comes of it.</param>
    /// <returns>Whether there may be more for another turn.</returns>
    public bool Pump(long now, int budget, IConsumerEffects effects)
    {
        var hasMore = PumpSome(now, budget, effects);
        // Most requests have got what they want by now, and nobody else need know of them.
        if (_untold > 0) TellRequests(effects);
        return hasMore;
    }

    /// <summary>Messages that <see cref="Pump"/> may deliver without waiting for a disk.</summary>
    /// <param name="most">At most so many.</param>
    /// <returns>0: maybe none.</returns>
    public int AtHand(int most)
    {
        if (_state.Pending is { QueuedCount: > 0 } || _lasts is not null || !_state.Filter.IsAll) return 0;
        if (!_mayHaveNew || _requests is { Count: 0 }) return most;
        var through = _store.AtHandThrough(_next);
        return through < _next ? 0 : (int)Math.Min((ulong)most, through - _next + 1);
    }

    private bool PumpSome(long now, int budget, IConsumerEffects effects)
    {
        if (NextTick <= now) Tick(now, effects);
        if (!HasDemand(now))
        {
            // Requests that do not wait get nothing during a pause.
            if (_requests is { NoWaitCount: > 0 }) SweepRequests(now, isEnd: true, effects);
            return false;
        }
        _turn++;
        var step = DeliveryStep.Delivered;
        for (; budget > 0; budget--)
        {
            step = DeliverNext(now, effects);
            if (step != DeliveryStep.Delivered) break;
        }
        if (step is DeliveryStep.Delivered) return HasDemand(now) && (_mayHaveNew || _state.Pending is { QueuedCount: > 0 } || _requests is { NoWaitCount: > 0 });
        if (step == DeliveryStep.Delayed) return false;
        _pace?.CaughtUp(_next);
        if (_requests is { NoWaitCount: > 0 } && step != DeliveryStep.TooManyPending) SweepRequests(now, isEnd: true, effects);
        return false;
    }

    /// <summary>Whether somebody would take a message now.</summary>
    private bool HasDemand(long now)
    {
        if (_unpauseAt > now) return false;
        return _push is not null ? _push.TakesMore : _requests!.Count > 0;
    }

    private DeliveryStep DeliverNext(long now, IConsumerEffects effects)
    {
        if (!HasDemand(now)) return DeliveryStep.NothingToDo;
        var deliveries = PickRedelivery(now, effects);
        if (deliveries == 0)
        {
            if (HasTooManyPending) return DeliveryStep.TooManyPending;
            if (!PickNew(effects)) return DeliveryStep.NothingToDo;
            deliveries = 1;
        }
        return Deliver(deliveries, now, effects);
    }

    private bool HasTooManyPending => Configuration.MaxAckPending > 0 && _state.AckPending >= Configuration.MaxAckPending;

    /// <summary>Loads the message to be delivered again next, and leaves it where it is.</summary>
    /// <returns>Deliveries, this one included; 0: there is none.</returns>
    private ulong PickRedelivery(long now, IConsumerEffects effects)
    {
        while (_state.Pending is { QueuedCount: > 0 } pending)
        {
            var id = pending.FirstQueued;
            var sequence = pending.Sequence(id);
            var deliveries = _state.TimesRedelivered(sequence) + 2;
            if (Configuration.MaxDeliver > 0 && deliveries > (ulong)Configuration.MaxDeliver) GiveUp(id, deliveries, effects);
            else if (!_store.TryLoad(sequence, Message)) Terminate(id, now, effects);
            else return deliveries;
        }
        return 0;
    }

    /// <summary>Loads the next message that was not delivered yet, and leaves it where it is.</summary>
    private bool PickNew(IConsumerEffects effects)
    {
        if (!_mayHaveNew) return false;
        while (_lasts is { } lasts)
        {
            var isThere = !lasts.IsEmpty && _store.TryLoad(lasts.First, Message);
            if (isThere) return true;
            if (lasts.IsEmpty) EndLasts(effects);
            else lasts.Advance(wasThere: false);
        }
        if (_store.TryLoadNext(_state.Filter, _next, Message)) return true;
        _next = Math.Max(_next, _store.State.LastSequence + 1);
        _mayHaveNew = false;
        (_count, _countKnown) = (0, true);
        return false;
    }

    private DeliveryStep Deliver(ulong deliveries, long now, IConsumerEffects effects)
    {
        var message = new StoredMessage
        {
            Sequence = Message.Sequence,
            Timestamp = Message.Timestamp,
            Subject = Message.Subject,
            Headers = Message.Headers,
            Payload = Message.Payload,
        };
        var isNew = deliveries == 1;
        var left = CountPending();
        if (isNew && left > 0) left--;
        var headers = HeadersOf(message);
        var payload = Configuration.HeadersOnly ? default : message.Payload;
        var room = _options.Workspace.Reply(_ackPrefix.Length + AckSubject.MaxNumbersLength);
        var consumerSequence = _state.Delivered.Consumer + 1;
        var reply = room[..AckSubject.Format(room, _ackPrefix, deliveries, message.Sequence, consumerSequence, message.Timestamp, left)];
        var size = message.Subject.Length + reply.Length + headers.Length + payload.Length;
        if (_pace is not null && !_pace.Allows(size, message.Timestamp, now)) return DeliveryStep.Delayed;
        WaitingRequest? request = null;
        if (_push is null)
        {
            request = ChooseRequest(size, left + 1, now, effects);
            if (request is null) return DeliveryStep.NothingToDo;
            if (Configuration.PriorityPolicy == PriorityPolicy.PinnedClient && _pin is not null) headers = AddPin(headers);
        }
        _pace?.Took(size, message.Timestamp, now);
        Take(message.Sequence, isNew, left);
        Propose(ConsumerEntry.Delivered(stackalloc byte[ConsumerEntry.MaxLength], consumerSequence, message.Sequence, deliveries, now), effects);
        if (_lasts is { Count: 0 }) EndLasts(effects);
        _lastDelivered = now;
        if (request is null) Push(reply, message, headers, payload, now, effects);
        else Answer(request, reply, message, headers, payload, now, effects);
        return DeliveryStep.Delivered;
    }

    /// <summary>The message picked is on its way: it leaves the place it was picked from.</summary>
    private void Take(ulong sequence, bool isNew, ulong left)
    {
        if (!isNew)
        {
            _state.Pending!.Dequeue(_state.Pending.FirstQueued);
            return;
        }
        (_count, _countKnown) = (left, true);
        if (_lasts is null)
        {
            _next = sequence + 1;
            return;
        }
        _lasts.Advance(wasThere: true);
    }

    /// <summary>What came after the last messages of subjects were looked up is next.</summary>
    private void EndLasts(IConsumerEffects effects)
    {
        var next = _lasts!.Through + 1;
        _lasts = null;
        if (next > _state.Delivered.Stream + 1) Propose(ConsumerEntry.Skip(stackalloc byte[ConsumerEntry.MaxLength], next), effects);
        _next = _state.Delivered.Stream + 1;
    }

    private ReadOnlySpan<byte> HeadersOf(in StoredMessage message)
    {
        if (!Configuration.HeadersOnly) return message.Headers;
        var room = _options.Workspace.Headers;
        DeliveryStatus.Open(room, message.Headers);
        DeliveryStatus.Add(room, "Nats-Msg-Size"u8, message.Payload.Length);
        return Close(room);
    }

    private static ReadOnlySpan<byte> Close(ArrayBufferWriter<byte> room)
    {
        "\r\n"u8.CopyTo(room.GetSpan(2));
        room.Advance(2);
        return room.WrittenSpan;
    }

    /// <summary>Messages left for it, exactly.</summary>
    private ulong CountPending()
    {
        if (_countKnown) return _count;
        var count = _lasts is { } lasts
            ? lasts.Count + _store.CountPending(_state.Filter, lasts.Through + 1, lastPerSubject: false)
            : _store.CountPending(_state.Filter, _next, lastPerSubject: false);
        // Who is asleep does not hear what changes.
        if (IsAwake) (_count, _countKnown) = (count, true);
        return count;
    }

    private enum DeliveryStep
    {
        Delivered,

        /// <summary>There is no message, or nobody takes it.</summary>
        NothingToDo,

        /// <summary>Acknowledgements must come first.</summary>
        TooManyPending,

        /// <summary>It is too early.</summary>
        Delayed,
    }
}
