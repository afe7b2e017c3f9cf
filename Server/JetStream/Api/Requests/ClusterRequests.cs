using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Api.Requests;

/// <summary><c>STREAM.LEADER.STEPDOWN</c>, <c>CONSUMER.LEADER.STEPDOWN</c> and <c>META.LEADER.STEPDOWN</c>. The payload is optional.</summary>
public sealed record LeaderStepDownRequest : IApiRequest<LeaderStepDownRequest>
{
    /// <summary>Who is to lead next.</summary>
    public Placement? Placement { get; init; }

    static LeaderStepDownRequest IApiRequest<LeaderStepDownRequest>.Read(ref ApiReader reader, LeaderStepDownRequest request)
    {
        if (!reader.Enter("JSApiLeaderStepdownRequest")) return request;
        while (reader.Next(out var field))
        {
            if (field == "placement") request = request with { Placement = reader.Object(request.Placement, new Placement(), Placement.Read) };
            else reader.Unknown();
        }
        return request;
    }
}

/// <summary><c>STREAM.PEER.REMOVE</c>.</summary>
public sealed record PeerRemoveRequest : IApiRequest<PeerRemoveRequest>
{
    /// <summary>Server name or peer id.</summary>
    public string Peer { get; init; } = "";

    static PeerRemoveRequest IApiRequest<PeerRemoveRequest>.Read(ref ApiReader reader, PeerRemoveRequest request)
    {
        if (!reader.Enter("JSApiStreamRemovePeerRequest")) return request;
        while (reader.Next(out var field))
        {
            if (field == "peer") request = request with { Peer = reader.String(request.Peer) };
            else reader.Unknown();
        }
        return request;
    }
}
