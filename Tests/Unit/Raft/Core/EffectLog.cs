using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Unit.Raft.Core;

/// <summary>The effects of a start, in words.</summary>
public sealed class EffectLog : IRaftEffects
{
    public List<string> Effects { get; } = [];

    public void SaveVote(long position, ulong term, PeerId vote) => Effects.Add($"vote {term}");

    public void SavePeers(long position, RaftPeers peers) => Effects.Add($"peers {peers.Ids.Count}");

    public void SaveDoubt(long position, bool mayHaveForgotten) => Effects.Add($"doubt {mayHaveForgotten}");

    public void Append(long position, ulong index, ulong term, ReadOnlySpan<byte> frame) => Effects.Add($"append {index}");

    public void Truncate(long position, ulong lastIndex) => Effects.Add($"truncate {lastIndex}");

    public void InstallSnapshot(long position, RaftSnapshot snapshot) => Effects.Add($"install {snapshot.Index}");

    public void SaveSnapshot(RaftSnapshot snapshot) => Effects.Add($"save {snapshot.Index}");

    public void Compact(ulong index) => Effects.Add($"compact {index}");

    public void Send(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> frame, long durableAfter) => Effects.Add("send");

    public void OpenCatchUp(long inbox, ReadOnlySpan<byte> subject) => Effects.Add("open");

    public void CloseCatchUp(long inbox) => Effects.Add("close");

    public void ListenToProposals(bool listen) => Effects.Add("listen");

    public bool Apply(in CommittedEntry entry)
    {
        Effects.Add($"apply {entry.Index}");
        return true;
    }

    public bool ApplySnapshot(RaftSnapshot snapshot)
    {
        Effects.Add($"snapshot {snapshot.Index}");
        return true;
    }

    public void Recovered() => Effects.Add("recovered");

    public void CatchUpChanged(bool isCatchingUp) => Effects.Add("catch-up");

    public void StateChanged(RaftState state) => Effects.Add($"state {state}");

    public void LeaderChanged(PeerId leader, ulong term, bool leads) => Effects.Add("leader");

    public void QuorumLost() => Effects.Add("lost");

    public void Warn(string message)
    {
    }
}
