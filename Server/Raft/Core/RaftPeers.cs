using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

/// <summary>The members of a group as they were agreed on.</summary>
/// <param name="Size">Members it has. While it forms, those it expects: more than are known.</param>
/// <param name="Ids">Those known, sorted.</param>
/// <param name="Index">Changes in the log up to here are in it.</param>
/// <param name="DomainExtension">Carried along for the layer above: 0 not known, 1 extended, 2 not.</param>
public sealed record RaftPeers(int Size, IReadOnlyList<PeerId> Ids, ulong Index = 0, ushort DomainExtension = 0)
{
    /// <summary>All members of a group are known.</summary>
    public static RaftPeers Of(params ReadOnlySpan<PeerId> ids)
    {
        var sorted = Sorted(ids);
        return new RaftPeers(sorted.Length, sorted);
    }

    /// <summary>Some members of a group that forms are known.</summary>
    /// <param name="size">How many are expected.</param>
    /// <param name="ids">Those known.</param>
    public static RaftPeers Expecting(int size, params ReadOnlySpan<PeerId> ids)
    {
        var sorted = Sorted(ids);
        return new RaftPeers(Math.Max(size, sorted.Length), sorted);
    }

    /// <summary>The encoding of entries, snapshots and <c>peers.idx</c>.</summary>
    public byte[] Encode()
    {
        var bytes = new byte[PeerState.LengthOf(Ids.Count)];
        PeerState.Write(bytes, Size, [.. Ids], DomainExtension);
        return bytes;
    }

    /// <summary>Reads what <see cref="Encode"/> or a Go server wrote.</summary>
    /// <param name="source">The encoding.</param>
    /// <param name="index">Where in the log it stands.</param>
    /// <param name="peers">What was read.</param>
    /// <returns>False: it is cut.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> source, ulong index, out RaftPeers peers)
    {
        var there = PeerState.TryRead(source, out var size, out var ids, out var extension);
        var sorted = Sorted(ids);
        peers = new RaftPeers(Math.Max(size, sorted.Length), sorted, index, extension);
        return there;
    }

    /// <summary>Others are the members: who was one is removed, who has become one is so no more.</summary>
    /// <param name="removed">Those who were removed before.</param>
    /// <param name="before">The members before.</param>
    /// <param name="after">Those now.</param>
    public static void NoteRemovals(ISet<PeerId> removed, RaftPeers before, RaftPeers after)
    {
        removed.UnionWith(before.Ids);
        removed.ExceptWith(after.Ids);
    }

    internal static PeerId[] Sorted(ReadOnlySpan<PeerId> ids)
    {
        var distinct = new SortedSet<PeerId>();
        foreach (var id in ids)
        {
            if (!id.IsNone) distinct.Add(id);
        }
        return [.. distinct];
    }
}
