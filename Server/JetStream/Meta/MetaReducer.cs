using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Replication;

namespace NatsAspire.Server.JetStream.Meta;

/// <summary>What entries make of assignments; nothing else decides that, so that replaying and living through a log lead to the same.</summary>
internal static class MetaReducer
{
    /// <summary>The assignments behind an entry.</summary>
    public static MetaAssignments Reduce(MetaAssignments before, MetaEntry entry) => entry.Operation switch
    {
        EntryOperation.AssignStream => Assign(before, entry.Stream!),
        // A stream that went in the meantime does not come back by an update.
        EntryOperation.UpdateStream => before.Find(entry.Stream!.Account, entry.Stream.Name) is null ? before : Assign(before, entry.Stream),
        EntryOperation.RemoveStream => before.Without(entry.Stream!.Account, entry.Stream.Name),
        EntryOperation.RemoveConsumer => Remove(before, entry.Consumer!),
        _ => Assign(before, entry.Consumer!),
    };

    /// <summary>A stream keeps its consumers, and what was offline here stays so.</summary>
    private static MetaAssignments Assign(MetaAssignments all, StreamAssignment stream)
    {
        var before = all.Find(stream.Account, stream.Name);
        return all.With(new AssignedStream(stream with { RestoreState = null })
        {
            Consumers = before?.Consumers ?? AssignedStream.NoConsumers,
            OfflineReason = stream.Unsupported ?? before?.OfflineReason,
        });
    }

    /// <summary>The stream may have been removed while the consumer was on its way; then nobody misses it.</summary>
    private static MetaAssignments Assign(MetaAssignments all, ConsumerAssignment consumer)
    {
        if (all.Find(consumer.Account, consumer.Stream) is not { } stream) return all;
        var before = stream.Consumers.GetValueOrDefault(consumer.Name);
        var after = new AssignedConsumer(consumer with { State = null }) { OfflineReason = consumer.Unsupported ?? before?.OfflineReason };
        stream = stream.With(after);
        // All of the stream: with interest retention it would drop what this consumer wants.
        return all.With(after.OfflineReason is null ? stream : stream with { OfflineReason = stream.OfflineReason ?? UnsupportedReason.OfConsumer(consumer.Name) });
    }

    private static MetaAssignments Remove(MetaAssignments all, ConsumerAssignment consumer) => Named(all, consumer) is null
        ? all
        : all.Find(consumer.Account, consumer.Stream) is { } stream ? all.With(stream with { Consumers = stream.Consumers.Remove(consumer.Name) }) : all;

    /// <summary>The consumer that a removal means: a later one of the same name has another group, and is not meant.</summary>
    public static AssignedConsumer? Named(MetaAssignments all, ConsumerAssignment removal) =>
        all.Find(removal.Account, removal.Stream, removal.Name) is { } consumer && consumer.Assignment.Group.Name == removal.Group.Name ? consumer : null;
}
