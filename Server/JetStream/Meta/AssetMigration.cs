using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Meta;

/// <summary>What the leader of an asset that moves has to do next.</summary>
public enum MigrationStep
{
    /// <summary>Nothing: it does not move, or not any more.</summary>
    Done,

    /// <summary>Nothing yet: to be asked again.</summary>
    Wait,

    /// <summary>The group shrinks to <see cref="Migration.Peers"/>, and <see cref="Migration.Leader"/> leads next.</summary>
    HandOver,

    /// <summary>The group shrinks to <see cref="Migration.Peers"/>, and <see cref="Migration.Entry"/> is forwarded to the meta leader.</summary>
    Shrink,
}

/// <summary>A step of a move.</summary>
/// <param name="Step">What to do.</param>
/// <param name="Peers">Who stays.</param>
/// <param name="Leader">Who leads next.</param>
/// <param name="Entry">What the meta group is to know.</param>
public sealed record Migration(MigrationStep Step, ValueList<string> Peers = default, string? Leader = null, MetaEntry? Entry = null)
{
    internal static Migration Done { get; } = new(MigrationStep.Done);

    internal static Migration Wait { get; } = new(MigrationStep.Wait);
}

/// <summary>
/// Moves from the point of view of who leads the asset. A group that moves has its new peers behind the old ones. The old
/// leader hands over when a majority of the new ones has everything; the new one takes the old ones out, a stream's after
/// its consumers have gone.
/// </summary>
public static class AssetMigration
{
    /// <summary>The next step of a stream.</summary>
    /// <param name="stream">As it is assigned, with its consumers.</param>
    /// <param name="self">This server, which leads the stream.</param>
    /// <param name="cluster">Where this server is.</param>
    /// <param name="isCurrent">Whether a peer has everything.</param>
    public static Migration Next(AssignedStream stream, string self, string cluster, Func<string, bool> isCurrent)
    {
        var assignment = stream.Assignment;
        if (!TrySplit(assignment.Group, assignment.Configuration.Replicas, out var leaving, out var staying)) return Migration.Done;
        if (!staying.Contains(self)) return HandOver(staying, isCurrent);
        var isHeldUp = stream.Consumers.Values.Any(consumer => consumer.OfflineReason is null && consumer.Assignment.Group.Peers.Any(leaving.Contains));
        if (isHeldUp) return Migration.Wait;
        var group = assignment.Group with { Peers = staying, Preferred = self, Cluster = cluster };
        return new Migration(MigrationStep.Shrink, staying, Entry: MetaEntry.UpdateStream(assignment with { Group = group, RestoreState = null }));
    }

    /// <summary>The next step of a consumer.</summary>
    /// <param name="consumer">As it is assigned.</param>
    /// <param name="stream">What its stream is.</param>
    /// <param name="self">This server, which leads the consumer.</param>
    /// <param name="cluster">Where this server is.</param>
    /// <param name="isCurrent">Whether a peer has everything.</param>
    public static Migration Next(ConsumerAssignment consumer, StreamConfiguration stream, string self, string cluster, Func<string, bool> isCurrent)
    {
        if (!TrySplit(consumer.Group, consumer.Configuration.ReplicasOf(stream), out _, out var staying)) return Migration.Done;
        if (!staying.Contains(self)) return HandOver(staying, isCurrent);
        var group = (consumer.Group with { Peers = staying, Cluster = cluster }).Sound();
        return new Migration(MigrationStep.Shrink, staying, Entry: MetaEntry.AssignConsumer(consumer with { Group = group, State = null }));
    }

    private static bool TrySplit(RaftGroupAssignment group, long replicas, out ValueList<string> leaving, out ValueList<string> staying)
    {
        leaving = staying = [];
        if (replicas <= 0 || group.Peers.Count <= replicas) return false;
        leaving = [.. group.Peers.AsSpan()[..^(int)replicas]];
        staying = [.. group.Peers.AsSpan()[^(int)replicas..]];
        return true;
    }

    private static Migration HandOver(ValueList<string> staying, Func<string, bool> isCurrent)
    {
        var current = staying.Where(isCurrent).ToList();
        return current.Count >= (staying.Count / 2) + 1 ? new Migration(MigrationStep.HandOver, staying, current[0]) : Migration.Wait;
    }
}
