using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Leader;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>What the meta group's part of a server is made of. Simulations put others in place: chance that can be repeated, and mistakes.</summary>
internal sealed record MetaParts
{
    /// <summary>A random number from 0 to below a bound.</summary>
    public Func<int, int> Random { get; init; } = FastRandom.Next;

    /// <summary>See <see cref="IMetaEnvironment.NewHash"/>.</summary>
    public Func<string> NewHash { get; init; } = static () => NodeHash.Of(UniqueId.Next());

    /// <summary>What assignments ask of this server.</summary>
    public Func<IMetaEffects, IMetaEffects> Effects { get; init; } = static effects => effects;

    /// <summary>What the leader does.</summary>
    public Func<IMetaLeaderEffects, IMetaLeaderEffects> LeaderEffects { get; init; } = static effects => effects;

    /// <summary>Who hears what was applied of what the leader has proposed.</summary>
    public Func<MetaProposals, IMetaObserver> Observer { get; init; } = static proposals => proposals;
}
