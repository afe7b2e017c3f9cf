using NatsAspire.Server.JetStream.Meta.Assignments;

namespace NatsAspire.Server.JetStream.Meta;

/// <summary>How an assignment came to be: what clients are told depends on it.</summary>
public enum MetaOrigin
{
    /// <summary>An entry that assigns; the leader of the new group answers the request that stands in the assignment.</summary>
    Assigned,

    /// <summary>An entry that updates a stream; the answer is that of an update.</summary>
    Updated,

    /// <summary>
    /// Replayed from the log or taken from a snapshot: nobody is answered, no advisories, and who is preferred, whether the
    /// group is scaled up and what is to be restored belong to the past.
    /// </summary>
    Recovered,
}

/// <summary>Why this server stops an asset.</summary>
public enum MetaStop
{
    /// <summary>Other servers hold it now. What is on this disk is stale and may go; the group's leadership is handed on.</summary>
    NotMember,

    /// <summary>This server does not understand it. Everything stays on disk, untouched.</summary>
    Unsupported,
}

/// <summary>An asset's way from one assignment to the next, as the log says it.</summary>
/// <param name="Before">What it was; null: it is new.</param>
/// <param name="After">What it is; with the state to be restored, unless <paramref name="Origin"/> is a recovery.</param>
/// <param name="Origin">How it came to be.</param>
/// <typeparam name="T"><see cref="StreamAssignment"/> or <see cref="ConsumerAssignment"/>.</typeparam>
public readonly record struct MetaChange<T>(T? Before, T After, MetaOrigin Origin) where T : class;

/// <summary>The removal of an asset that the log asks for.</summary>
/// <param name="Request">The entry's: who asked and waits. A member's asset made at another time than <c>Request.Created</c> is another one and stays.</param>
/// <param name="Known">What was assigned; null: nothing, though an old one may lie on disk.</param>
/// <param name="IsMember">Whether this server held it.</param>
/// <param name="WasOffline">It did not run here, so that the meta leader may have to answer.</param>
/// <param name="Origin">Nobody is answered in a recovery.</param>
/// <typeparam name="T"><see cref="StreamAssignment"/> or <see cref="ConsumerAssignment"/>.</typeparam>
public readonly record struct MetaRemoval<T>(T Request, T? Known, bool IsMember, bool WasOffline, MetaOrigin Origin) where T : class;

/// <summary>
/// What the assignments ask of this server, in the order of the log. Called within <see cref="MetaState"/>'s methods,
/// when <see cref="MetaState.Current"/> has already changed. Nothing here deletes what no entry of the log has named.
/// </summary>
public interface IMetaEffects
{
    /// <summary>
    /// This server is to hold the stream. If it does already (or its files are there), it becomes what the assignment
    /// says; otherwise it is made. Where nothing differs from <c>Before</c>, an assignment that is no recovery is a repeated
    /// request, which is answered again.
    /// </summary>
    void PlaceStream(MetaChange<StreamAssignment> change);

    /// <summary>This server is not to run the stream. Does nothing where there is none.</summary>
    void StopStream(StreamAssignment stream, MetaStop reason);

    /// <summary>The stream goes, with its consumers. Also called where this server is no member, for answers.</summary>
    void RemoveStream(MetaRemoval<StreamAssignment> removal);

    /// <summary>As <see cref="PlaceStream"/>; <c>After.State</c> is where the consumer is to be, unless it has come further already.</summary>
    void PlaceConsumer(MetaChange<ConsumerAssignment> change);

    /// <summary>This server is not to run the consumer. Does nothing where there is none.</summary>
    void StopConsumer(ConsumerAssignment consumer, MetaStop reason);

    /// <summary>The consumer goes. Also called where this server is no member, for answers.</summary>
    void RemoveConsumer(MetaRemoval<ConsumerAssignment> removal);

    /// <summary>A server joined the meta group; a meta leader fills groups that lack a peer.</summary>
    void PeerAdded(string peer);

    /// <summary>A server was taken out of the meta group; a meta leader replaces it in all groups. If it is this one, JetStream ends here.</summary>
    void PeerRemoved(string peer);

    /// <summary>
    /// All that was staged has been carried out: time for a snapshot. The first time after the start also for a look at
    /// orphans (<see cref="MetaState.FindOrphans"/>), half a minute later and only while the group has a leader.
    /// </summary>
    void RecoveryDone(bool isFirst);
}
