namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>Streams assigned to a peer, and those of them that form a Raft group with others.</summary>
public readonly record struct PeerLoad(int Streams, int Groups)
{
    internal PeerLoad With(int streams, int groups) => new(Streams + streams, Groups + groups);
}
