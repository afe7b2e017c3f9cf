using System.Buffers;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>What the member wants done.</summary>
internal sealed partial class GroupHost : IRaftEffects
{
    /// <summary>Added to the number of a catch-up, behind the kinds of messages.</summary>
    private const long CatchUpTags = 1000;

    private readonly ArrayBufferWriter<byte> _encoded = new(64);
    private Subscription? _catchUp;
    private Subscription? _proposals;
    private Subscription? _removals;

    void IRaftEffects.SaveVote(long position, ulong term, PeerId vote)
    {
        _encoded.ResetWrittenCount();
        GroupRecord.WriteVote(_encoded, term, vote);
        Record(position, GroupRecord.Vote, _encoded.WrittenSpan);
    }

    void IRaftEffects.SavePeers(long position, RaftPeers peers)
    {
        _encoded.ResetWrittenCount();
        GroupState.Write(_encoded, peers);
        Record(position, GroupRecord.Peers, _encoded.WrittenSpan);
    }

    void IRaftEffects.SaveDoubt(long position, bool mayHaveForgotten) => Record(position, GroupRecord.Doubt, [(byte)(mayHaveForgotten ? 1 : 0)]);

    void IRaftEffects.Append(long position, ulong index, ulong term, ReadOnlySpan<byte> frame) => Record(position, GroupRecord.Append, frame);

    void IRaftEffects.Truncate(long position, ulong lastIndex)
    {
        _encoded.ResetWrittenCount();
        GroupState.Write(_encoded, lastIndex);
        Record(position, GroupRecord.Truncate, _encoded.WrittenSpan);
    }

    void IRaftEffects.InstallSnapshot(long position, RaftSnapshot snapshot)
    {
        _encoded.ResetWrittenCount();
        GroupState.Write(_encoded, snapshot);
        Record(position, GroupRecord.Install, _encoded.WrittenSpan);
    }

    void IRaftEffects.SaveSnapshot(RaftSnapshot snapshot) => _snapshotToSave = snapshot;

    void IRaftEffects.Compact(ulong index)
    {
        // The state that was saved with the snapshot has let go of the log already.
    }

    void IRaftEffects.Send(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> frame, long durableAfter) =>
        Outgoing(durableAfter).Add(subject, reply, default, frame);

    void IRaftEffects.OpenCatchUp(long inbox, ReadOnlySpan<byte> subject)
    {
        if (_catchUp is { } before) StopListening(before);
        _catchUp = Listen(subject, CatchUpTags + inbox);
    }

    void IRaftEffects.CloseCatchUp(long inbox)
    {
        if (_catchUp is { } catchUp) StopListening(catchUp);
        _catchUp = null;
    }

    void IRaftEffects.ListenToProposals(bool listen)
    {
        if (_proposals is { } proposals) StopListening(proposals);
        if (_removals is { } removals) StopListening(removals);
        _proposals = listen ? Listen(_core.Subjects.Proposals, (long)RaftMessageKind.Proposal) : null;
        _removals = listen ? Listen(_core.Subjects.RemovePeers, (long)RaftMessageKind.RemovePeer) : null;
    }

    bool IRaftEffects.Apply(in CommittedEntry entry) => Took(entry.Index, _machine.Apply(entry));

    bool IRaftEffects.ApplySnapshot(RaftSnapshot snapshot) => Took(snapshot.Index, _machine.ApplySnapshot(snapshot));

    private bool Took(ulong index, bool isDone)
    {
        _appliedTo = index;
        _isApplying = !isDone;
        return isDone;
    }

    void IRaftEffects.Recovered() => _machine.Recovered();

    void IRaftEffects.CatchUpChanged(bool isCatchingUp)
    {
        JetStreamLog.GroupCatchUp(_context.Logger, Name, isCatchingUp ? "begins to catch up" : "has caught up");
        _machine.CatchUpChanged(isCatchingUp);
    }

    void IRaftEffects.StateChanged(RaftState state) => JetStreamLog.GroupState(_context.Logger, Name, state);

    void IRaftEffects.LeaderChanged(PeerId leader, ulong term, bool leads) => _machine.LeaderChanged(leader, term, leads);

    void IRaftEffects.QuorumLost() => _machine.QuorumLost();

    void IRaftEffects.Warn(string message) => JetStreamLog.GroupWarning(_context.Logger, Name, message);
}
