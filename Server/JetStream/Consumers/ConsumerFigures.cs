namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>How a consumer stands. Times are nanoseconds since 1970, 0: never.</summary>
public readonly record struct ConsumerFigures
{
    public SequencePair Delivered { get; init; }

    public SequencePair AckFloor { get; init; }

    /// <summary>When the last message was delivered since this server leads.</summary>
    public long LastDelivered { get; init; }

    /// <summary>When the last acknowledgement came since this server leads.</summary>
    public long LastAcknowledged { get; init; }

    /// <summary>Messages that wait for an acknowledgement.</summary>
    public int AckPending { get; init; }

    /// <summary>Messages delivered more than once that are not acknowledged.</summary>
    public int Redelivered { get; init; }

    /// <summary>Pull requests that wait.</summary>
    public int Waiting { get; init; }

    /// <summary>Messages that are still to be delivered for the first time.</summary>
    public ulong Pending { get; init; }

    /// <summary>Somebody listens where messages are pushed.</summary>
    public bool IsPushBound { get; init; }

    public bool IsPaused { get; init; }

    /// <summary>Nanoseconds left of the pause.</summary>
    public long PauseRemaining { get; init; }

    /// <summary>The client pinned in its priority group; null: none.</summary>
    public string? PinnedId { get; init; }

    /// <summary>Since when.</summary>
    public long PinnedSince { get; init; }
}
