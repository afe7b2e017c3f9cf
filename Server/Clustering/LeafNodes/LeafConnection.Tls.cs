using System.Security.Authentication;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>TLS, behind INFO or before it.</summary>
public sealed partial class LeafConnection
{
    private bool _awaitsHandshake;
    private bool _greeted;
    private bool _expectsRememberedName;

    /// <summary>A leaf node that begins with TLS gets INFO inside of it; the others after a while.</summary>
    private void AwaitHandshake(TimeSpan fallback)
    {
        _awaitsHandshake = true;
        Schedule(fallback, () =>
        {
            _awaitsHandshake = false;
            Greet();
            StartServerHandshake(default);
        });
    }

    private void StartServerHandshake(ReadOnlySpan<byte> received)
    {
        _awaitsHandshake = false;
        var tls = _host.Tls!;
        AwaitHandshakeEnd(tls);
        LinkLog.Debug(Log, Label, "Starting TLS leafnode server handshake");
        StartTls(tls.ForServer, received, fault =>
        {
            if (!EndHandshake(tls, fault, "server")) return;
            if (!_greeted) Greet();
            AwaitConnect();
        });
    }

    private void StartClientHandshake()
    {
        var tls = Remote!.RequireTls();
        AwaitHandshakeEnd(tls);
        LinkLog.Debug(Log, Label, "Starting TLS leafnode client handshake");
        StartTls(tls.ForClient(ExpectedName), fault =>
        {
            // The next attempt expects the number itself.
            if (fault is AuthenticationException && _expectsRememberedName) Remote.TlsName = null;
            if (!EndHandshake(tls, fault, "client")) return;
            if (_hubInfo is not { } info) return;
            _hubInfo = null;
            GoOn(info);
            // What follows comes by itself, not behind bytes that were read already.
            if (SwitchesReceiving) StartDecompressing(default);
        });
    }

    private string ExpectedName
    {
        get
        {
            if (_url!.HostNameType == UriHostNameType.Dns || Remote!.TlsName is not { } name) return _url.Host;
            _expectsRememberedName = true;
            return name;
        }
    }

    private void AwaitHandshakeEnd(TlsContext tls) => Schedule(tls.Timeout, () =>
    {
        LogError("TLS handshake timeout");
        Close(CloseReason.TlsHandshakeError);
    });

    private bool EndHandshake(TlsContext tls, Exception? fault, string role)
    {
        _timer?.Cancel();
        if (fault is null && tls.IsPinned(Tls?.PeerCertificate))
        {
            LinkLog.Debug(Log, Label, $"TLS handshake complete, version TLS {Tls!.Version}, cipher suite {Tls.CipherSuite}");
            return true;
        }
        LogError($"TLS leafnode {role} handshake error: {fault?.Message ?? "certificate not pinned"}");
        Close(CloseReason.TlsHandshakeError);
        return false;
    }
}
