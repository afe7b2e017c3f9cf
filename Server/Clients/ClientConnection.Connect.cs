using System.Diagnostics;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;

namespace NatsAspire.Server.Clients;

/// <summary>CONNECT, authentication, and the account that follows from it.</summary>
public sealed partial class ClientConnection
{
    private static readonly ConnectOptions Unspecified = new() { Verbose = true, Pedantic = true, Echo = true };
    private int _maxControlLine;
    private int _maxPayload;
    private ConnectOptions _connect = Unspecified;
    private string _label;
    private LoopTimer? _authTimer;
    private Account? _announced;
    private bool _awaitsConnect;
    private bool _connectReceived;
    private bool _verbose = true;
    private bool _pedantic = true;
    private bool _echo = true;
    private bool _headers;
    private bool _noResponders;
    private bool _infoUpdates;

    /// <summary>What the client said of itself.</summary>
    public ConnectOptions ConnectOptions => _connect;

    /// <summary>Public key of the trusted proxy it came through; null: none.</summary>
    public string? ProxyKey { get; private set; }

    /// <summary>User name or nkey it was admitted as; null: nobody in particular.</summary>
    public string? UserName { get; private set; }

    private ConnectionFacts Facts => new(_nonce, Tls?.PeerCertificate, ConnectionType) { MapsCertificate = (WebSocket is null ? _tlsContext : _settings.WebSocket?.Tls) is { VerifyAndMap: true } };

    private void StartAuthenticationTimer()
    {
        _awaitsConnect = true;
        _authTimer = Loop.CreateTimer(() =>
        {
            if (_hub.Repeated.Admits("Authentication Timeout")) ClientLog.Debug(Log, _label, "Authentication Timeout");
            SendError("Authentication Timeout");
            Close(CloseReason.AuthenticationTimeout);
        });
        Loop.Schedule(_authTimer, AuthenticationTimeout);
    }

    private bool AdmitWithoutConnect()
    {
        if (Authenticator.NoAuthIdentity is not { Admitted: true } identity) return RefuseAuthentication();
        _authTimer?.Cancel();
        _awaitsConnect = false;
        return JoinAccount(identity);
    }

    private bool ProcessConnect(ReadOnlySpan<byte> json)
    {
        if (_trace) ClientLog.In(Log, _label, "CONNECT " + Redaction.HideSecrets(json));
        _authTimer?.Cancel();
        _active = true;
        ConnectOptions? given;
        try
        {
            given = JsonSerializer.Deserialize(json, ProtocolJson.Default.ConnectOptions);
        }
        catch (JsonException error)
        {
            ClientLog.Error(Log, _label, error.Message);
            Close(CloseReason.ProtocolViolation);
            return false;
        }
        var first = !_connectReceived;
        _connectReceived = true;
        if (given is not null) _connect = _connect.With(given);
        ApplyConnect();
        if (first)
        {
            RoundTrip = Stopwatch.GetElapsedTime(_openedTimestamp);
            SchedulePing(first: true);
        }
        else DropSubscriptions();
        if (!Authenticator.IsSlow(_connect)) return FinishConnect(Authenticator.Authenticate(_connect, Facts));
        AuthenticateElsewhere(_connect);
        return true;
    }

    /// <summary>bcrypt must not hold up the loop: it runs on a worker while this connection is not read.</summary>
    private void AuthenticateElsewhere(ConnectOptions connect)
    {
        Suspend();
        Task.Run(() =>
        {
            var identity = Authenticator.Authenticate(connect, Facts);
            Loop.Post(() =>
            {
                if (!IsClosing && FinishConnect(identity)) ResumeSuspended();
            });
        });
    }

    private void ApplyConnect()
    {
        if (WebSocket is not null) _connect = WithCookies(_connect, WebSocket);
        _verbose = _connect.Verbose ?? true;
        _pedantic = _connect.Pedantic ?? true;
        _echo = _connect.Echo ?? true;
        _headers = _connect.Headers == true && !_hub.Options.Limits.NoHeaderSupport;
        _noResponders = _connect.NoResponders == true;
    }

