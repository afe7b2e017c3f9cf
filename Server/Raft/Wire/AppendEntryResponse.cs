using System.Buffers.Binary;

namespace NatsAspire.Server.Raft.Wire;

/// <summary>The answer to an append entry that came on the group's own subject; those of a catch-up are never answered.</summary>
/// <remarks>
/// <code>
/// response = u64 term, u64 index, 8 bytes peer, u8 success (1 or 0)      25 bytes, little-endian
/// </code>
/// Success: term and index of the peer's last entry. Failure with a reply subject: the same, and that subject asks to be
/// caught up. Failure without: the peer's current term; a leader of a lower one steps down.
/// </remarks>
/// <param name="Term">As above.</param>
/// <param name="Index">Index of the peer's last entry.</param>
/// <param name="Peer">Who answers.</param>
/// <param name="IsSuccess">The peer's log holds all entries up to <paramref name="Index"/>.</param>
public readonly record struct AppendEntryResponse(ulong Term, ulong Index, PeerId Peer, bool IsSuccess)
{
    /// <summary>Bytes of every response.</summary>
    public const int Length = 16 + PeerId.Length + 1;

    /// <summary>Reads a frame.</summary>
    /// <returns>False: another length, or no peer.</returns>
    public static bool TryRead(ReadOnlySpan<byte> frame, out AppendEntryResponse response)
    {
        response = default;
        if (frame.Length != Length || !PeerId.TryRead(frame.Slice(16, PeerId.Length), out var peer)) return false;
        response = new AppendEntryResponse(BinaryPrimitives.ReadUInt64LittleEndian(frame), BinaryPrimitives.ReadUInt64LittleEndian(frame[8..]), peer, frame[24] == 1);
        return true;
    }

    /// <summary>Writes the frame.</summary>
    /// <param name="target">At least <see cref="Length"/> bytes.</param>
    /// <returns>What was written.</returns>
    public ReadOnlySpan<byte> Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, Term);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], Index);
        Peer.Write(target[16..]);
        target[24] = IsSuccess ? (byte)1 : (byte)0;
        return target[..Length];
    }
}
