using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

/// <summary>What a member of a group found of itself on its disk.</summary>
public sealed record RaftStart
{
    public RaftOrigin Origin { get; init; } = RaftOrigin.Recovered;

    /// <summary>Of the last <see cref="IRaftEffects.SaveDoubt"/>.</summary>
    public bool MayHaveForgotten { get; init; }

    /// <summary>Of the last <see cref="IRaftEffects.SaveVote"/>.</summary>
    public ulong Term { get; init; }

    /// <summary>Of the last <see cref="IRaftEffects.SaveVote"/>.</summary>
    public PeerId Vote { get; init; }

    /// <summary>Of the last <see cref="IRaftEffects.SavePeers"/>; at the first start those it is created with.</summary>
    public required RaftPeers Peers { get; init; }

    /// <summary>
    /// Who was removed and has not been added since (<see cref="RaftPeers.NoteRemovals"/>): from now on they count as removed just now.
    /// </summary>
    public IReadOnlyCollection<PeerId> Removed { get; init; } = [];

    /// <summary>The newest one that is whole.</summary>
    public RaftSnapshot? Snapshot { get; init; }

    /// <summary>
    /// The log, oldest first, without gaps; what the snapshot covers may be among it. Copied. From the first frame on that
    /// does not continue the one before, everything is cut away, and the member counts as <see cref="RaftOrigin.Damaged"/>.
    /// </summary>
    public IEnumerable<ReadOnlyMemory<byte>> Frames { get; init; } = [];
}