    private bool FinishConnect(Identity identity)
    {
        if (!identity.Admitted || _connect.NewAccount == true || !string.IsNullOrEmpty(_connect.Account))
        {
            return RefuseAuthentication(identity.Refusal);
        }
        _awaitsConnect = false;
        ProxyKey = identity.ProxyKey;
        UserName = identity.UserName;
        if (identity.OverruledName is { } overruled) ClientLog.Warning(Log, _label, $"User \"{overruled}\" found in connect proto, but user required from cert");
        if (!JoinAccount(identity)) return false;
        _label = DescribeForLog(identity);
        if (Account is { } joined && !ReferenceEquals(joined, _announced))
        {
            _announced = joined;
            _hub.Events?.OnConnected(this, joined);
        }
        if (_connect.Protocol is < 0 or > 1)
        {
            SendError("invalid client protocol");
            Close(CloseReason.BadClientProtocolVersion);
            return false;
        }
        if (_noResponders && !_headers)
        {
            SendError("no responders requires headers support");
            Close(CloseReason.NoRespondersRequiresHeaders);
            return false;
        }
        if (_verbose) SendOk();
        return true;
    }

    private bool RefuseAuthentication(CloseReason reason = CloseReason.AuthenticationViolation)
    {
        var who = _connect.User is { Length: > 0 } user ? $" - User \"{user}\""
            : ShownKey is { } nkey ? $" - Nkey \"{nkey}\"" : "";
        ClientLog.Error(Log, _label, "authentication error" + who);
        SendError("Authorization Violation");
        Close(reason);
        _hub.Events?.OnRefused(this, reason);
        return false;
    }

    private bool JoinAccount(Identity identity)
    {
        var account = identity.Account is { } name ? _hub.Accounts.GetOrAdd(name) : _hub.Accounts.Global;
        Permissions = identity.Permissions;
        _replies = Permissions?.Responses is { } rule ? new ReplyPermissions(rule) : null;
        _checksPublish = Permissions is { RestrictsPublish: true };
        if (!ReferenceEquals(account, Account))
        {
            LeaveAccount();
            if (!account.TryAddConnection())
            {
                CloseAsExcessOfAccount();
                return false;
            }
            Account = account;
            _trafficBefore = Traffic;
        }
        ApplyLimits(account.Options);
        return true;
    }

    private void ApplyLimits(Configuration.AccountOptions limits)
    {
        var server = _hub.Options.Limits;
        _maxPayload = Smaller(limits.MaxPayload, server.MaxPayload);
        _maxSubscriptions = Smaller(limits.MaxSubscriptions, server.MaxSubscriptions > 0 ? server.MaxSubscriptions : -1);
    }

    /// <summary>The tighter of two limits; a negative one is none.</summary>
    private static int Smaller(int first, int second) =>
        Math.Min(first < 0 ? int.MaxValue : first, second < 0 ? int.MaxValue : second);

    private void LeaveAccount()
    {
        if (Account is null) return;
        if (ReferenceEquals(_announced, Account)) _hub.Events?.OnDisconnected(this, Account, CloseReason);
        _announced = null;
        DropSubscriptions();
        Account.Figures.AddGoneClient(Traffic - _trafficBefore);
        Account.RemoveConnection();
        Account = null;
    }

    /// <summary><c>address - cid:1 - "v1.2:go:name" - "account/user:name"</c>, as upstream's log lines have it.</summary>
    private string DescribeForLog(Identity identity)
    {
        var parts = new List<string>();
        if (_connect.Version is { Length: > 0 } version) parts.Add("v" + version);
        if (_connect.Language is { Length: > 0 } language) parts.Add(language);
        if (_connect.Name is { Length: > 0 } name) parts.Add(name);
        var label = new StringBuilder(Peer);
        if (parts.Count > 0) label.Append($" - \"{string.Join(':', parts)}\"");
        if (LabelOfUser(identity) is { } user) label.Append($" - \"{Account?.Name}/{user}\"");
        return label.ToString();
    }

    private string? LabelOfUser(Identity identity) => identity.User switch
    {
        { NKey: { } nkey } => $"nkey:{nkey}",
        { Username: { } name } => $"user:{name}",
        _ => string.IsNullOrEmpty(_connect.Token) ? null : "token",
    };
}
