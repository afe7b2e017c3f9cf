using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts;

/// <summary>Who it is that wants something; listeners of <see cref="LocalInterest"/> choose by it what they hear of.</summary>
/// <param name="Kind">Client: subscriptions here. Internal: imports and mappings. Others: what a link told.</param>
/// <param name="Origin">Cluster of the leaf node it stands for; null: none.</param>
/// <param name="Owner">The link that told; null: it is this server's own.</param>
public sealed record InterestSource(SubscriberKind Kind, byte[]? Origin = null, LinkSubscriber? Owner = null)
{
    /// <summary>Clients and services of this server.</summary>
    public static InterestSource Local { get; } = new(SubscriberKind.Client);

    /// <summary>Services of other accounts. Each server has its own.</summary>
    public static InterestSource Imports { get; } = new(SubscriberKind.Internal);

    /// <summary>Mappings of subjects, which lead elsewhere like imports.</summary>
    public static InterestSource Mappings { get; } = new(SubscriberKind.Internal);

    /// <summary>A leaf node whose hub this server is: to the cluster the same as a client.</summary>
    public bool IsOwnLeaf => Owner is LeafSubscriber { IsSpoke: false };
}
