using System.Buffers;
using System.Buffers.Binary;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>
/// A group's effects in the write-ahead log; each takes the index after the last one's.
/// <code>
/// vote     = term:u64 id:u64              peers    = as in GroupState
/// append   = AppendEntry                  truncate = last-index:u64
/// install  = snapshot, as in GroupState   doubt    = 0:u8 / 1:u8
/// </code>
/// </summary>
internal static class GroupRecord
{
    public const byte Vote = 1;
    public const byte Peers = 2;
    public const byte Append = 3;
    public const byte Truncate = 4;
    public const byte Install = 5;
    public const byte Doubt = 6;

    /// <summary>Added to the kind: it is encrypted.</summary>
    public const byte Sealed = 0x40;

    public static void WriteVote(IBufferWriter<byte> to, ulong term, PeerId vote)
    {
        GroupState.Write(to, term);
        GroupState.Write(to, vote.Value);
    }

    /// <summary>Takes a record back in at the start.</summary>
    /// <param name="state">What was before it.</param>
    /// <param name="kind">Without <see cref="Sealed"/>.</param>
    /// <param name="payload">Decrypted.</param>
    /// <exception cref="CorruptStoreException">It is none that this version knows.</exception>
    public static void Replay(GroupState state, byte kind, ReadOnlySpan<byte> payload)
    {
        var reader = new SpanReader(payload);
        switch (kind)
        {
            case Vote when reader.TryReadUInt64(out var term) && reader.TryReadUInt64(out var vote):
                (state.Term, state.Vote) = (term, new PeerId(vote));
                break;
            case Peers when GroupState.TryRead(ref reader, out RaftPeers peers):
                state.Adopt(peers);
                break;
            case Append when payload.Length >= AppendEntry.HeaderLength:
                state.Frames.Add(payload.ToArray());
                break;
            case Truncate when reader.TryReadUInt64(out var last):
                state.Frames.RemoveAll(frame => IndexOf(frame) > last);
                if (state.Peers.Index > last) state.Peers = state.Peers with { Index = last };
                break;
            case Install when GroupState.TryRead(ref reader, out RaftSnapshot? snapshot):
                state.Snapshot = snapshot;
                state.Adopt(snapshot!.Peers);
                state.Frames.Clear();
                break;
            case Doubt when reader.TryReadByte(out var doubt):
                state.MayHaveForgotten = doubt != 0;
                break;
            default:
                throw new CorruptStoreException($"Record {state.Position + 1} of group {state.Id} is of kind {kind} with {payload.Length} bytes, which this version does not know.");
        }
        state.Position++;
    }

    /// <summary>A stored frame's own index: the one after that it follows.</summary>
    private static ulong IndexOf(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadUInt64LittleEndian(frame[32..]) + 1;
}
