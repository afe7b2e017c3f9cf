using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Meta.Peers;

/// <summary>What this server knows of a server of its JetStream domain. Immutable.</summary>
public sealed record PeerInfo
{
    /// <summary>Hash of <see cref="Name"/>.</summary>
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>The server's own id, a public key; changes with each start.</summary>
    public string ServerId { get; init; } = "";

    public string Version { get; init; } = "";

    public string Cluster { get; init; } = "";

    public string Domain { get; init; } = "";

    public ValueList<string> Tags { get; init; }

    /// <summary>What JetStream may use there; null: not said yet.</summary>
    public PeerLimits? Limits { get; init; }

    /// <summary>What JetStream uses there; null: not said yet.</summary>
    public PeerUsage? Usage { get; init; }

    /// <summary>It said goodbye, or nothing for long.</summary>
    public bool IsOffline { get; init; }

    public bool HasJetStream { get; init; }

    /// <summary>It reads snapshots of streams that are not JSON.</summary>
    public bool ReadsBinarySnapshots { get; init; }

    /// <summary>It can carry an account's Raft traffic in the account.</summary>
    public bool HasAccountTraffic { get; init; }

    /// <summary>It does not leave a group before the others have what it has.</summary>
    public bool StaysUntilRelieved { get; init; }

    /// <summary>Milliseconds of the monotonic clock when it was last heard.</summary>
    public long LastHeard { get; init; }

    /// <summary>When it said that it knows of no meta leader, by the same clock; null: what it said last was something else.</summary>
    public long? LeaderlessAt { get; init; }

    /// <summary>Only of servers that have told their figures something is known; no other gets an asset.</summary>
    public bool IsSelectable => Limits is not null && Usage is not null;

    /// <summary>Whether it has a tag, in any case as clients write them.</summary>
    public bool HasTag(string tag)
    {
        // Servers keep their own tags in small letters.
        tag = tag.ToLowerInvariant();
        foreach (var one in Tags.AsSpan())
        {
            if (one == tag) return true;
        }
        return false;
    }
}

/// <summary>Bytes that JetStream may use on a server.</summary>
public sealed record PeerLimits(long MaxMemory, long MaxStorage);

/// <summary>What JetStream uses on a server: bytes in use and promised, and the Raft groups it takes part in.</summary>
public sealed record PeerUsage(ulong Memory, ulong Storage, ulong ReservedMemory, ulong ReservedStorage, int HaAssets);
