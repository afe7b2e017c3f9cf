using System.Text;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Consumers.Delivery;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>Acknowledgements of every kind.</summary>
public sealed partial class ConsumerLeader
{
    private const string UnacknowledgedWasDeleted = "Unacknowledged message was deleted";

    /// <summary>A client has answered a message.</summary>
    /// <param name="subject">What it has answered to: one of this consumer's.</param>
    /// <param name="payload">What it says, without headers.</param>
    /// <param name="reply">Where it wants to hear that it was heard, or with +NXT the next message; empty: nowhere.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="effects">What comes of it.</param>
    public void Acknowledge(in AckSubject subject, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> reply, long now, IConsumerEffects effects)
    {
        if (Configuration.AckPolicy is AckPolicy.None or AckPolicy.FlowControl) return;
        _lastUse = now;
        var answers = true;
        var request = AckRequest.Parse(payload);
        switch (request.Kind)
        {
            case AckKind.Ack:
                answers = Ack(subject, doSample: true, now, effects);
                break;
            case AckKind.Next:
                Ack(subject, doSample: true, now, effects);
                Request(request.Argument, reply, now, effects);
                return;
            case AckKind.Nak:
                Nak(subject, request, now, effects);
                break;
            case AckKind.Progress:
                if (TryFind(subject.StreamSequence, out var id)) Restart(id, now, effects);
                break;
            case AckKind.Terminate:
                answers = Terminate(subject, request.Argument, now, effects);
                break;
        }
        if (answers && !reply.IsEmpty) effects.Confirm(reply);
    }

    private bool TryFind(ulong sequence, out int id)
    {
        id = PendingMessages.None;
        return _state.Pending is { } pending && pending.TryFind(sequence, out id);
    }

    /// <returns>False: what it speaks of has not been delivered, so nobody answers.</returns>
    private bool Ack(in AckSubject subject, bool doSample, long now, IConsumerEffects effects)
    {
        var sequence = subject.StreamSequence;
        if (sequence > _state.Delivered.Stream) return false;
        if (_state.AcksCoverEarlier)
        {
            if (sequence <= _state.AckFloor.Stream || subject.ConsumerSequence <= _state.AckFloor.Consumer) return true;
            ProposeAck(Math.Min(subject.ConsumerSequence, _state.Delivered.Consumer), sequence, now, effects);
        }
        else if (TryFind(sequence, out var id))
        {
            if (doSample && IsSample) effects.Report(EventOf(ConsumerEventKind.Acknowledged, subject) with { Delay = now - _state.Pending!.Timestamp(id) });
            ProposeAck(_state.Pending!.ConsumerSequence(id), sequence, now, effects);
        }
        else if (_state.TimesRedelivered(sequence) > 0) ProposeAck(0, sequence, now, effects);
        return true;
    }

    private bool IsSample => _sampling >= 100 || (_sampling > 0 && _options.Random.Next(100) < _sampling);

    private void ProposeAck(ulong consumerSequence, ulong sequence, long now, IConsumerEffects effects)
    {
        Propose(ConsumerEntry.Acknowledged(stackalloc byte[ConsumerEntry.MaxLength], consumerSequence, sequence), effects);
        _lastAcked = now;
    }

    private void Nak(in AckSubject subject, in AckRequest request, long now, IConsumerEffects effects)
    {
        if (subject.ConsumerSequence <= _state.AckFloor.Consumer || subject.ConsumerSequence > _state.Delivered.Consumer) return;
        if (!TryFind(subject.StreamSequence, out var id)) return;
        effects.Report(EventOf(ConsumerEventKind.Naked, subject));
        var pending = _state.Pending!;
        if (request.Delay is not { } delay)
        {
            Expire(id, effects);
            return;
        }
        // As if it had been delivered when its wait would end after the delay.
        pending.Dequeue(id);
        var times = _state.TimesRedelivered(subject.StreamSequence);
        var since = (long)Int128.Clamp((Int128)now + delay - _state.WaitAfter(times), 0, long.MaxValue - _state.WaitAfter(times));
        ProposeTime(id, 1, since, effects);
    }

    /// <summary>It is being worked on: its wait begins anew.</summary>
    private void Restart(int id, long now, IConsumerEffects effects) => ProposeTime(id, 1, now, effects);

    private void ProposeTime(int id, ulong deliveries, long since, IConsumerEffects effects)
    {
        var pending = _state.Pending!;
        Propose(ConsumerEntry.Delivered(stackalloc byte[ConsumerEntry.MaxLength], pending.ConsumerSequence(id), pending.Sequence(id), deliveries, since), effects);
    }

    private bool Terminate(in AckSubject subject, ReadOnlySpan<byte> reason, long now, IConsumerEffects effects)
    {
        if (!Ack(subject, doSample: false, now, effects)) return false;
        effects.Report(EventOf(ConsumerEventKind.Terminated, subject) with { Reason = reason.IsEmpty ? null : Encoding.UTF8.GetString(reason) });
        return true;
    }

    /// <summary>A message that waits is no longer in the stream.</summary>
    private void Terminate(int id, long now, IConsumerEffects effects)
    {
        var (sequence, consumerSequence) = (_state.Pending!.Sequence(id), _state.Pending.ConsumerSequence(id));
        var deliveries = _state.TimesRedelivered(sequence) + 1;
        if (!Forget(id, now, effects)) return;
        effects.Report(new ConsumerEvent(ConsumerEventKind.Terminated) { StreamSequence = sequence, ConsumerSequence = consumerSequence, Deliveries = deliveries, Reason = UnacknowledgedWasDeleted });
    }

    /// <summary>
    /// Waits no more for a message that is gone. An acknowledgement that would cover others must wait until there are none;
    /// so long its redelivery is put off.
    /// </summary>
    private bool Forget(int id, long now, IConsumerEffects effects)
    {
        var pending = _state.Pending!;
        if (!_state.AcksCoverEarlier || id == pending.First)
        {
            ProposeAck(pending.ConsumerSequence(id), pending.Sequence(id), now, effects);
            return true;
        }
        pending.Dequeue(id);
        Restart(id, now, effects);
        return false;
    }

    private static ConsumerEvent EventOf(ConsumerEventKind kind, in AckSubject subject) =>
        new(kind) { StreamSequence = subject.StreamSequence, ConsumerSequence = subject.ConsumerSequence, Deliveries = subject.Delivered };
}
