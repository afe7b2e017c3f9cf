using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Clustering.Links;

/// <summary>TLS between servers: both sides begin with it, before any protocol, and both show a certificate.</summary>
public abstract partial class LinkConnection
{
    private LoopTimer? _handshakeTimer;

    /// <summary>Begins the handshake, behind which the protocol starts.</summary>
    /// <param name="tls">What is shown and expected.</param>
    /// <param name="kind">The kind of link, for the log.</param>
    /// <param name="expected">Name the peer's certificate must have, when this side dialled; else null.</param>
    private protected void StartHandshake(TlsContext tls, string kind, string? expected)
    {
        _handshakeTimer = Loop.CreateTimer(() =>
        {
            LinkLog.Error(Log, Label, "TLS handshake timeout");
            Close(CloseReason.TlsHandshakeError);
        });
        Loop.Schedule(_handshakeTimer, tls.Timeout);
        LinkLog.Debug(Log, Label, $"Starting TLS {kind} {(expected is not null ? "client" : "server")} handshake");
        if (expected is null) StartTls(tls.ForServer, default, fault => OnHandshakeDone(tls, kind, fault));
        else StartTls(tls.ForClient(expected), fault => OnHandshakeDone(tls, kind, fault));
    }

    /// <summary>The handshake has failed.</summary>
    private protected virtual void OnHandshakeFailed(Exception? fault)
    {
        // Most kinds try the next address.
    }

    private protected void StopHandshake() => _handshakeTimer?.Cancel();

    /// <summary>
    /// With verify_and_map the peer's certificate must name the configured user, with verify_cert_and_check_known_urls
    /// the host of a configured address.
    /// </summary>
    private protected bool IsAdmittedByCertificate(TlsOptions? options, IEnumerable<Uri> known, string? user)
    {
        if (options is null || !(options.VerifyAndMap || options.CheckKnownUrls)) return true;
        if (Tls?.PeerCertificate is not { } certificate) return false;
        if (options.CheckKnownUrls && known.Any(url => certificate.MatchesHostname(url.Host))) return true;
        return options.VerifyAndMap && user is not null && CertificateUser.Find(certificate, [user], name => name == user) is not null;
    }

    private void OnHandshakeDone(TlsContext tls, string kind, Exception? fault)
    {
        _handshakeTimer?.Cancel();
        if (fault is not null || !tls.IsPinned(Tls?.PeerCertificate))
        {
            OnHandshakeFailed(fault);
            LinkLog.Error(Log, Label, $"TLS {kind} handshake error: {fault?.Message ?? "certificate not pinned"}");
            Close(CloseReason.TlsHandshakeError);
            return;
        }
        LinkLog.Debug(Log, Label, $"TLS handshake complete, version TLS {Tls!.Version}, cipher suite {Tls.CipherSuite}");
        StartProtocol();
    }
}
