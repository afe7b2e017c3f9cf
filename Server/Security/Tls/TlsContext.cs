using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Security.Tls;

/// <summary>
/// A <c>tls</c> block made ready: certificates loaded, rules compiled. Immutable; a reload makes another one, and
/// handshakes under way end with the one they began with.
/// </summary>
public sealed class TlsContext
{
    private static readonly Oid ServerUsage = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientUsage = new("1.3.6.1.5.5.7.3.2");
    private readonly TlsOptions _options;
    private readonly SslStreamCertificateContext[] _certificates;
    private readonly X509Certificate2Collection _authorities = [];
    private readonly CipherSuitesPolicy? _ciphers;

    private TlsContext(TlsOptions options)
    {
        _options = options;
        var pairs = options.Certificates.Count > 0 ? options.Certificates
            : options.CertificateFile is { } file ? [new TlsCertificatePair(file, options.KeyFile!)] : [];
        _certificates = [.. pairs.Select(Load)];
        if (!string.IsNullOrEmpty(options.CaFile)) _authorities.ImportFromPemFile(options.CaFile);
        _ciphers = CompileCiphers(options.CipherSuites);
        Limiter = options.ConnectionRateLimit > 0 ? new HandshakeLimiter(options.ConnectionRateLimit) : null;
    }

    /// <summary>Time a handshake may take.</summary>
    public TimeSpan Timeout => _options.Timeout > TimeSpan.Zero ? _options.Timeout : Defaults.TlsTimeout;

    public bool Verify => _options.Verify;

    /// <summary>Users come from client certificates.</summary>
    public bool VerifyAndMap => _options.VerifyAndMap;

    public bool HandshakeFirst => _options.HandshakeFirst;

    /// <summary>How long to wait for a handshake before INFO goes out in plain text; zero: for ever.</summary>
    public TimeSpan HandshakeFirstFallback => _options.HandshakeFirstFallback;

    /// <summary>Handshakes per second; null: no limit.</summary>
    public HandshakeLimiter? Limiter { get; }

    /// <summary>The first certificate's end of life; null: there is none.</summary>
    public DateTimeOffset? NotAfter => _certificates.Length == 0 ? null : _certificates[0].TargetCertificate.NotAfter.ToUniversalTime();

    private SslProtocols Protocols => _options.MinimumVersion == 13 ? SslProtocols.Tls13 : SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>Loads what a block names; null in, null out.</summary>
    /// <exception cref="ConfigurationValueException">A file that cannot be used, or a cipher suite this system cannot choose.</exception>
    public static TlsContext? Create(TlsOptions? options)
    {
        if (options is null) return null;
        try
        {
            return new TlsContext(options);
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationValueException($"error loading TLS certificates: {error.Message}");
        }
    }

    /// <summary>What the accepting side does for the name a peer asks for.</summary>
    /// <param name="serverName">SNI; empty: none.</param>
    public SslServerAuthenticationOptions ForServer(string serverName) => new()
    {
        ServerCertificateContext = Choose(serverName),
        ClientCertificateRequired = _options.Verify,
        EnabledSslProtocols = Protocols,
        CipherSuitesPolicy = _ciphers,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = _options.Verify ? ChainPolicy(ClientUsage) : null,
        RemoteCertificateValidationCallback = (_, certificate, _, errors) => IsAcceptable(certificate, errors, isServer: false),
        AllowRenegotiation = false,
    };

    /// <summary>What the dialling side does.</summary>
    /// <param name="host">Name the other side's certificate has to carry.</param>
    public SslClientAuthenticationOptions ForClient(string host) => new()
    {
        TargetHost = host,
        ClientCertificateContext = _certificates.Length > 0 ? _certificates[0] : null,
        EnabledSslProtocols = Protocols,
        CipherSuitesPolicy = _ciphers,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = ChainPolicy(ServerUsage),
        RemoteCertificateValidationCallback = (_, certificate, _, errors) => _options.Insecure || IsAcceptable(certificate, errors, isServer: true),
        AllowRenegotiation = false,
    };

    /// <summary>Whether the key of a peer's certificate is among the pinned ones (when there are any).</summary>
    public bool IsPinned(X509Certificate2? certificate) =>
        _options.PinnedCertificates.Count == 0
        || (certificate is not null && _options.PinnedCertificates.Contains(KeyFingerprint(certificate)));

    private static string KeyFingerprint(X509Certificate2 certificate) =>
        Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));

    private bool IsAcceptable(X509Certificate? certificate, SslPolicyErrors errors, bool isServer)
    {
        if (isServer || _options.Verify) return certificate is not null && errors == SslPolicyErrors.None;
        return true;
    }

    private X509ChainPolicy ChainPolicy(Oid usage)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.ApplicationPolicy.Add(usage);
        if (_authorities.Count == 0) return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(_authorities);
        return policy;
    }

    private SslStreamCertificateContext? Choose(string serverName)
    {
        if (_certificates.Length == 0) return null;
        if (_certificates.Length > 1 && serverName.Length > 0)
        {
            foreach (var candidate in _certificates)
            {
                if (candidate.TargetCertificate.MatchesHostname(serverName)) return candidate;
            }
        }
        return _certificates[0];
    }

    private static SslStreamCertificateContext Load(TlsCertificatePair pair)
    {
        var certificate = X509Certificate2.CreateFromPemFile(pair.CertificateFile, pair.KeyFile);
        var intermediates = new X509Certificate2Collection();
        intermediates.ImportFromPemFile(pair.CertificateFile);
        if (!OperatingSystem.IsWindows()) return SslStreamCertificateContext.Create(certificate, intermediates, offline: true);
        // Schannel takes keys from its own store only.
        using (certificate)
        {
            var stored = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
            return SslStreamCertificateContext.Create(stored, intermediates, offline: true);
        }
    }

    private static CipherSuitesPolicy? CompileCiphers(IReadOnlyList<string> names)
    {
        if (names.Count == 0) return null;
        if (OperatingSystem.IsWindows()) throw new ConfigurationValueException("tls: cipher_suites cannot be chosen on Windows; the system's policy applies");
        var suites = names.Select(name => name.StartsWith("TLS_", StringComparison.Ordinal) && Enum.TryParse<TlsCipherSuite>(name, out var suite)
            ? suite
            : throw new ConfigurationValueException($"tls: unknown cipher suite \"{name}\""));
        return new CipherSuitesPolicy(
        [
            .. suites, TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        ]);
    }
}
