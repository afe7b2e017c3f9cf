using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>The accepting side: INFO, then TLS, then compression, then CONNECT, which binds it to an account.</summary>
public sealed partial class LeafConnection
{
    private readonly string _nonce = Nonce.Next();
    private LoopTimer? _timer;
    private LeafConnect? _connect;
    private bool _awaitsConnect;

    private void StartAccepting()
    {
        _awaitsConnect = true;
        IsIsolated = _host.Options.LeafNode.IsolateInterest;
        if (_session is not null || _host.Tls is not { } tls)
        {
            Greet();
            AwaitConnect();
        }
        else if (!tls.HandshakeFirst)
        {
            Greet();
            StartServerHandshake(default);
        }
        else if (tls.HandshakeFirstFallback > TimeSpan.Zero) AwaitHandshake(tls.HandshakeFirstFallback);
        else StartServerHandshake(default);
    }

    private void Greet()
    {
        _greeted = true;
        SendLine((_manager.BuildInfo() with
        {
            ClientId = Id,
            Nonce = _nonce,
            Compression = OfferedMode == CompressionModes.NotSupported || IsCompressedBelow ? null : OfferedMode,
        }).ToProtocolLine());
    }

    private void AwaitConnect()
    {
        var limit = _host.Options.LeafNode.AuthTimeout is { Ticks: > 0 } set ? set : Defaults.AuthTimeout;
        Schedule(limit, () => Fail("Authentication Timeout", CloseReason.AuthenticationTimeout));
    }

    /// <summary>The one step that is awaited now.</summary>
    private void Schedule(TimeSpan limit, Action onTimeout)
    {
        _timer?.Cancel();
        _timer = Loop.CreateTimer(() =>
        {
            if (!IsClosing) onTimeout();
        });
        Loop.Schedule(_timer, limit);
    }

    private bool ProcessConnect(ReadOnlySpan<byte> json)
    {
        if (!TryRead(json, LeafJson.Default.LeafConnect, out var connect)) return false;
        if (IsSolicited || !_awaitsConnect)
        {
            Close(CloseReason.ProtocolViolation);
            return false;
        }
        _timer?.Cancel();
        var (leaf, users) = (_host.Options.LeafNode, Users);
        if (!LeafAuthenticator.IsSlow(leaf, users, connect)) return Finish(connect, LeafAuthenticator.Authenticate(leaf, users, connect, Facts));
        // bcrypt must not hold up the loop: it runs on a worker while this connection is not read.
        Suspend();
        Task.Run(() =>
        {
            var identity = LeafAuthenticator.Authenticate(leaf, users, connect, Facts);
            Loop.Post(() =>
            {
                if (!IsClosing && Finish(connect, identity)) ResumeSuspended();
            });
        });
        return true;
    }

    /// <summary>Closes a peer that other options do not admit, or give other rights: it comes back under those.</summary>
    private void AuthenticateAnew(LeafConnect connect)
    {
        var now = LeafAuthenticator.Authenticate(_host.Options.LeafNode, Users, connect, Facts);
        if (!now.Admitted) RefuseAuthentication();
        else if ((now.Account ?? Accounts.Account.GlobalName) != Account!.Name || !LeafPermissions.AreSame(now.Permissions?.Options, _identity?.Permissions?.Options)) Close(CloseReason.ClientClosed);
    }

    private Authenticator Users => _session is null ? _host.Users : _host.WebSocketUsers;

    private ConnectionFacts Facts => new(_nonce, Tls?.PeerCertificate, _session is null ? ConnectionFacts.LeafNode : ConnectionFacts.LeafNodeWebSocket)
    {
        MapsCertificate = _host.Tls is { VerifyAndMap: true },
    };

    private bool Finish(LeafConnect connect, Identity identity)
    {
        if (!identity.Admitted)
        {
            RefuseAuthentication();
            return false;
        }
        Account = _host.Accounts.Find(identity.Account ?? Accounts.Account.GlobalName);
        if (Account is null)
        {
            RefuseAuthentication();
            return false;
        }
        _identity = identity;
        _connect = connect;
        if (identity.OverruledName is { } overruled) LeafLog.Warning(Log, Label, $"User \"{overruled}\" found in connect proto, but user required from cert");
        if (FindRefusal(connect) is { } refusal)
        {
            Fail(refusal.Text, refusal.Reason);
            return false;
        }
        _awaitsConnect = false;
        Take(connect);
        // What the user may publish comes in, what it may subscribe to goes out.
        var rules = identity.Permissions?.Options;
        _permissions = LeafPermissions.Of(rules?.Subscribe, rules?.Publish).Denying(connect.DenyPublish ?? [], []);
        _replies = rules?.Responses is { } responses ? new ReplyPermissions(responses) : null;
        return Join();
    }

