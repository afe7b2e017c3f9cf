using NatsAspire.Server.JetStream.Streams.Batches;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>What the leader of a stream must know of its server.</summary>
public sealed record StreamLeaderOptions
{
    /// <summary>The server's domain; null: none.</summary>
    public string? Domain { get; init; }

    /// <summary>The stream's account, named in advisories; null: it is not told.</summary>
    public string? Account { get; init; }

    /// <summary>Others must agree to what is proposed before it is applied.</summary>
    public bool IsReplicated { get; init; }

    /// <summary>All other replicas know entries that leave a range of sequences out (Go servers: 2.14 and later).</summary>
    public bool ProposesRanges { get; init; }

    /// <summary>Limits of batches (<c>jetstream { limits { ... } }</c>).</summary>
    public BatchLimits Batches { get; init; } = BatchLimits.Default;

    /// <summary>The batches under way in all streams of the server, which share it.</summary>
    public BatchTotals BatchTotals { get; init; } = new();
}
