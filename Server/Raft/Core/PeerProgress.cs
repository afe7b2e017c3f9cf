using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

/// <summary>What is known of another member.</summary>
internal sealed class PeerProgress
{
    /// <summary>When it was heard last; null: not since somebody leads.</summary>
    public long? Heard { get; set; }

    /// <summary>Its log is the leader's up to here, durably; found in this term.</summary>
    public ulong Match { get; set; }

    /// <summary>The last index it told of.</summary>
    public ulong LastIndex { get; set; }

    /// <summary>Whether it was heard within some milliseconds.</summary>
    public bool WasHeard(long now, long within) => Heard is { } heard && now - heard < within;
}

/// <summary>A member as it is shown to the layer above.</summary>
/// <param name="Id">Who.</param>
/// <param name="IsCurrent">A leader's follower lags by nothing; a follower's leader was heard of late; oneself always.</param>
/// <param name="Heard">Monotonic milliseconds when it was heard last; null: not since somebody leads.</param>
/// <param name="Lag">Committed indexes its log does not hold, as far as the leader knows.</param>
public readonly record struct RaftPeer(PeerId Id, bool IsCurrent, long? Heard, ulong Lag);
