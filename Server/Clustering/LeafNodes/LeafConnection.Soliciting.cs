using System.Buffers.Text;
using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>The dialling side: waits for INFO, then TLS and compression as it says, then CONNECT and what is answered to it.</summary>
public sealed partial class LeafConnection
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LoopDelay = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan VersionDelay = TimeSpan.FromSeconds(5);
    private Identity? _identity;
    private ServerInfo? _hubInfo;
    private int _remoteProtocol;
    private bool _connectSent;
    private byte[] _cluster = [];
    private ClientInfo? _info;

    private void StartSoliciting()
    {
        if (Account is null)
        {
            LogError($"Unable to lookup account {Remote!.Account} for solicited leafnode connection");
            Close(CloseReason.MissingAccount);
            return;
        }
        var limit = Remote!.Options.FirstInfoTimeout is { Ticks: > 0 } set ? set : Defaults.RouteDial;
        Schedule(limit, () => Close(CloseReason.ReadError));
        if (_session is null && Remote.Options.Tls is { HandshakeFirst: true }) StartClientHandshake();
    }

    private bool ProcessInfo(ReadOnlySpan<byte> json)
    {
        if (!TryRead(json, ProtocolJson.Default.ServerInfo, out var info)) return false;
        if (info.Cluster?.Contains(' ') == true)
        {
            Fail("cluster name cannot contain spaces", CloseReason.ProtocolViolation);
            return false;
        }
        if (!IsSolicited) return ProcessLeafInfo(info);
        if (_connectSent) return ProcessLaterInfo(info);
        if (!HasAgreedOnCompression && (info.ClientId == 0 || info.LeafNodeUrls is null))
        {
            LogError("attempted to connect to wrong port");
            Close(CloseReason.WrongPort);
            return false;
        }
        if (_session is null && Tls is null && (info.TlsRequired || Remote!.Tls is not null))
        {
            _hubInfo = info;
            StartClientHandshake();
            return true;
        }
        return GoOn(info);
    }

    /// <summary>The accepting side gets INFO only to agree on compression.</summary>
    private bool ProcessLeafInfo(ServerInfo info)
    {
        if (HasAgreedOnCompression || !_awaitsConnect) return true;
        return AgreeOnCompression(info.Compression) || !IsClosing;
    }

    /// <summary>INFO is there, and TLS if there is any.</summary>
    private bool GoOn(ServerInfo info)
    {
        if (!HasAgreedOnCompression && !AgreeOnCompression(info.Compression)) return !IsClosing;
        RemoteName = info.ServerName.Length > 0 ? info.ServerName : info.ServerId;
        RemoteId = info.ServerId;
        RemoteDomain = info.Domain ?? "";
        SetCluster(info.Cluster);
        RemoteTakesHeaders = info.Headers && !_host.Options.Limits.NoHeaderSupport;
        _remoteProtocol = info.Protocol;
        TakeInfo(info);
        if (BuildConnect(info.Nonce ?? "") is not { } connect)
        {
            Close(CloseReason.WriteError);
            return false;
        }
        _connectSent = true;
        SendLine(connect);
        Schedule(ConnectTimeout, () => Fail("Stale Leaf Node Connection - Closing", CloseReason.StaleConnection));
        return info.InfoOnConnect || FinishSoliciting();
    }

    private bool ProcessLaterInfo(ServerInfo info)
    {
        TakeInfo(info);
        RemoteAccount = info.RemoteAccount ?? RemoteAccount;
        if (!info.ConnectInfo || HasJoined) return true;
        return FinishSoliciting();
    }

    private void TakeInfo(ServerInfo info)
    {
        Remote!.Learn(info);
        if (info.Import is null && info.Export is null) return;
        _permissions = _permissions.With(LeafPermissions.FromLists(info.Export), LeafPermissions.FromLists(info.Import));
        if (!HasJoined) return;
        // Other permissions: what may be told is told anew; what may no longer be is not asked for again.
        Account!.Interest?.Detach(this);
        Account.Interest?.Attach(this);
    }

    private bool FinishSoliciting()
    {
        _timer?.Cancel();
        return Join();
    }

    private void SetCluster(string? name)
    {
        RemoteCluster = name ?? "";
        _cluster = Encoding.UTF8.GetBytes(RemoteCluster);
    }

    /// <summary>Null: the credentials cannot be used.</summary>
    private byte[]? BuildConnect(string nonce)
    {
        var options = Remote!.Options;
        var connect = new LeafConnect
        {
            Version = Defaults.Version,
            ServerId = _host.ServerId,
            Domain = string.IsNullOrEmpty(_host.Options.JetStream.Domain) ? null : _host.Options.JetStream.Domain,
            Name = _host.ServerName,
            IsHub = options.Hub,
            Cluster = _host.ClusterName.Length > 0 ? _host.ClusterName : null,
            Headers = RemoteTakesHeaders,
            JetStream = _host.HasJetStream(Account!),
            DenyPublish = options.DenyImports.Count > 0 ? options.DenyImports : null,
            Compression = Compression,
            RemoteAccount = Account!.Name,
            Protocol = 3,
            Isolate = options.RequestIsolation,
        };
        if (Sign(connect, nonce) is not { } signed) return null;
        var (user, password) = Credentials(_url!.UserInfo.Length > 0 || Remote.UserInfo.Length == 0 ? _url : new Uri($"nats://{Remote.UserInfo}@host"));
        // A name alone may be a token.
        return (signed with { User = user, Password = password, Token = user is not null && password is null ? user : null }).ToProtocolLine();
    }

    private LeafConnect? Sign(LeafConnect connect, string nonce)
    {
        var options = Remote!.Options;
        if (options.CredentialsFile is { } file)
        {
            if (LeafCredentials.TryRead(file, out var jwt, out var own, out var error))
            {
                return connect with { Jwt = jwt, Signature = Base64Url.EncodeToString(Ed25519.Sign(own, Encoding.UTF8.GetBytes(nonce))) };
            }
            LogError(error);
            return null;
        }
        if (options.NKeySeed is not { } text || !NKeys.TryDecodeSeed(text, NKeys.Kind.User, out var seed)) return connect;
        return connect with
        {
            NKey = NKeys.Encode(NKeys.Kind.User, Ed25519.PublicKey(seed)),
            Signature = Base64Url.EncodeToString(Ed25519.Sign(seed, Encoding.UTF8.GetBytes(nonce))),
        };
    }

    private bool ProcessRemoteError(ReadOnlySpan<byte> text)
    {
        var error = Clients.Redaction.HideSecrets(text);
        LogError($"Leafnode Error {error}");
        if (error.Contains("remote leafnode has same cluster name", StringComparison.Ordinal))
        {
            Remote?.Delay(LoopDelay);
            LogError($"Leafnode connection dropped with same cluster name error. Delaying attempt to reconnect for {LoopDelay.TotalSeconds:0}s");
        }
        else if (error.Contains("connection rejected since minimum version required is", StringComparison.Ordinal))
        {
            Remote?.Delay(VersionDelay);
            LogError($"Leafnode connection dropped due to minimum version requirement. Delaying attempt to reconnect for {VersionDelay.TotalSeconds:0}s");
        }
        else if (error.Contains(LoopDetected, StringComparison.Ordinal)) CloseForLoop(tell: false);
        return !IsClosing;
    }

    /// <summary>This account's interest comes back over the connection.</summary>
    private void CloseForLoop(bool tell)
    {
        Remote?.Delay(LoopDelay);
        var text = $"{LoopDetected} for leafnode account=\"{Account?.Name}\". Delaying attempt to reconnect for {LoopDelay.TotalSeconds:0}s";
        if (tell)
        {
            Fail(text, CloseReason.ProtocolViolation);
            return;
        }
        LogError(text);
        Close(CloseReason.ProtocolViolation);
    }

    /// <summary>Goes by the host's current options: closes a peer they no longer admit. From any thread.</summary>
    internal void Reload() => Loop.Post(() =>
    {
        IsTraced = Log.IsEnabled(Microsoft.Extensions.Logging.LogLevel.Trace);
        if (IsClosing) return;
        ReloadCompression(CompressionInForce);
        if (!IsClosing && _connect is { } connect) AuthenticateAnew(connect);
    });
}
