using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Unit.Raft.Core;

/// <summary>Effects nobody is interested in.</summary>
internal abstract class Nothing : IRaftEffects
{
    public abstract void Send(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> frame, long durableAfter);

    public void SaveVote(long position, ulong term, PeerId vote)
    {
    }

    public void SavePeers(long position, RaftPeers peers)
    {
    }

    public void SaveDoubt(long position, bool mayHaveForgotten)
    {
    }

    public void Append(long position, ulong index, ulong term, ReadOnlySpan<byte> frame)
    {
    }

    public void Truncate(long position, ulong lastIndex)
    {
    }

    public void InstallSnapshot(long position, RaftSnapshot snapshot)
    {
    }

    public void SaveSnapshot(RaftSnapshot snapshot)
    {
    }

    public void Compact(ulong index)
    {
    }

    public void OpenCatchUp(long inbox, ReadOnlySpan<byte> subject)
    {
    }

    public void CloseCatchUp(long inbox)
    {
    }

    public void ListenToProposals(bool listen)
    {
    }

    public bool Apply(in CommittedEntry entry) => true;

    public bool ApplySnapshot(RaftSnapshot snapshot) => true;

    public void Recovered()
    {
    }

    public void CatchUpChanged(bool isCatchingUp)
    {
    }

    public void StateChanged(RaftState state)
    {
    }

    public void LeaderChanged(PeerId leader, ulong term, bool leads)
    {
    }

    public void QuorumLost()
    {
    }

    public void Warn(string message)
    {
    }
}
