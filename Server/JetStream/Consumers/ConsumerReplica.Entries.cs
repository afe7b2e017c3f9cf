using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>What entries do.</summary>
public sealed partial class ConsumerReplica
{
    private HashSet<byte[]>? _requests;

    /// <summary>When something was delivered last; 0: since this server began to hear of it nothing was. Not part of the state.</summary>
    public long LastDelivered { get; private set; }

    /// <summary>When something was acknowledged last, as whoever applies the entries saw it; 0: not yet. Not part of the state.</summary>
    public long LastAcknowledged { get; set; }

    /// <summary>Applies an entry of the log.</summary>
    /// <param name="entry">Its operation and body.</param>
    /// <param name="observer">Hears what is needed no more.</param>
    /// <returns>False when it is none this version knows, or damaged; nothing has changed then.</returns>
    public bool Apply(ReadOnlySpan<byte> entry, IConsumerObserver observer)
    {
        if (entry.IsEmpty) return false;
        var body = new SpanReader(entry[1..]);
        switch ((EntryOperation)entry[0])
        {
            case EntryOperation.UpdateDelivered:
                if (!body.TryReadUvarint(out var consumer) || !body.TryReadUvarint(out var stream)
                    || !body.TryReadUvarint(out var deliveries) || !body.TryReadVarint(out var timestamp) || IsTooHigh(consumer | stream)) return false;
                ApplyDelivered(consumer, stream, deliveries, timestamp, observer);
                LastDelivered = Math.Max(LastDelivered, timestamp);
                break;
            case EntryOperation.UpdateAcks:
                if (!body.TryReadUvarint(out consumer) || !body.TryReadUvarint(out stream)) return false;
                ApplyAck(consumer, stream, observer);
                break;
            case EntryOperation.UpdateSkip:
                if (!body.TryReadUInt64(out stream) || IsTooHigh(stream)) return false;
                ApplySkip(stream, observer);
                break;
            case EntryOperation.ResetSequence:
                if (!body.TryReadUInt64(out stream) || IsTooHigh(stream)) return false;
                ApplyReset(stream, observer);
                break;
            case EntryOperation.AddPendingRequest:
                AddRequest(entry[1..]);
                return true;
            case EntryOperation.RemovePendingRequest:
                _requests?.Remove(entry[1..].ToArray());
                return true;
            default:
                return false;
        }
        HasState = true;
        return true;
    }

    /// <summary>
    /// Pull requests that wait at the leader, as its followers have heard: whoever leads next tells them that they wait in
    /// vain. Not part of the state. Empty afterwards.
    /// </summary>
    internal IEnumerable<byte[]> TakeRequests()
    {
        var requests = _requests;
        _requests = null;
        return requests ?? [];
    }

    /// <summary>Whether a request is among those.</summary>
    internal bool Awaits(ReadOnlySpan<byte> reply) => _requests?.Contains(reply.ToArray()) == true;

    private void AddRequest(ReadOnlySpan<byte> reply)
    {
        if (reply.IsEmpty || _requests?.Count >= Math.Max(1, Configuration.MaxWaiting)) return;
        (_requests ??= new HashSet<byte[]>(ByteArrayComparer.Instance)).Add(reply.ToArray());
    }

    /// <summary>Sequences have 63 bits: what has more has run backwards somewhere.</summary>
    private static bool IsTooHigh(ulong sequence) => sequence >> 63 != 0;

    private void ApplyDelivered(ulong consumer, ulong stream, ulong deliveries, long timestamp, IConsumerObserver observer)
    {
        if (!AwaitsAcks)
        {
            if (deliveries != 1) return;
            Delivered = new SequencePair(Math.Max(Delivered.Consumer, consumer), Math.Max(Delivered.Stream, stream));
            AckFloor = Delivered;
            observer.Released(stream);
            return;
        }
        // Entries from before a state that has been restored come again.
        if (consumer <= AckFloor.Consumer) return;
        if (deliveries > 1) CountRedelivery(stream, deliveries - 1);
        if (stream > Delivered.Stream) Add(stream, consumer, timestamp);
        else if (_pending is { } known && known.TryFind(stream, out var id)) known.SetTime(id, timestamp, DeadlineOf(stream, timestamp));
        Delivered = new SequencePair(Math.Max(Delivered.Consumer, consumer), Math.Max(Delivered.Stream, stream));
        var limit = Configuration.MaxDeliver;
        if (deliveries > 1 && limit > 0 && deliveries > (ulong)limit && _pending is { } pending && pending.TryFind(stream, out var given)) Drop(pending, given);
    }

    private void ApplyAck(ulong consumer, ulong stream, IConsumerObserver observer)
    {
        if (!AwaitsAcks) return;
        var wasRedelivered = _redelivered is not null && _redelivered.Remove(stream);
        var waited = false;
        if (consumer > AckFloor.Consumer && AcksCoverEarlier) ApplyAckOfAll(consumer, stream, observer);
        else if (consumer > AckFloor.Consumer && _pending is { } pending && pending.TryFind(stream, out var id))
        {
            Drop(pending, id);
            waited = true;
        }
        if ((waited || wasRedelivered) && !Needs(stream)) observer.Released(stream);
    }

    private void ApplyAckOfAll(ulong consumer, ulong stream, IConsumerObserver observer)
    {
        if (stream <= AckFloor.Stream || stream > Delivered.Stream) return;
        if (_redelivered is { Count: > 0 } redelivered)
        {
            foreach (var sequence in redelivered.Keys)
            {
                // Removing what was just seen is allowed while walking.
                if (sequence <= stream && redelivered.Remove(sequence) && _pending?.Contains(sequence) != true) observer.Released(sequence);
            }
        }
        var done = Math.Min(consumer, Delivered.Consumer);
        AckFloor = new SequencePair(done, stream);
        if (_pending is not { } pending) return;
        while (pending.First is var first && first != PendingMessages.None && pending.Sequence(first) <= stream)
        {
            var sequence = pending.Sequence(first);
            pending.Remove(first);
            observer.Released(sequence);
        }
        // A redelivery may be counted far behind messages that still wait.
        if (pending.First != PendingMessages.None) AckFloor = new SequencePair(Math.Min(done, pending.ConsumerSequence(pending.First) - 1), stream);
    }

    private void ApplySkip(ulong next, IConsumerObserver observer)
    {
        if (next == 0 || next - 1 <= Delivered.Stream) return;
        Delivered = Delivered with { Stream = next - 1 };
        if (AckPending > 0) return;
        AckFloor = AckFloor with { Stream = next - 1 };
        observer.ReleasedThrough(next - 1);
    }

    private void ApplyReset(ulong next, IConsumerObserver observer)
    {
        _pending = null;
        _redelivered = null;
        Delivered = new SequencePair(0, Math.Max(next, 1) - 1);
        AckFloor = Delivered;
        (LastDelivered, LastAcknowledged) = (0, 0);
        observer.ReleasedThrough(Delivered.Stream);
    }

    /// <summary>A message waits no more; the floor rises to the next one that does.</summary>
    private void Drop(PendingMessages pending, int id)
    {
        var wasFirst = id == pending.First;
        pending.Remove(id);
        if (pending.Count == 0) AckFloor = Delivered;
        else if (wasFirst) AckFloor = new SequencePair(pending.ConsumerSequence(pending.First) - 1, pending.Sequence(pending.First) - 1);
    }
}
