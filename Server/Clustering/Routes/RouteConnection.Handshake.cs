using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>
/// The handshake (clusterwire.md §2.4): the dialling side sends CONNECT, the other INFO; the dialling side's own
/// INFO follows when its place in the pool is known, behind the negotiation of compression; then each tells its interest.
/// </summary>
public sealed partial class RouteConnection
{
    private ServerInfo? _remoteInfo;
    private ConnectOptions? _connect;
    private LoopTimer? _authTimer;
    private bool _awaitsConnect;
    private bool _registered;
    private bool _continuePool;

    private void SendGreeting()
    {
        _awaitsConnect = true;
        if (_host.Options.Cluster.Username is not null)
        {
            _authTimer = Loop.CreateTimer(() => Fail("Authentication Timeout", CloseReason.AuthenticationTimeout));
            Loop.Schedule(_authTimer, _host.Options.Cluster.AuthTimeout);
        }
        SendLine((_manager.BuildInfo() with { Nonce = Security.Nonce.Next(), Compression = OfferedMode }).ToProtocolLine());
    }

    private void SendConnect()
    {
        var (user, password) = Credentials(Target!.Url);
        var connect = new RouteConnect(
            true, false, false, user, password, _tlsContext is not null, _host.ServerId, !_host.Options.Limits.NoHeaderSupport,
            _manager.ClusterName, _manager.IsDynamicName, true);
        SendLine([.. "CONNECT "u8, .. JsonSerializer.SerializeToUtf8Bytes(connect, RouteJson.Default.RouteConnect), .. "\r\n"u8]);
        if (SendsInfoLate) return;
        var info = _manager.BuildInfo() with
        {
            Nonce = Security.Nonce.Next(),
            RouteAccount = PinnedAccount,
            Compression = OfferedMode,
            GossipMode = Target.Gossip,
        };
        SendLine(info.ToProtocolLine());
    }

    private bool ProcessConnect(ReadOnlySpan<byte> json)
    {
        if (!TryRead(json, ProtocolJson.Default.ConnectOptions, out var connect)) return false;
        _authTimer?.Cancel();
        _connect = connect;
        if (!string.IsNullOrEmpty(connect.Language))
        {
            Fail("attempted to connect to route port", CloseReason.WrongPort);
            return false;
        }
        if (!string.IsNullOrEmpty(connect.Gateway))
        {
            Fail($"Rejecting connection from gateway \"{connect.Gateway}\" on the Route port", CloseReason.WrongGateway);
            return false;
        }
        if (!IsAuthentic(connect))
        {
            RefuseAuthentication();
            return false;
        }
        _awaitsConnect = false;
        RemoteId ??= connect.Name;
        RemoteTakesHeaders = connect.Headers == true;
        if (_manager.TryAgreeOnName(this, connect.Cluster, connect.ClusterDynamic == true)) return true;
        Fail(
            $"Rejecting connection, cluster name \"{connect.Cluster}\" does not match \"{_manager.ClusterName}\"",
            CloseReason.ClusterNameConflict);
        return false;
    }

    private bool IsAuthentic(ConnectOptions connect)
    {
        var cluster = _host.Options.Cluster;
        if (!IsAdmittedByCertificate(cluster.Tls, cluster.Routes, cluster.Username)) return false;
        return cluster.Username is null || cluster.Tls is { VerifyAndMap: true }
            || (connect.User == cluster.Username && Authenticator.SecretsMatch(cluster.Password ?? "", connect.Password));
    }

    /// <summary>Goes by the host's current options: closes a peer they no longer admit. From any thread.</summary>
    internal void Reload() => Loop.Post(() =>
    {
        IsTraced = Log.IsEnabled(LogLevel.Trace);
        if (IsClosing) return;
        if (Tls is not null && _host.Tls?.IsPinned(Tls.PeerCertificate) == false)
        {
            LinkLog.Error(Log, Label, "certificate is no longer among the pinned ones");
            Close(CloseReason.TlsHandshakeError);
            return;
        }
        ReloadCompression(CompressionOf(_host.Options.Cluster));
        if (!IsClosing && _connect is not null && !IsAuthentic(_connect)) RefuseAuthentication();
    });

    private bool ProcessInfo(ReadOnlySpan<byte> json)
    {
        if (!TryRead(json, ProtocolJson.Default.ServerInfo, out var info)) return false;
        if (_registered) return ProcessLaterInfo(info);
        if (!string.IsNullOrEmpty(info.Cluster) && !_manager.TryAgreeOnName(this, info.Cluster, info.ClusterDynamic))
        {
            Close(CloseReason.ClusterNameConflict);
            return false;
        }
        if (Target is null && info.ServerName == _host.ServerName && info.ServerId != _host.ServerId)
        {
            LinkLog.Error(Log, Label, $"Remote server has a duplicate name: \"{info.ServerName}\"");
            Close(CloseReason.DuplicateServerName);
            return false;
        }
        if (!HasAgreedOnCompression)
        {
            if (Negotiates) SchedulePing(first: true);
            if (!AgreeOnCompression(info.Compression)) return !IsClosing;
        }
        RemoteId = info.ServerId;
        RemoteName = info.ServerName;
        PinnedAccount ??= info.RouteAccount;
        _remoteInfo = info;
        RemoteTakesHeaders = info.Headers && !_host.Options.Limits.NoHeaderSupport;
        return TakePlace(info);
    }

    private bool TakePlace(ServerInfo info)
    {
        var outcome = _manager.Register(this, info);
        if (outcome.Refusal != CloseReason.None)
        {
            if (outcome.Error is not null) Fail(outcome.Error, outcome.Refusal);
            else Close(outcome.Refusal);
            return false;
        }
        _registered = true;
        _manager.AttachInterest(this);
        if (!outcome.ContinuePool) return true;
        // The PONG shows that the peer has let this connection in before another is asked for.
        _continuePool = true;
        SendPing();
        return true;
    }

    private bool ProcessLaterInfo(ServerInfo info)
    {
        if (info.ServerId == _host.ServerId || (info.ServerId == RemoteId && !string.IsNullOrEmpty(info.Cluster) && !_manager.TryAgreeOnName(this, info.Cluster, info.ClusterDynamic)))
        {
            Close(info.ServerId == RemoteId ? CloseReason.ClusterNameConflict : CloseReason.DuplicateRoute);
            return false;
        }
        if (info.Gateway is { Length: > 0 }) _host.OnGatewayNews(info, RemoteId);
        else if (info.ServerId != RemoteId) _manager.OnGossip(info, RemoteId);
        else if (info.LameDuckMode) _manager.OnPeerLameDuck(info.ServerId);
        else _manager.OnPeerInfo(info);
        return true;
    }

    private protected override byte[] BuildAgreedInfo() => (_manager.BuildInfo() with
    {
        Nonce = Security.Nonce.Next(),
        RouteAccount = PinnedAccount,
        Compression = AgreedMode,
    }).ToProtocolLine();
}
