namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>What happened at a consumer that others may want to hear of: an advisory, or a metric.</summary>
public enum ConsumerEventKind
{
    /// <summary>A message was acknowledged, and sampled: the metric.</summary>
    Acknowledged,

    /// <summary>A message was refused.</summary>
    Naked,

    /// <summary>A message was terminated, by a client or because it left the stream.</summary>
    Terminated,

    /// <summary>A message was delivered as often as may be, and is given up.</summary>
    MaxDeliveries,

    /// <summary>A client of a priority group is pinned.</summary>
    Pinned,

    /// <summary>It is pinned no more.</summary>
    Unpinned,

    /// <summary>The consumer pauses, or its pause is over.</summary>
    Paused,
}

/// <summary>An event; what a kind has no use for is left at its default.</summary>
public readonly record struct ConsumerEvent(ConsumerEventKind Kind)
{
    public ulong StreamSequence { get; init; }

    public ulong ConsumerSequence { get; init; }

    /// <summary>Deliveries of the message.</summary>
    public ulong Deliveries { get; init; }

    /// <summary>Nanoseconds from the delivery to the acknowledgement.</summary>
    public long Delay { get; init; }

    /// <summary>Why: of <see cref="ConsumerEventKind.Terminated"/> (null: none was given) and <see cref="ConsumerEventKind.Unpinned"/>.</summary>
    public string? Reason { get; init; }

    /// <summary>The priority group.</summary>
    public string? Group { get; init; }

    /// <summary>Of the client pinned.</summary>
    public string? PinId { get; init; }

    /// <summary>When the pause ends, nanoseconds since 1970; null: there is none.</summary>
    public long? PauseUntil { get; init; }

    /// <summary>Whether it pauses now.</summary>
    public bool IsPaused { get; init; }
}
