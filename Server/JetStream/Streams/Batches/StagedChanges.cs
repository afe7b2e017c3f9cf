using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Streams.Batches;

/// <summary>What the messages of a batch that are judged already will have changed, when it comes to the next.</summary>
internal sealed class StagedChanges
{
    /// <summary>Ids of messages.</summary>
    public HashSet<byte[]> Ids { get; } = new(ByteArrayComparer.Instance);

    /// <summary>What each counter will stand at, by subject.</summary>
    public Dictionary<byte[], CounterState> Counters { get; } = new(ByteArrayComparer.Instance);

    /// <summary>Subjects that are written to, with the number of their messages and whether the last is a schedule.</summary>
    public Dictionary<byte[], StagedSubject> Subjects { get; } = new(ByteArrayComparer.Instance);

    /// <summary>The last sequences that subjects were expected, and found, to have.</summary>
    public Dictionary<byte[], ulong> Expected { get; } = new(ByteArrayComparer.Instance);

    /// <summary>Messages judged.</summary>
    public ulong Messages { get; set; }

    /// <summary>What they count for the stream's limits.</summary>
    public ulong Bytes { get; set; }

    public void Clear()
    {
        Ids.Clear();
        Counters.Clear();
        Subjects.Clear();
        Expected.Clear();
        (Messages, Bytes) = (0, 0);
    }
}

/// <summary>A subject that a batch writes to.</summary>
/// <param name="Messages">How many of its messages.</param>
/// <param name="IsSchedule">The last of them is a schedule.</param>
internal readonly record struct StagedSubject(ulong Messages, bool IsSchedule);
