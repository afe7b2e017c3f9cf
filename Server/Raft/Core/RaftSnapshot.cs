namespace NatsAspire.Server.Raft.Core;

/// <summary>The state of the layer above after an index; the log before it is not needed any more.</summary>
/// <param name="Term">Term of the entry at <paramref name="Index"/>.</param>
/// <param name="Index">The last entry that is in it.</param>
/// <param name="Peers">The members then.</param>
/// <param name="Data">What the layer above made of itself. Nobody changes it.</param>
public sealed record RaftSnapshot(ulong Term, ulong Index, RaftPeers Peers, ReadOnlyMemory<byte> Data);
