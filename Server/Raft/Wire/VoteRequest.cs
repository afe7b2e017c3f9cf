using System.Buffers.Binary;

namespace NatsAspire.Server.Raft.Wire;

/// <summary>A candidate asks to be elected.</summary>
/// <remarks>
/// <code>
/// request = u64 term, u64 last term, u64 last index, 8 bytes candidate      32 bytes, little-endian
/// </code>
/// </remarks>
/// <param name="Term">Term it wants to lead.</param>
/// <param name="LastTerm">Term of its last entry; 0: its log is empty.</param>
/// <param name="LastIndex">Index of its last entry.</param>
/// <param name="Candidate">Who asks.</param>
public readonly record struct VoteRequest(ulong Term, ulong LastTerm, ulong LastIndex, PeerId Candidate)
{
    /// <summary>Bytes of every request.</summary>
    public const int Length = 24 + PeerId.Length;

    /// <summary>Reads a frame.</summary>
    /// <returns>False: another length, or no candidate.</returns>
    public static bool TryRead(ReadOnlySpan<byte> frame, out VoteRequest request)
    {
        request = default;
        if (frame.Length != Length || !PeerId.TryRead(frame[24..], out var candidate)) return false;
        request = new VoteRequest(
            BinaryPrimitives.ReadUInt64LittleEndian(frame),
            BinaryPrimitives.ReadUInt64LittleEndian(frame[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(frame[16..]),
            candidate);
        return true;
    }

    /// <summary>Writes the frame.</summary>
    /// <param name="target">At least <see cref="Length"/> bytes.</param>
    /// <returns>What was written.</returns>
    public ReadOnlySpan<byte> Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, Term);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], LastTerm);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], LastIndex);
        Candidate.Write(target[24..]);
        return target[..Length];
    }
}
