using System.Buffers;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

public partial class RaftGroup
{
    /// <summary>Followers caught up at a time; more than groups have members.</summary>
    private const int MaxTransfers = 32;

    private readonly Dictionary<PeerId, Transfer> _transfers = [];

    /// <summary>Followers that are being caught up.</summary>
    public int CatchUps => _transfers.Count;

    // A follower asks again when it has all of a window, or nothing came for a while; what it asked before is void.
    private void CatchUpFollower(in AppendEntryResponse request, ReadOnlySpan<byte> inbox)
    {
        _transfers.Remove(request.Peer);
        if (_transfers.Count >= MaxTransfers) return;
        var transfer = new Transfer(request.Peer, inbox.ToArray()) { Next = FirstToSend(request), Last = LastIndex };
        if (transfer.Next <= _log.BaseIndex)
        {
            if (_snapshot is not { } snapshot)
            {
                _effects.Warn($"{request.Peer} asks for {request.Index + 1}, the log begins at {_log.BaseIndex + 1}");
                return;
            }
            SendSnapshotTo(transfer, snapshot);
            transfer.Next = snapshot.Index + 1;
        }
        _transfers[request.Peer] = transfer;
        Send(transfer);
    }

    // Behind the last entry that both logs may share: no later than the follower's, and no newer in its term.
    private ulong FirstToSend(in AppendEntryResponse request)
    {
        var shared = Math.Min(request.Index, LastIndex);
        while (shared > _log.BaseIndex && _log.TermAt(shared) > request.Term) shared--;
        return shared + 1;
    }

    private void Send(Transfer transfer)
    {
        transfer.StallsAt = _now + _timings.CatchUpStall;
        while (transfer.Outstanding <= _options.CatchUpWindow && transfer.Next <= transfer.Last)
        {
            if (!_log.Holds(transfer.Next))
            {
                // The log was compacted meanwhile: what is missing is in the snapshot.
                SendSnapshotTo(transfer, _snapshot!);
                transfer.Next = _snapshot!.Index + 1;
                continue;
            }
            SendOlder(transfer, transfer.Next);
            transfer.Next++;
        }
        if (transfer.Next > transfer.Last) EndTransfer(transfer);
    }

    private void SendOlder(Transfer transfer, ulong index)
    {
        var body = FrameAt(index).Body;
        var buffer = ArrayPool<byte>.Shared.Rent(body.Length + SpanWriter.MaxVarintLength);
        body.CopyTo(buffer);
        var length = body.Length + AppendEntry.WriteLeaderTerm(buffer.AsSpan(body.Length), _term);
        transfer.Sent.Enqueue((index, length));
        transfer.Outstanding += length;
        _effects.Send(transfer.Inbox, _appendInbox, buffer.AsSpan(0, length), 0);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private void SendSnapshotTo(Transfer transfer, RaftSnapshot snapshot)
    {
        using var frame = new ProposalBatch(0);
        frame.Add(RaftEntryType.Snapshot, snapshot.Data.Span);
        frame.Add(RaftEntryType.PeerState, snapshot.Peers.Encode());
        var header = new AppendEntryHeader(Self, _term, _commit, snapshot.Term, snapshot.Index);
        _effects.Send(transfer.Inbox, _appendInbox, frame.Close(header), 0);
    }

    private void ProgressTransfer(PeerId peer, ulong index)
    {
        if (!_transfers.TryGetValue(peer, out var transfer)) return;
        while (transfer.Sent.TryPeek(out var sent) && sent.Index <= index) transfer.Outstanding -= transfer.Sent.Dequeue().Length;
        if (index >= transfer.Last) EndTransfer(transfer);
        else Send(transfer);
    }

    private void EndTransfer(Transfer transfer)
    {
        _transfers.Remove(transfer.Peer);
        Hear(transfer.Peer);
    }

    private void GiveUpStalledTransfers()
    {
        foreach (var transfer in _transfers.Values.Where(one => _now >= one.StallsAt).ToArray()) _transfers.Remove(transfer.Peer);
    }

    /// <summary>Older entries on their way to a follower.</summary>
    private sealed class Transfer(PeerId peer, byte[] inbox)
    {
        public PeerId Peer { get; } = peer;

        public byte[] Inbox { get; } = inbox;

        /// <summary>The next index to be sent.</summary>
        public ulong Next { get; set; }

        /// <summary>The last one: the log's end when it was asked for.</summary>
        public ulong Last { get; init; }

        /// <summary>Indexes sent and not acknowledged, with their bytes.</summary>
        public Queue<(ulong Index, int Length)> Sent { get; } = [];

        /// <summary>Bytes of them.</summary>
        public long Outstanding { get; set; }

        /// <summary>When it is given up.</summary>
        public long StallsAt { get; set; }
    }
}
