using System.Security.Authentication;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>TLS between servers: both sides begin with it, before any protocol, and both show a certificate.</summary>
public sealed partial class RouteConnection
{
    private readonly TlsContext? _tlsContext;
    private LoopTimer? _handshakeTimer;
    private bool _expectsConfiguredName;

    private void StartHandshake()
    {
        _handshakeTimer = Loop.CreateTimer(() =>
        {
            RouteLog.Error(Log, _label, "TLS handshake timeout");
            Close(CloseReason.TlsHandshakeError);
        });
        Loop.Schedule(_handshakeTimer, _tlsContext!.Timeout);
        RouteLog.Debug(Log, _label, $"Starting TLS route {(IsSolicited ? "client" : "server")} handshake");
        if (Target is null) StartTls(_tlsContext.ForServer, default, OnHandshakeDone);
        else StartTls(_tlsContext.ForClient(ExpectedName(Target.Url)), OnHandshakeDone);
    }

    private string ExpectedName(Uri url)
    {
        if (url.HostNameType == UriHostNameType.Dns || _manager.TlsName is not { } name) return url.Host;
        _expectsConfiguredName = true;
        return name;
    }

    private void OnHandshakeDone(Exception? fault)
    {
        _handshakeTimer?.Cancel();
        if (fault is not null || !_tlsContext!.IsPinned(Tls?.PeerCertificate))
        {
            // The next attempt expects the number itself.
            if (_expectsConfiguredName && fault is AuthenticationException) _manager.TlsName = null;
            RouteLog.Error(Log, _label, $"TLS route handshake error: {fault?.Message ?? "certificate not pinned"}");
            Close(CloseReason.TlsHandshakeError);
            return;
        }
        RouteLog.Debug(Log, _label, $"TLS handshake complete, version TLS {Tls!.Version}, cipher suite {Tls.CipherSuite}");
        StartProtocol();
    }

    /// <summary>
    /// With verify_and_map the certificate must name the cluster's user, with verify_cert_and_check_known_urls the
    /// host of a configured route.
    /// </summary>
    private bool IsAdmittedByCertificate()
    {
        var cluster = _host.Options.Cluster;
        if (cluster.Tls is not { } options || !(options.VerifyAndMap || options.CheckKnownUrls)) return true;
        if (Tls?.PeerCertificate is not { } certificate) return false;
        if (options.CheckKnownUrls && cluster.Routes.Any(url => certificate.MatchesHostname(url.Host))) return true;
        return options.VerifyAndMap
            && cluster.Username is { } user
            && CertificateUser.Find(certificate, [user], name => name == user) is not null;
    }
}
