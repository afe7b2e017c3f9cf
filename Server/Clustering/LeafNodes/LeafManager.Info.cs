using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>What leaf nodes are told of this server, and of where else its cluster is to be found.</summary>
public sealed partial class LeafManager
{
    private const int ProtocolVersion = 3;
    private const int ApiLevel = 4;

    /// <summary>host:port that others in the cluster tell their leaf nodes; null: none, or it is not to be told.</summary>
    public string? AdvertisedUrl => ListenPort == 0 || _host.Options.LeafNode.NoAdvertise ? null : Address.ToString();

    /// <summary>Where leaf nodes are told to connect to.</summary>
    private HostAndPort Address
    {
        get
        {
            var leaf = _host.Options.LeafNode;
            if (leaf.Advertise is { Length: > 0 } told && HostAndPort.TryParse(told, out var advertised)) return advertised.WithDefaultPort(ListenPort);
            return new HostAndPort(_host.FindAddress(leaf.Host), ListenPort);
        }
    }

    /// <summary>INFO of the listener; without one, upstream tells empty fields.</summary>
    internal ServerInfo BuildInfo()
    {
        if (ListenPort == 0) return new ServerInfo();
        var (options, address) = (_host.Options, Address);
        return new ServerInfo
        {
            ServerId = _host.ServerId,
            ServerName = _host.ServerName,
            Version = Defaults.Version,
            Protocol = ProtocolVersion,
            GoVersion = $".NET {Environment.Version}",
            Host = address.Host,
            Port = address.Port,
            Headers = !options.Limits.NoHeaderSupport,
            AuthRequired = true,
            TlsRequired = _host.Tls is not null,
            TlsVerify = _host.Tls is { Verify: true },
            MaxPayload = options.Limits.MaxPayload,
            JetStream = options.JetStream.Enabled,
            Domain = string.IsNullOrEmpty(options.JetStream.Domain) ? null : options.JetStream.Domain,
            Ip = address.ToString(),
            Cluster = _host.ClusterName.Length > 0 ? _host.ClusterName : null,
            WebSocketConnectUrls = _host.WebSocketUrls.Count == 0 ? null : _host.WebSocketUrls,
            ApiLevel = ApiLevel,
            InfoOnConnect = true,
            LeafNodeUrls = Urls(address.ToString()),
        };
    }

    /// <summary>The cluster has another name: hubs must know it, so that messages do not come back to it under the old one.</summary>
    public void OnClusterName(string name)
    {
        LeafConnection[] dialled;
        using (_lock.Enter())
        {
            if (name == _clusterName) return;
            _clusterName = name;
            dialled = [.. _open.Where(leaf => leaf.IsSolicited)];
        }
        foreach (var leaf in dialled) leaf.Close(CloseReason.ClusterNameConflict);
    }

    /// <summary>The other servers of the cluster take leaf nodes there; where their WebSockets are may have changed, too.</summary>
    public void OnPeerUrls(IEnumerable<string> urls)
    {
        using (_lock.Enter())
        {
            var (told, webSockets) = (urls.ToHashSet(), _host.WebSocketUrls);
            if (_peerUrls.SetEquals(told) && _webSocketUrls.SequenceEqual(webSockets)) return;
            _peerUrls.Clear();
            _peerUrls.UnionWith(told);
            _webSocketUrls = webSockets;
        }
        AnnounceInfo();
    }

    /// <summary>Tells every leaf node what INFO says now.</summary>
    public void AnnounceInfo()
    {
        if (ListenPort == 0) return;
        var line = BuildInfo().ToProtocolLine();
        foreach (var leaf in Snapshot())
        {
            if (!leaf.IsSolicited) leaf.SendLine(line);
        }
    }

    private string[] Urls(string own)
    {
        using (_lock.Enter()) return [own, .. _peerUrls.Where(url => url != own)];
    }
}
