namespace NatsAspire.Server.Raft.Wire;

/// <summary>What came, told by the subject it came on.</summary>
public enum RaftMessageKind
{
    /// <summary>On the group's subject of votes.</summary>
    VoteRequest,

    /// <summary>On the inbox for votes.</summary>
    VoteResponse,

    /// <summary>On the group's subject of append entries.</summary>
    AppendEntry,

    /// <summary>On the inbox for answers to append entries.</summary>
    AppendEntryResponse,

    /// <summary>On the group's subject of proposals; only leaders listen there.</summary>
    Proposal,

    /// <summary>On the group's subject of removals; only leaders listen there.</summary>
    RemovePeer,
}
