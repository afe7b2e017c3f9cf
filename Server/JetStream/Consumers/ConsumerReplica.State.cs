using System.Buffers;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Migration;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>The whole state as bytes: snapshots, checkpoints, and what a Go server keeps in <c>o.dat</c> (clusterwire.md §8.2).</summary>
public sealed partial class ConsumerReplica
{
    private const byte Magic = 22;
    private const byte Version = 2;
    private const long NanosecondsPerSecond = 1_000_000_000;
    private const int MostOfHead = 2 + (6 * SpanWriter.MaxVarintLength);

    /// <summary>
    /// Writes the state; equal states become equal bytes. Times of messages that wait are written to the second, so that
    /// they are due up to a second earlier after it was read.
    /// </summary>
    public void Encode(IBufferWriter<byte> target)
    {
        var writer = new SpanWriter(target.GetSpan(MostOfHead));
        writer.Byte(Magic);
        writer.Byte(Version);
        writer.Uvarint(AckFloor.Consumer);
        writer.Uvarint(AckFloor.Stream);
        writer.Uvarint(Delivered.Consumer);
        writer.Uvarint(Delivered.Stream);
        writer.Uvarint((ulong)AckPending);
        target.Advance(writer.Count);
        if (_pending is { Count: > 0 } pending) EncodePending(pending, target);
        EncodeRedelivered(target);
    }

    /// <summary>Goes on from a state, whatever was there before.</summary>
    /// <param name="bytes">Written by <see cref="Encode"/> or a Go server, of any version.</param>
    /// <returns>Null, or what is wrong; nothing has changed then.</returns>
    public string? Decode(ReadOnlySpan<byte> bytes)
    {
        if (GoConsumerState.Read(bytes, out var state) is { } error) return error;
        if (state.AckFloorConsumer > state.DeliveredConsumer || state.AckFloorStream > state.DeliveredStream) return "its floor lies above what was delivered";
        foreach (var one in state.Pending)
        {
            if (one.StreamSequence <= state.AckFloorStream || one.StreamSequence > state.DeliveredStream) return $"message {one.StreamSequence} cannot wait";
        }
        Delivered = new SequencePair(state.DeliveredConsumer, state.DeliveredStream);
        AckFloor = new SequencePair(state.AckFloorConsumer, state.AckFloorStream);
        _pending = null;
        _redelivered = null;
        foreach (var one in state.Redelivered) CountRedelivery(one.StreamSequence, one.Count);
        if (AwaitsAcks)
        {
            foreach (var one in state.Pending)
            {
                var consumer = Math.Max(one.ConsumerSequence, 1);
                if (_pending?.Contains(one.StreamSequence) != true) Add(one.StreamSequence, consumer, one.Timestamp);
                // Go servers count acknowledgements of redeliveries beyond messages that still wait.
                if (consumer <= AckFloor.Consumer) AckFloor = AckFloor with { Consumer = consumer - 1 };
            }
        }
        HasState = true;
        return null;
    }

    private void EncodePending(PendingMessages pending, IBufferWriter<byte> target)
    {
        var latest = long.MinValue;
        for (var id = pending.First; id != PendingMessages.None; id = pending.Next(id)) latest = Math.Max(latest, SecondsOf(pending, id));
        var writer = new SpanWriter(target.GetSpan(SpanWriter.MaxVarintLength));
        writer.Varint(latest);
        target.Advance(writer.Count);
        for (var id = pending.First; id != PendingMessages.None; id = pending.Next(id))
        {
            writer = new SpanWriter(target.GetSpan(3 * SpanWriter.MaxVarintLength));
            writer.Uvarint(pending.Sequence(id) - AckFloor.Stream);
            writer.Uvarint(pending.ConsumerSequence(id) - AckFloor.Consumer);
            writer.Varint(latest - SecondsOf(pending, id));
            target.Advance(writer.Count);
        }
    }

    private void EncodeRedelivered(IBufferWriter<byte> target)
    {
        var writer = new SpanWriter(target.GetSpan(SpanWriter.MaxVarintLength));
        writer.Uvarint((ulong)Redelivered);
        target.Advance(writer.Count);
        if (_redelivered is not { Count: > 0 } redelivered) return;
        foreach (var (sequence, count) in redelivered.OrderBy(one => one.Key))
        {
            writer = new SpanWriter(target.GetSpan(2 * SpanWriter.MaxVarintLength));
            // What was given up lies below the floor: the difference wraps around, here and when it is read.
            writer.Uvarint(unchecked(sequence - AckFloor.Stream));
            writer.Uvarint(count);
            target.Advance(writer.Count);
        }
    }

    private static long SecondsOf(PendingMessages pending, int id) => pending.Timestamp(id) / NanosecondsPerSecond;
}
