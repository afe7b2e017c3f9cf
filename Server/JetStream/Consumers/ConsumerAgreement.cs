using System.Buffers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>
/// Between the leader of a replicated consumer and its host: what the leader sends is held back until what it has
/// proposed before is agreed upon, in order. So nobody gets a message whose delivery a next leader would not know of, and
/// no acknowledgement is confirmed that could be lost. It goes with the leader, and with it all that is held.
/// </summary>
/// <param name="effects">The host's.</param>
/// <param name="policy">Where no acknowledgements are wanted, nothing is held but confirmations: a message may come twice there.</param>
public class ConsumerAgreement(IConsumerEffects effects, AckPolicy policy) : IConsumerEffects, IDisposable
{
    /// <summary>Bytes held, from which on nothing more should be delivered.</summary>
    public const long Crowded = 8 << 20;

    /// <summary>Statuses and events that are held at most; who does not get one asks again.</summary>
    private const int MostItems = 64 << 10;

    private readonly Queue<Held> _held = new();
    private ulong _proposed;
    private ulong _applied;
    private long _bytes;

    /// <summary>The leader is not to be pumped before more has been agreed upon.</summary>
    public bool IsCrowded => _bytes >= Crowded;

    /// <summary>Proposed and not applied.</summary>
    public ulong Outstanding => _proposed - _applied;

    /// <summary>The next one of this leader's entries has been applied here.</summary>
    public void Applied()
    {
        _applied++;
        while (_held.TryPeek(out var next) && next.After <= _applied) Release(_held.Dequeue());
    }

    /// <inheritdoc/>
    public void Propose(ReadOnlySpan<byte> entry)
    {
        _proposed++;
        effects.Propose(entry);
    }

    /// <inheritdoc/>
    public void Deliver(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, in StoredMessage message, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        if (policy == AckPolicy.None || MayDeliver())
        {
            effects.Deliver(subject, reply, message, headers, payload);
            return;
        }
        var held = Hold(HeldKind.Delivery, subject, reply, message.Subject, headers, payload);
        _held.Enqueue(held with { Sequence = message.Sequence, Timestamp = message.Timestamp });
    }

    /// <inheritdoc/>
    public void Status(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers)
    {
        if (policy == AckPolicy.None || Outstanding == 0) effects.Status(subject, reply, headers);
        else if (_held.Count < MostItems) _held.Enqueue(Hold(HeldKind.Status, subject, reply, default, headers, default));
    }

    /// <inheritdoc/>
    public void Confirm(ReadOnlySpan<byte> subject)
    {
        if (MayConfirm()) effects.Confirm(subject);
        else if (_held.Count < MostItems) _held.Enqueue(Hold(HeldKind.Confirmation, subject, default, default, default, default));
    }

    /// <inheritdoc/>
    public void Report(in ConsumerEvent consumerEvent)
    {
        if (Outstanding == 0) effects.Report(consumerEvent);
        else if (_held.Count < MostItems) _held.Enqueue(new Held(HeldKind.Event, _proposed) { Event = consumerEvent });
    }

    /// <inheritdoc/>
    public bool HasInterest(ReadOnlySpan<byte> subject) => effects.HasInterest(subject);

    /// <summary>Drops what is held.</summary>
    public void Dispose()
    {
        while (_held.TryDequeue(out var held)) GiveBack(held);
        GC.SuppressFinalize(this);
    }

    /// <summary>Whether the delivery that was just proposed may go out.</summary>
    internal virtual bool MayDeliver() => Outstanding == 0;

    /// <summary>Whether the acknowledgement that was just proposed may be confirmed.</summary>
    internal virtual bool MayConfirm() => Outstanding == 0;

    private Held Hold(HeldKind kind, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> shown, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        var length = subject.Length + reply.Length + shown.Length + headers.Length + payload.Length;
        var bytes = ArrayPool<byte>.Shared.Rent(length);
        subject.CopyTo(bytes);
        reply.CopyTo(bytes.AsSpan(subject.Length));
        shown.CopyTo(bytes.AsSpan(subject.Length + reply.Length));
        headers.CopyTo(bytes.AsSpan(subject.Length + reply.Length + shown.Length));
        payload.CopyTo(bytes.AsSpan(length - payload.Length));
        _bytes += length;
        return new Held(kind, _proposed) { Bytes = bytes, Subject = subject.Length, Reply = reply.Length, Shown = shown.Length, Headers = headers.Length, Length = length };
    }

    private void Release(in Held held)
    {
        var bytes = held.Bytes.AsSpan(0, held.Length);
        var subject = bytes[..held.Subject];
        var reply = bytes[held.Subject..][..held.Reply];
        var shown = bytes[(held.Subject + held.Reply)..][..held.Shown];
        var headers = bytes[(held.Subject + held.Reply + held.Shown)..][..held.Headers];
        var payload = bytes[(held.Subject + held.Reply + held.Shown + held.Headers)..];
        switch (held.Kind)
        {
            case HeldKind.Delivery:
                effects.Deliver(subject, reply, new StoredMessage { Sequence = held.Sequence, Timestamp = held.Timestamp, Subject = shown, Headers = headers, Payload = payload }, headers, payload);
                break;
            case HeldKind.Status:
                effects.Status(subject, reply, headers);
                break;
            case HeldKind.Confirmation:
                effects.Confirm(subject);
                break;
            default:
                effects.Report(held.Event);
                break;
        }
        GiveBack(held);
    }

    private void GiveBack(in Held held)
    {
        _bytes -= held.Length;
        if (held.Bytes.Length > 0) ArrayPool<byte>.Shared.Return(held.Bytes);
    }

    private enum HeldKind : byte
    {
        Delivery,
        Status,
        Confirmation,
        Event,
    }

    /// <param name="Kind">What it is.</param>
    /// <param name="After">Entries of this leader's that must be applied before.</param>
    private readonly record struct Held(HeldKind Kind, ulong After)
    {
        public byte[] Bytes { get; init; } = [];

        public int Length { get; init; }

        public int Subject { get; init; }

        public int Reply { get; init; }

        public int Shown { get; init; }

        public int Headers { get; init; }

        public ulong Sequence { get; init; }

        public long Timestamp { get; init; }

        public ConsumerEvent Event { get; init; }
    }
}
