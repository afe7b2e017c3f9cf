using System.Collections.Immutable;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Storage.Migration;

/// <summary>A message that was delivered and not acknowledged.</summary>
/// <param name="StreamSequence">Of the message.</param>
/// <param name="ConsumerSequence">Of the delivery.</param>
/// <param name="Timestamp">When, nanoseconds since 1970, to the second.</param>
public readonly record struct GoPending(ulong StreamSequence, ulong ConsumerSequence, long Timestamp);

/// <summary>A message that was delivered more than once, and how often it was delivered again.</summary>
public readonly record struct GoRedelivered(ulong StreamSequence, ulong Count);

/// <summary>
/// How far a consumer has come (<c>o.dat</c>):
/// <code>
/// 22 version floor(consumer) floor(stream) delivered(consumer) delivered(stream)
/// pending [base time] pending×{stream - floor  [consumer - floor]  base - time}  redelivered×{stream - floor  count}
/// </code>
/// Version 1 has no consumer sequences of pending messages, times the other way round, and delivered above the floors.
/// </summary>
public sealed record GoConsumerState
{
    private const byte Magic = 22;
    private const long NanosecondsPerSecond = 1_000_000_000;

    public ulong DeliveredConsumer { get; init; }

    public ulong DeliveredStream { get; init; }

    public ulong AckFloorConsumer { get; init; }

    public ulong AckFloorStream { get; init; }

    /// <summary>By stream sequence.</summary>
    public ImmutableArray<GoPending> Pending { get; init; } = [];

    /// <summary>By stream sequence.</summary>
    public ImmutableArray<GoRedelivered> Redelivered { get; init; } = [];

    /// <summary>Reads a state.</summary>
    /// <param name="bytes">The plain file.</param>
    /// <param name="state">What was read.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? Read(ReadOnlySpan<byte> bytes, out GoConsumerState state)
    {
        state = new GoConsumerState();
        var reader = new SpanReader(bytes);
        if (!reader.TryReadByte(out var magic) || magic != Magic || !reader.TryReadByte(out var version)) return "no such file";
        if (version is not (1 or 2)) return $"version {version} is not known";
        if (!reader.TryReadUvarint(out var floorConsumer) || !reader.TryReadUvarint(out var floorStream)
            || !reader.TryReadUvarint(out var deliveredConsumer) || !reader.TryReadUvarint(out var deliveredStream)) return "it ends early";
        if (version == 1)
        {
            if (floorConsumer > 1) deliveredConsumer += floorConsumer - 1;
            if (floorStream > 1) deliveredStream += floorStream - 1;
        }
        if ((floorStream | deliveredStream) >> 63 != 0) return "a sequence has run backwards";
        state = new GoConsumerState
        {
            DeliveredConsumer = deliveredConsumer,
            DeliveredStream = deliveredStream,
            AckFloorConsumer = floorConsumer,
            AckFloorStream = floorStream,
        };
        if (!TryReadPending(ref reader, version, state, out var pending)) return "its pending messages are damaged";
        if (!TryReadRedelivered(ref reader, floorStream, out var redelivered)) return "its redelivered messages are damaged";
        state = state with { Pending = pending, Redelivered = redelivered };
        return null;
    }

    private static bool TryReadPending(ref SpanReader reader, byte version, GoConsumerState state, out ImmutableArray<GoPending> pending)
    {
        pending = [];
        if (!reader.TryReadUvarint(out var count)) return false;
        if (count == 0) return true;
        if (!reader.TryReadVarint(out var start)) return false;
        var read = new List<GoPending>();
        for (ulong i = 0; i < count; i++)
        {
            ulong consumer = 0;
            if (!reader.TryReadUvarint(out var stream) || (version == 2 && !reader.TryReadUvarint(out consumer)) || !reader.TryReadVarint(out var time)) return false;
            stream += state.AckFloorStream;
            if (stream == 0) return false;
            if (version == 2) consumer += state.AckFloorConsumer;
            var seconds = version == 1 ? start + time : start - time;
            read.Add(new GoPending(stream, consumer, unchecked(seconds * NanosecondsPerSecond)));
        }
        pending = [.. read.OrderBy(one => one.StreamSequence)];
        return true;
    }

    /// <summary>States of old servers end before this.</summary>
    private static bool TryReadRedelivered(ref SpanReader reader, ulong floor, out ImmutableArray<GoRedelivered> redelivered)
    {
        redelivered = [];
        if (reader.IsAtEnd) return true;
        if (!reader.TryReadUvarint(out var count)) return false;
        var read = new List<GoRedelivered>();
        for (ulong i = 0; i < count; i++)
        {
            if (!reader.TryReadUvarint(out var stream) || !reader.TryReadUvarint(out var times)) return false;
            // What was given up after too many deliveries may stand at the floor, or below it.
            if (times > 0) read.Add(new GoRedelivered(unchecked(stream + floor), times));
        }
        redelivered = [.. read.OrderBy(one => one.StreamSequence)];
        return true;
    }
}
