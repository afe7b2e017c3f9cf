namespace NatsAspire.Server.Clustering.Routes;

/// <summary>How other servers are told of a new one (INFO's gossip_mode).</summary>
internal static class GossipMode
{
    public const byte Default = 0;

    /// <summary>The receiver must not pass it on.</summary>
    public const byte Disabled = 1;

    /// <summary>The receiver passes it on although it learned of it by gossip.</summary>
    public const byte Override = 2;
}

/// <summary>An address to solicit a route from.</summary>
/// <param name="Url">nats-route://[user:password@]host:port.</param>
/// <param name="IsExplicit">Configured, and tried for ever; else learned from a peer.</param>
/// <param name="Gossip">How to pass the news on, as the INFO it was learned from said.</param>
/// <param name="PinnedAccount">Only for this account; null: a place in the pool.</param>
internal sealed record RouteTarget(Uri Url, bool IsExplicit, byte Gossip = GossipMode.Default, string? PinnedAccount = null)
{
    public string Address => $"{Url.Host}:{Url.Port}";
}