    private (string Text, CloseReason Reason)? FindRefusal(LeafConnect connect)
    {
        if (!string.IsNullOrEmpty(connect.Language)) return ("attempted to connect to leaf node port", CloseReason.WrongPort);
        if (connect.Cluster?.Contains(' ') == true) return ("cluster name cannot contain spaces", CloseReason.ProtocolViolation);
        if (!string.IsNullOrEmpty(connect.Cluster) && connect.Cluster == _host.ClusterName)
        {
            return ("remote leafnode has same cluster name", CloseReason.ClusterNamesIdentical);
        }
        if (!string.IsNullOrEmpty(connect.Gateway))
        {
            return ($"Rejecting connection from gateway \"{connect.Gateway}\" on the leafnode port", CloseReason.WrongGateway);
        }
        if (_host.Options.LeafNode.MinimumVersion is not { Length: > 0 } minimum || LeafNodeCheck.IsAtLeast(connect.Version, minimum)) return null;
        // So that the other side deals with the refusal as with any other.
        SendLine(BuildConnectInfo());
        return ($"connection rejected since minimum version required is \"{minimum}\"", CloseReason.MinimumVersionRequired);
    }

    private void Take(LeafConnect connect)
    {
        RemoteTakesHeaders = connect.Headers && !_host.Options.Limits.NoHeaderSupport;
        _remoteProtocol = connect.Protocol;
        if (!HasAgreedOnCompression) TakeCompression(connect.Compression);
        RemoteName = connect.Name;
        RemoteId = connect.ServerId;
        RemoteDomain = connect.Domain ?? "";
        RemoteAccount = connect.RemoteAccount ?? "";
        SetCluster(connect.Cluster);
        IsIsolated |= connect.Isolate;
        IsSpoke = connect.IsHub;
    }

    /// <summary>Told when CONNECT is accepted: what the user may do, for the other side to go by.</summary>
    private byte[] BuildConnectInfo() => (_manager.BuildInfo() with
    {
        ClientId = Id,
        ConnectInfo = true,
        RemoteAccount = Account!.Name,
        IsSystemAccount = Account.IsSystem,
        Import = LeafPermissions.ToLists(_identity?.Permissions?.Options.Subscribe),
        Export = LeafPermissions.ToLists(_identity?.Permissions?.Options.Publish),
    }).ToProtocolLine();

    /// <summary>Takes its place in the account, and tells what is wanted there.</summary>
    private bool Join()
    {
        if (Account!.Interest is not { } interest)
        {
            Fail("leafnodes disabled", CloseReason.ProtocolViolation);
            return false;
        }
        _info = new ClientInfo { Account = Account.Name, Kind = "Leafnode", Server = _host.ServerName, Host = RemoteEndPoint.Address.ToString(), Id = Id, Name = RemoteName };
        ApplyDomains();
        if (_manager.Register(this) is { } error)
        {
            if (error == LoopDetected) CloseForLoop(tell: true);
            else Fail(error, error == TooManyConnections ? CloseReason.MaxAccountConnectionsExceeded : CloseReason.ServerShutdown);
            return false;
        }
        SchedulePing(first: true);
        if (!IsSolicited) SendLine(BuildConnectInfo());
        // Answers that lead straight back to another cluster come this way.
        if (_host.Accounts.Outer is not null) SendLine([.. "LS+ $GR.*.>\r\nLS+ _GR_.>\r\n"u8]);
        SendLine([.. "LS+ "u8, .. _manager.LoopSubject(Account), .. "\r\n"u8]);
        interest.Attach(this);
        _host.OnJoined(this);
        Remote?.OnJoined();
        if (IsSolicited && Account.IsSystem) _host.OnSystemShared(ExtendsJetStream);
        return true;
    }
}
