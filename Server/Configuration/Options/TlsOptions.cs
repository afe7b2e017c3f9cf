namespace NatsAspire.Server.Configuration;

/// <summary>A <c>tls</c> block.</summary>
public sealed record TlsOptions
{
    public string? CertificateFile { get; init; }

    public string? KeyFile { get; init; }

    public string? CaFile { get; init; }

    /// <summary>Several pairs in place of <see cref="CertificateFile"/>.</summary>
    public IReadOnlyList<TlsCertificatePair> Certificates { get; init; } = [];

    /// <summary>Ask clients for a certificate and check it.</summary>
    public bool Verify { get; init; }

    /// <summary>Take the user from the client's certificate.</summary>
    public bool VerifyAndMap { get; init; }

    /// <summary>Also check that the peer's certificate names one of the known URLs (cluster and gateway).</summary>
    public bool CheckKnownUrls { get; init; }

    /// <summary>Do not check the certificate of the other side.</summary>
    public bool Insecure { get; init; }

    public bool AllowInsecureCipherSuites { get; init; }

    /// <summary>IANA names; empty: the default ones.</summary>
    public IReadOnlyList<string> CipherSuites { get; init; } = [];

    /// <summary>Names of curves, first is liked best; empty: the default ones.</summary>
    public IReadOnlyList<string> CurvePreferences { get; init; } = [];

    /// <summary>12 or 13 for TLS 1.2 or 1.3; null: 1.2.</summary>
    public int? MinimumVersion { get; init; }

    /// <summary>Time for the handshake; zero: the default.</summary>
    public TimeSpan Timeout { get; init; }

    /// <summary>Handshakes per second; 0: no limit.</summary>
    public long ConnectionRateLimit { get; init; }

    /// <summary>Lower-case hex of SHA-256 of the subject public keys that may connect; empty: any.</summary>
    public IReadOnlySet<string> PinnedCertificates { get; init; } = new HashSet<string>();

    /// <summary>Handshake before INFO.</summary>
    public bool HandshakeFirst { get; init; }

    /// <summary>With <see cref="HandshakeFirst"/>: wait so long, then send INFO; zero: wait for ever.</summary>
    public TimeSpan HandshakeFirstFallback { get; init; }

    /// <summary>OCSP checks of the other side; null: none.</summary>
    public OcspPeerOptions? OcspPeer { get; init; }
}

/// <summary>Files of a certificate and its key.</summary>
public sealed record TlsCertificatePair(string CertificateFile, string KeyFile);

/// <summary>OCSP checks of the certificates of the other side.</summary>
public sealed record OcspPeerOptions
{
    public bool Verify { get; init; }

    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Life of a response that does not say when it ends.</summary>
    public TimeSpan TtlWithoutNextUpdate { get; init; } = TimeSpan.FromHours(1);

    public bool WarnOnly { get; init; }

    public bool UnknownIsGood { get; init; }

    public bool AllowWhenCaUnreachable { get; init; }
}

/// <summary>Whether and from where staples of the server's own certificate are got.</summary>
/// <param name="Mode">auto, always, must or never.</param>
/// <param name="OverrideUrls">Responders in place of those the certificate names.</param>
public sealed record OcspOptions(string Mode, IReadOnlyList<string> OverrideUrls);

/// <summary>Cache of OCSP responses about other sides.</summary>
public sealed record OcspCacheOptions
{
    /// <summary>none or local.</summary>
    public string Type { get; init; } = "local";

    public string LocalStore { get; init; } = "_rc_";

    public bool PreserveRevoked { get; init; }

    /// <summary>Time between saves, at least 1 s.</summary>
    public TimeSpan SaveInterval { get; init; } = TimeSpan.FromMinutes(5);
}
