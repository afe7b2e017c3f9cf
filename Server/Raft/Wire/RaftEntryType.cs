namespace NatsAspire.Server.Raft.Wire;

/// <summary>What an entry of an <see cref="AppendEntry"/> is.</summary>
public enum RaftEntryType : byte
{
    /// <summary>Of the layer above.</summary>
    Normal = 0,

    /// <summary>Old servers' <see cref="Snapshot"/>.</summary>
    OldSnapshot = 1,

    /// <summary>The group's members: <see cref="PeerState"/>. A new leader's first entry.</summary>
    PeerState = 2,

    /// <summary>A member joins: its id.</summary>
    AddPeer = 3,

    /// <summary>A member goes: its id.</summary>
    RemovePeer = 4,

    /// <summary>The leader makes way for another: its id.</summary>
    LeaderTransfer = 5,

    /// <summary>The state of the layer above.</summary>
    Snapshot = 6,
}
