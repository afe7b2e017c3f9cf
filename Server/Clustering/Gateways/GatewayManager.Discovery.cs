using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>Which clusters there are, and where: learning of it and passing it on.</summary>
public sealed partial class GatewayManager
{
    /// <summary>Clusters known at most: who tells of more is not listened to.</summary>
    private const int MostClusters = 1024;

    private ServerInfo _info = new();

    /// <summary>The configuration names the cluster.</summary>
    internal bool IsConfigured(string name)
    {
        using (_lock.Enter()) return _remotes.TryGetValue(name, out var remote) && !remote.IsImplicit;
    }

    /// <summary>Whether a cluster is unknown, and unknown ones are not let in.</summary>
    internal bool Rejects(string name)
    {
        if (!_host.Options.Gateway.RejectUnknown) return false;
        using (_lock.Enter()) return !_remotes.ContainsKey(name);
    }

    /// <summary>Another cluster is known of, or more of its addresses.</summary>
    internal void Learn(ServerInfo info)
    {
        if (info.Gateway is not { Length: > 0 } name || name == Name) return;
        using (_lock.Enter()) Note(name, info.GatewayUrls);
    }

    /// <summary>Under the lock.</summary>
    private void Note(string name, IReadOnlyList<string>? addresses)
    {
        if (_stopping) return;
        if (_remotes.TryGetValue(name, out var known))
        {
            known.Add(addresses);
            return;
        }
        if (_remotes.Count >= MostClusters) return;
        var fresh = new RemoteGateway(name, [], isImplicit: true, Tls);
        fresh.Add(addresses);
        if (fresh.Addresses.Count == 0) return;
        _remotes[name] = fresh;
        _dialer.Dial(fresh);
    }

    /// <summary>A server of the own cluster tells of another cluster.</summary>
    public void OnNews(ServerInfo info, string? from)
    {
        if (info.GatewayCommand == GatewayCommand.Gossip) Learn(info);
        else GatewayLog.UnknownCommand(_host.Log, info.GatewayCommand, from ?? "");
    }

    /// <summary>The other servers of the own cluster tell other addresses for gateways.</summary>
    public void UpdatePeerUrls(IReadOnlyList<string> urls)
    {
        using (_lock.Enter())
        {
            if (_peerUrls.SequenceEqual(urls) || Url is null || _stopping) return;
            _peerUrls = urls;
            BuildInfo(null);
            foreach (var gateway in _inbound) gateway.SendLine(_infoLine);
        }
    }

    /// <summary>INFO lines that tell a new server of the own cluster of those this one is connected to.</summary>
    public IReadOnlyList<byte[]> News() => [.. _outbound.Select(gateway => Gossip("GW" + _host.ServerId, "", gateway.Remote!)).OfType<byte[]>()];

    /// <summary>The servers of the own cluster are to be connected to this one, too.</summary>
    internal void TellPeers(ServerInfo info) => _host.SendToPeers(new ServerInfo
    {
        // A name no server has: those that know no gateways must not take it for one of their own.
        ServerId = "GW" + _host.ServerId,
        ServerName = _host.ServerName,
        Gateway = info.Gateway,
        GatewayUrls = info.GatewayUrls,
        GatewayCommand = GatewayCommand.Gossip,
    }.ToProtocolLine(blankBeforeEnd: false));

    internal byte[] CommandLine(byte command, Account account) => new ServerInfo
    {
        Gateway = Name,
        GatewayCommand = command,
        GatewayCommandPayload = account.NameBytes,
    }.ToProtocolLine(blankBeforeEnd: false);

    private static byte[]? Gossip(string id, string name, RemoteGateway remote) => remote.Addresses is { Count: > 0 } addresses
        ? new ServerInfo
        {
            ServerId = id,
            ServerName = name,
            Gateway = remote.Name,
            GatewayUrls = addresses,
            GatewayCommand = GatewayCommand.Gossip,
        }.ToProtocolLine(blankBeforeEnd: false)
        : null;

    private bool IsWanted(RemoteGateway remote)
    {
        using (_lock.Enter())
        {
            return !_stopping && remote.Outbound is null && _remotes.TryGetValue(remote.Name, out var current) && ReferenceEquals(current, remote);
        }
    }

    private bool GiveUp(RemoteGateway remote)
    {
        using (_lock.Enter())
        {
            if (_inbound.Exists(gateway => gateway.ClusterName == remote.Name)) return false;
            _remotes.Remove(remote.Name);
            return true;
        }
    }

    /// <param name="address">Null: as before.</param>
    private void BuildInfo(HostAndPort? address)
    {
        if (address is { } told)
        {
            _info = new ServerInfo
            {
                ServerId = _host.ServerId,
                ServerName = _host.ServerName,
                Version = Defaults.Version,
                Protocol = 3,
                Host = told.Host,
                Port = told.Port,
                Headers = !_host.Options.Limits.NoHeaderSupport,
                AuthRequired = !string.IsNullOrEmpty(_host.Options.Gateway.Username),
                TlsRequired = Tls is not null,
                TlsVerify = Tls is not null,
                MaxPayload = _host.Options.Limits.MaxPayload,
                Gateway = Name,
                GatewayUrl = Url,
                GatewayNewReplyPrefix = true,
                GatewayInterestOnly = true,
            };
        }
        _info = _info with { GatewayUrls = [Url!, .. _peerUrls.Where(url => url != Url)] };
        _infoLine = _info.ToProtocolLine(blankBeforeEnd: false);
    }
}
