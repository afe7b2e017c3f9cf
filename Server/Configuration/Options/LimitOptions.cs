namespace NatsAspire.Server.Configuration;

/// <summary>What one connection may take, and what the server does with slow ones.</summary>
public sealed record LimitOptions
{
    /// <summary>Bytes of one control line, its CRLF excluded. 1..</summary>
    public int MaxControlLine { get; init; } = Defaults.MaxControlLine;

    /// <summary>Bytes of one message, headers included; not above <see cref="MaxPending"/>. At most 64 MiB.</summary>
    public int MaxPayload { get; init; } = Defaults.MaxPayload;

    /// <summary>Bytes waiting for one client before it is a slow consumer.</summary>
    public long MaxPending { get; init; } = Defaults.MaxPending;

    /// <summary>Client connections of the server; 0 or less refuses all.</summary>
    public int MaxConnections { get; init; } = Defaults.MaxConnections;

    /// <summary>Subscriptions of one connection: 0 or -1 unlimited.</summary>
    public int MaxSubscriptions { get; init; }

    /// <summary>Tokens of a subscription's subject: 0 unlimited, at most 255.</summary>
    public int MaxSubscriptionTokens { get; init; }

    public TimeSpan PingInterval { get; init; } = Defaults.PingInterval;

    /// <summary>Unanswered PINGs after which a connection is stale.</summary>
    public int MaxPingsOut { get; init; } = Defaults.MaxPingsOut;

    /// <summary>A blocked write closes its connection after this long.</summary>
    public TimeSpan WriteDeadline { get; init; } = Defaults.WriteDeadline;

    /// <summary>Off: publishers are slowed while a consumer's queue is three quarters full.</summary>
    public bool NoFastProducerStall { get; init; }

    /// <summary>Refuse headers altogether (<c>no_header_support</c>).</summary>
    public bool NoHeaderSupport { get; init; }

    /// <summary>Keep no cache of match results (<c>disable_sublist_cache</c>).</summary>
    public bool DisableSublistCache { get; init; }

    /// <summary>Closed connections remembered for /connz.</summary>
    public int MaxClosedClients { get; init; } = 10_000;
}
