using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

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

/// <summary><c>SERVER.REMOVE</c>.</summary>
public sealed record ServerRemoveRequest : IApiRequest<ServerRemoveRequest>
{
    /// <summary>Server name; not looked at when there is a <see cref="PeerId"/>.</summary>
    public string Server { get; init; } = "";

    /// <summary>Peer id; null: not said.</summary>
    public string? PeerId { get; init; }

    static ServerRemoveRequest IApiRequest<ServerRemoveRequest>.Read(ref ApiReader reader, ServerRemoveRequest request)
    {
        if (!reader.Enter("JSApiMetaServerRemoveRequest")) return request;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "peer": request = request with { Server = reader.String(request.Server) }; break;
                case "peer_id": request = request with { PeerId = reader.Text(request.PeerId) }; break;
                default: reader.Unknown(); break;
            }
        }
        return request;
    }
}

/// <summary><c>ACCOUNT.STREAM.MOVE</c>: away from a server, or to servers with more tags.</summary>
public sealed record StreamMoveRequest : IApiRequest<StreamMoveRequest>
{
    /// <summary>Name of the server to leave; null: any.</summary>
    public string? Server { get; init; }

    /// <summary>The cluster of that server; null: any.</summary>
    public string? Cluster { get; init; }

    /// <summary>The domain of that server; null: any.</summary>
    public string? Domain { get; init; }

    /// <summary>Tags that the new server must have besides those of the stream.</summary>
    public ValueList<string> Tags { get; init; }

    static StreamMoveRequest IApiRequest<StreamMoveRequest>.Read(ref ApiReader reader, StreamMoveRequest request)
    {
        if (!reader.Enter("JSApiMetaServerStreamMoveRequest")) return request;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "server": request = request with { Server = reader.Text(request.Server) }; break;
                case "cluster": request = request with { Cluster = reader.Text(request.Cluster) }; break;
                case "domain": request = request with { Domain = reader.Text(request.Domain) }; break;
                case "tags": request = request with { Tags = reader.Strings(request.Tags) }; break;
                default: reader.Unknown(); break;
            }
        }
        return request;
    }
}
