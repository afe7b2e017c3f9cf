using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clients;

/// <summary>The client as others are told of it.</summary>
public sealed partial class ClientConnection
{
    /// <summary>What a service or an event may know of it.</summary>
    /// <param name="detailed">More than account and round trip.</param>
    public ClientInfo Describe(bool detailed)
    {
        var info = new ClientInfo { Account = Account?.Name, RoundTrip = (long)RoundTrip.TotalNanoseconds };
        if (!detailed) return info;
        return info with
        {
            Server = _hub.Info.ServerName,
            Cluster = _hub.Info.Cluster,
            Alternates = _hub.OtherClusters() is { Count: > 0 } others ? others : null,
            Start = StartedAt,
            Host = RemoteEndPoint.Address.ToString(),
            Id = Id,
            Name = NullIfEmpty(_connect.Name),
            User = UserName ?? NullIfEmpty(_connect.User),
            Language = NullIfEmpty(_connect.Language),
            Version = NullIfEmpty(_connect.Version),
            Kind = "Client",
            ClientType = "nats",
        };
    }
}
