using System.Text;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Storage.Migration;

/// <summary>When a message ends (<c>thw.db</c>).</summary>
/// <param name="Sequence">Which.</param>
/// <param name="Expires">Nanoseconds since 1970.</param>
public readonly record struct GoExpiry(ulong Sequence, long Expires);

/// <summary>When a schedule fires next (<c>sched.db</c>).</summary>
/// <param name="Subject">Of the schedule.</param>
/// <param name="Sequence">The message that holds it.</param>
/// <param name="Next">Nanoseconds since 1970.</param>
public readonly record struct GoSchedule(string Subject, ulong Sequence, long Next);

/// <summary>
/// The timer files of a stream: <c>1 count(8) high(8)</c>, then entries: expiry varint and sequence for TTLs; subject behind
/// its length (2), time varint and sequence for schedules. Both can be made again from the messages' headers; sequences
/// from <c>high</c> on are not in them.
/// </summary>
public static class GoTimers
{
    private const byte Version = 1;

    /// <summary>Reads <c>thw.db</c>.</summary>
    /// <param name="file">Its content.</param>
    /// <param name="expiries">What was read, in no order.</param>
    /// <param name="high">One more than the last sequence it covers.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? ReadExpiries(ReadOnlySpan<byte> file, out IReadOnlyList<GoExpiry> expiries, out ulong high)
    {
        var read = new List<GoExpiry>();
        expiries = read;
        var reader = new SpanReader(file);
        if (Begin(ref reader, out var count, out high) is { } error) return error;
        for (ulong i = 0; i < count; i++)
        {
            if (!reader.TryReadVarint(out var expires) || !reader.TryReadUvarint(out var sequence)) return "it ends early";
            read.Add(new GoExpiry(sequence, expires));
        }
        return null;
    }

    /// <summary>Reads <c>sched.db</c>.</summary>
    /// <param name="file">Its content.</param>
    /// <param name="schedules">What was read, in no order.</param>
    /// <param name="high">One more than the last sequence it covers.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? ReadSchedules(ReadOnlySpan<byte> file, out IReadOnlyList<GoSchedule> schedules, out ulong high)
    {
        var read = new List<GoSchedule>();
        schedules = read;
        var reader = new SpanReader(file);
        if (Begin(ref reader, out var count, out high) is { } error) return error;
        for (ulong i = 0; i < count; i++)
        {
            if (!reader.TryReadShortBytes(out var subject) || !reader.TryReadVarint(out var next) || !reader.TryReadUvarint(out var sequence)) return "it ends early";
            read.Add(new GoSchedule(Encoding.UTF8.GetString(subject), sequence, next));
        }
        return null;
    }

    private static string? Begin(ref SpanReader reader, out ulong count, out ulong high)
    {
        (count, high) = (0, 0);
        if (!reader.TryReadByte(out var version)) return "it is empty";
        if (version != Version) return $"version {version} is not known";
        return reader.TryReadUInt64(out count) && reader.TryReadUInt64(out high) ? null : "it ends early";
    }
}
