using System.Buffers.Binary;

namespace NatsAspire.Server.Raft.Wire;

/// <summary>The answer to a <see cref="VoteRequest"/>.</summary>
/// <remarks>
/// <code>
/// response = u64 term, 8 bytes peer, u8 bits (1: granted, 2: the peer's log is empty)      17 bytes, little-endian
/// </code>
/// A vote of an empty log counts only when all of the group voted: who lost its disk may have forgotten what it promised.
/// </remarks>
/// <param name="Term">Term of who answers.</param>
/// <param name="Peer">Who answers.</param>
/// <param name="IsGranted">The candidate has its vote.</param>
/// <param name="IsEmpty">Its log is empty, or it may have lost some of it.</param>
public readonly record struct VoteResponse(ulong Term, PeerId Peer, bool IsGranted, bool IsEmpty)
{
    /// <summary>Bytes of every response.</summary>
    public const int Length = 8 + PeerId.Length + 1;

    private const byte GrantedBit = 1;
    private const byte EmptyBit = 2;

    /// <summary>Reads a frame; bits that are not known are ignored.</summary>
    /// <returns>False: another length, or no peer.</returns>
    public static bool TryRead(ReadOnlySpan<byte> frame, out VoteResponse response)
    {
        response = default;
        if (frame.Length != Length || !PeerId.TryRead(frame.Slice(8, PeerId.Length), out var peer)) return false;
        var bits = frame[16];
        response = new VoteResponse(BinaryPrimitives.ReadUInt64LittleEndian(frame), peer, (bits & GrantedBit) != 0, (bits & EmptyBit) != 0);
        return true;
    }

    /// <summary>Writes the frame.</summary>
    /// <param name="target">At least <see cref="Length"/> bytes.</param>
    /// <returns>What was written.</returns>
    public ReadOnlySpan<byte> Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, Term);
        Peer.Write(target[8..]);
        target[16] = (byte)((IsGranted ? GrantedBit : 0) | (IsEmpty ? EmptyBit : 0));
        return target[..Length];
    }
}
