using System.Text.Json;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;

namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>
/// The handshake (clusterwire.md §3): the side that was dialled sends INFO; the other looks whether it is the cluster it
/// meant, then sends CONNECT and its own INFO, and both are registered.
/// </summary>
public sealed partial class GatewayConnection
{
    private LoopTimer? _authTimer;
    private bool _awaitsConnect;
    private bool _greeted;
    private bool _registered;
    private int _remoteProtocol;

    private protected override void StartProtocol()
    {
        if (IsOutbound)
        {
            // Only to see whether anything comes at all.
            SchedulePing(first: false);
            return;
        }
        _awaitsConnect = true;
        _authTimer = Loop.CreateTimer(() => Fail("Authentication Timeout", CloseReason.AuthenticationTimeout));
        var timeout = _host.Options.Gateway.AuthTimeout;
        Loop.Schedule(_authTimer, timeout > TimeSpan.Zero ? timeout : Defaults.AuthTimeout);
        SendLine(_manager.InfoLine);
    }

    private bool ProcessConnect(ReadOnlySpan<byte> json)
    {
        if (IsOutbound || _greeted)
        {
            Fail("Unknown Protocol Operation", CloseReason.ProtocolViolation);
            return false;
        }
        if (!TryRead(json, ProtocolJson.Default.ConnectOptions, out var connect)) return false;
        _authTimer?.Cancel();
        if (!IsAuthentic(connect))
        {
            RefuseAuthentication();
            return false;
        }
        if (string.IsNullOrEmpty(connect.Gateway))
        {
            Fail("attempted to connect to gateway port", CloseReason.WrongPort);
            return false;
        }
        if (_manager.Rejects(connect.Gateway))
        {
            LinkLog.Error(Log, Label, $"Rejecting connection from gateway \"{connect.Gateway}\"");
            Fail($"Connection to gateway \"{_manager.Name}\" rejected", CloseReason.WrongGateway);
            return false;
        }
        _awaitsConnect = false;
        _greeted = true;
        SchedulePing(first: true);
        return true;
    }

    private bool IsAuthentic(ConnectOptions connect)
    {
        var gateway = _host.Options.Gateway;
        if (!IsAdmittedByCertificate(gateway.Tls, _manager.ConfiguredUrls, gateway.Username)) return false;
        return string.IsNullOrEmpty(gateway.Username) || gateway.Tls is { VerifyAndMap: true }
            || (connect.User == gateway.Username && Authenticator.SecretsMatch(gateway.Password ?? "", connect.Password));
    }

    private bool ProcessInfo(ReadOnlySpan<byte> json)
    {
        if (!TryRead(json, ProtocolJson.Default.ServerInfo, out var info)) return false;
        if (IsOutbound) return _registered ? ProcessLaterInfo(info) : ProcessFirstInfo(info);
        return _registered || Admit(info);
    }

    /// <summary>The first INFO of who was dialled.</summary>
    private bool ProcessFirstInfo(ServerInfo info)
    {
        if (string.IsNullOrEmpty(info.Gateway))
        {
            Fail($"Attempt to connect to gateway \"{Remote!.Name}\" using wrong port", CloseReason.WrongPort);
            return false;
        }
        if (info.Gateway != Remote!.Name)
        {
            RefuseCluster(info.Gateway);
            return false;
        }
        if (IsDuplicate(info)) return false;
        Note(info);
        if (info.GatewayUrls is { Count: > 0 } urls) Remote.Update(urls);
        _useOldPrefix = !info.GatewayNewReplyPrefix;
        _isInterestOnly = info.GatewayInterestOnly;
        RemoteTakesHeaders = info.Headers && !_host.Options.Limits.NoHeaderSupport;
        SendConnect();
        if (!_manager.RegisterOutbound(this))
        {
            Close(CloseReason.WrongGateway);
            return false;
        }
        _registered = true;
        _greeted = true;
        SchedulePing(first: true);
        GatewayLog.OutboundRegistered(Log, Label, $"\"{Remote.Name}\"", info.ServerId);
        if (!_isInterestOnly) AssumeInterest();
        _manager.TellPeers(info);
        return true;
    }

    private bool ProcessLaterInfo(ServerInfo info)
    {
        if (string.IsNullOrEmpty(info.Gateway))
        {
            Fail($"Attempt to connect to gateway \"{Remote!.Name}\" using wrong port", CloseReason.WrongPort);
            return false;
        }
        if (info.Gateway != Remote!.Name)
        {
            if (info.GatewayCommand == GatewayCommand.Gossip)
            {
                if (!_manager.Rejects(info.Gateway)) _manager.Learn(info);
                return true;
            }
            RefuseCluster(info.Gateway);
            return false;
        }
        switch (info.GatewayCommand)
        {
            case 0:
                if (IsDuplicate(info)) return false;
                if (info.GatewayUrls is { Count: > 0 } urls) Remote.Update(urls);
                _manager.TellPeers(info);
                return true;
            case GatewayCommand.AllInterestBegins or GatewayCommand.AllInterestComplete:
                return ProcessAllInterest(info);
            default:
                LinkLog.Error(Log, Label, $"Received unknown command {info.GatewayCommand} from gateway \"{Remote.Name}\"");
                return true;
        }
    }

    /// <summary>The first INFO of who dialled.</summary>
    private bool Admit(ServerInfo info)
    {
        if (IsDuplicate(info)) return false;
        Note(info);
        ClusterName = info.Gateway;
        _registered = true;
        _manager.RegisterInbound(this, info);
        GatewayLog.InboundRegistered(Log, Label, $"\"{info.Gateway}\"", info.ServerId);
        return true;
    }

    private void Note(ServerInfo info)
    {
        RemoteId = info.ServerId;
        RemoteName = info.ServerName;
        _remoteProtocol = info.Protocol;
    }

    private bool IsDuplicate(ServerInfo info)
    {
        if (info.ServerName.Length == 0 || (info.ServerName != _host.ServerName && !_host.HasPeerNamed(info.ServerName))) return false;
        LinkLog.Error(Log, Label, $"Remote server has a duplicate name: \"{info.ServerName}\"");
        Close(CloseReason.DuplicateServerName);
        return true;
    }

    private void RefuseCluster(string told)
    {
        LinkLog.Error(Log, Label, $"Failing connection to gateway \"{Remote!.Name}\", remote gateway name is \"{told}\"");
        Fail($"Connection from \"{_manager.Name}\" rejected, wanted to connect to \"{Remote.Name}\", this is \"{told}\"", CloseReason.WrongGateway);
    }

    private void SendConnect()
    {
        var (user, password) = Credentials(Url!);
        var gateway = _host.Options.Gateway;
        if (Url!.UserInfo.Length == 0) (user, password) = (Text(gateway.Username), Text(gateway.Password));
        var connect = new GatewayConnect(false, false, false, user, password, _tls is not null, false, _host.ServerId, "", _manager.Name);
        SendLine([.. "CONNECT "u8, .. JsonSerializer.SerializeToUtf8Bytes(connect, GatewayJson.Default.GatewayConnect), .. "\r\n"u8]);
        SendLine(_manager.InfoLine);

        static string? Text(string? value) => string.IsNullOrEmpty(value) ? null : value;
    }

    private bool ProcessRemoteError(ReadOnlySpan<byte> text)
    {
        LinkLog.Error(Log, Label, $"Gateway Error {Clients.Redaction.HideSecrets(text)}");
        Close(CloseReason.ParseError);
        return false;
    }
}
