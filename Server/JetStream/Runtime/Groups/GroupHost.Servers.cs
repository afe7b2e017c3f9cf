using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>What the mesh knows of servers before their silence, or their first message, tells it.</summary>
internal sealed partial class GroupHost
{
    private ulong _endedLeader;
    private ulong _returned;

    /// <summary>A server has ended; if it led this group, nobody waits for it. From any thread.</summary>
    public void ServerHasEnded(PeerId server)
    {
        if (Status.Leader != server) return;
        Volatile.Write(ref _endedLeader, server.Value);
        _owner.Wake();
    }

    /// <summary>A server has joined; if this one leads, it calls for that server's member. From any thread.</summary>
    public void ServerIsBack(PeerId server)
    {
        if (Status.State != RaftState.Leader) return;
        Volatile.Write(ref _returned, server.Value);
        _owner.Wake();
    }

    private void TakeNewsOfServers()
    {
        if (Interlocked.Exchange(ref _endedLeader, 0) is var ended and not 0) _core.LeaderHasEnded(new PeerId(ended), Now);
        if (Interlocked.Exchange(ref _returned, 0) is var returned and not 0) _core.CallFor(new PeerId(returned), Now);
    }
}
