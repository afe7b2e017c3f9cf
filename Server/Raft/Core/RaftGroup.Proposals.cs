using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.Raft.Core;

public partial class RaftGroup
{
    private readonly ProposalBatch _proposals;

    /// <summary>
    /// Proposes an entry. It is sent when enough has gathered, at the latest by <see cref="Flush"/>; those in one append
    /// entry share an index.
    /// </summary>
    /// <param name="term">The term whose leader proposes: who goes on in a later one is refused.</param>
    /// <param name="data">The entry; copied.</param>
    /// <param name="now">The time.</param>
    public RaftResult Propose(ulong term, ReadOnlySpan<byte> data, long now)
    {
        if (!Enter(now)) return RaftResult.Stopped;
        if (_state != RaftState.Leader || term != _term) return RaftResult.NotLeader;
        var result = Enqueue(data);
        Leave();
        return result;
    }

    /// <summary>Proposes an entry if it leads, else sends it to the leader, whoever that is; it may get lost on the way.</summary>
    public RaftResult Forward(ReadOnlySpan<byte> data, long now)
    {
        if (_state == RaftState.Leader) return Propose(_term, data, now);
        if (!Enter(now)) return RaftResult.Stopped;
        _effects.Send(_subjects.Proposals, default, data, 0);
        return RaftResult.Accepted;
    }

    /// <summary>
    /// The leader's whole state as an entry, for members that join without any: what the layer above knows to be newest.
    /// </summary>
    public RaftResult SendSnapshot(ReadOnlySpan<byte> data, long now)
    {
        if (!Enter(now)) return RaftResult.Stopped;
        if (_state != RaftState.Leader) return RaftResult.NotLeader;
        SendProposals();
        SendEntry(RaftEntryType.Snapshot, data);
        Leave();
        return RaftResult.Accepted;
    }

    private RaftResult Enqueue(ReadOnlySpan<byte> data)
    {
        if (IsOverrun())
        {
            _effects.Warn($"falling behind, stepping down: last index {LastIndex}, committed {_commit}, applied {_applied}");
            Overruns++;
            // Without a transfer: the others are most likely behind as well, and need time.
            StepDownTo(PeerId.None);
            return RaftResult.Overrun;
        }
        _proposals.Add(RaftEntryType.Normal, data);
        if (_proposals.Size >= _options.MaxBatchBytes || _proposals.Count >= _options.MaxBatchEntries) SendProposals();
        return RaftResult.Accepted;
    }

    private bool IsOverrun() => LastIndex - _commit > _options.PauseThreshold || _commit - Settled > _options.PauseThreshold;

    // What a snapshot covers counts as applied: it is, or soon will be, all at once.
    private ulong Settled => Math.Min(_commit, Math.Max(_applied, _log.BaseIndex));

    private void SendProposals()
    {
        if (_proposals.Count == 0 || _state != RaftState.Leader) return;
        AppendAsLeader(_proposals.Close(NextHeader));
        _proposals.Clear();
    }

    // An entry alone in its append entry; what was proposed before has been sent.
    private void SendEntry(RaftEntryType type, ReadOnlySpan<byte> data)
    {
        _proposals.Clear();
        _proposals.Add(type, data);
        AppendAsLeader(_proposals.Close(NextHeader));
        _proposals.Clear();
    }

    private void OnForwardedProposal(ReadOnlySpan<byte> data, ReadOnlySpan<byte> reply)
    {
        if (!Leads || Enqueue(data) != RaftResult.Accepted || reply.IsEmpty) return;
        _effects.Send(reply, default, default, 0);
    }
}
