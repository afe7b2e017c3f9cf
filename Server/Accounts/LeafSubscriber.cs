namespace NatsAspire.Server.Accounts;

/// <summary>A leaf node connection of an account, seen from either of its ends.</summary>
public abstract class LeafSubscriber : LinkSubscriber
{
    public sealed override Subjects.SubscriberKind Kind => Subjects.SubscriberKind.Leaf;

    /// <summary>The cluster at the other end; empty: not known. A message that has come from it does not go back.</summary>
    public abstract ReadOnlySpan<byte> Cluster { get; }

    /// <summary>
    /// This server is the spoke: the hub at the other end is each server's own affair, so that routes are neither told of
    /// its interest nor get its messages.
    /// </summary>
    public abstract bool IsSpoke { get; }

    /// <summary>Whether a message may be sent to it, as far as where it comes from decides.</summary>
    /// <param name="source">Who hands it to this server.</param>
    /// <param name="origin">Cluster of the leaf node it has come from; empty: from none.</param>
    public bool MayGet(Subjects.Subscriber source, ReadOnlySpan<byte> origin) =>
        !ReferenceEquals(this, source) && (origin.IsEmpty || !origin.SequenceEqual(Cluster));
}
