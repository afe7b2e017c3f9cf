using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>What the leader of a consumer must know of its server and stream. One for all consumers of a stream.</summary>
public sealed record ConsumerLeaderOptions
{
    /// <summary>The stream's name.</summary>
    public required string Stream { get; init; }

    /// <summary>
    /// What stands between <c>$JS.ACK.</c> or <c>$JS.FC.</c> and the stream's name, with its dot: empty for version 1 of these subjects,
    /// <c>domain.hash.</c> for version 2.
    /// </summary>
    public string SubjectScope { get; init; } = "";

    /// <summary>The stream keeps one message of each subject, so that the last one of each is just every one.</summary>
    public bool KeepsOnePerSubject { get; init; }

    /// <summary>Bytes that a rate limit lets through at once: the largest message there can be.</summary>
    public long RateBurst { get; init; } = 1024 * 1024;

    /// <summary>Others must agree to what is proposed before it is applied.</summary>
    public bool IsReplicated { get; init; }

    /// <summary>Decides about samples, jitter and the ends of flow control subjects.</summary>
    public Random Random { get; init; } = Random.Shared;

    /// <summary>Makes ids for pinned clients.</summary>
    public Func<string> NewId { get; init; } = UniqueId.Next;

    /// <summary>Room that all consumers of a mailbox share.</summary>
    public ConsumerWorkspace Workspace { get; init; } = new();
}
