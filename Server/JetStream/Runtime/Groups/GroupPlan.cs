using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>The group an asset is assigned to, as far as its server must know.</summary>
/// <param name="Name">Of the group.</param>
/// <param name="Peers">Its members.</param>
public sealed record GroupPlan(string Name, IReadOnlyList<PeerId> Peers)
{
    /// <summary>This server campaigns first, at once, when the group is new.</summary>
    public bool IsPreferred { get; init; }

    /// <summary>The group was made out of one member that has data: the others begin empty.</summary>
    public bool IsScaleUp { get; init; }

    /// <summary>Where members ask the leader for what they miss; empty: nowhere.</summary>
    public string Sync { get; init; } = "";

    /// <summary>The members of a group that was there before this server was to join it; empty: it is new, or this server was a member.</summary>
    public IReadOnlyList<PeerId> Before { get; init; } = [];

    /// <summary>This server may have been a member of it and have lost what it promised.</summary>
    public bool MayHaveForgotten { get; init; }

    /// <summary>
    /// What the group is of, to find it by after a restart when the assignment has come to name another one; empty: its owner
    /// knows the name itself.
    /// </summary>
    public string Owner { get; init; } = "";

    /// <summary>One member alone forms no group.</summary>
    public bool IsAlone => Peers.Count < 2;
}
