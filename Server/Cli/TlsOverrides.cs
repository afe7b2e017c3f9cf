using NatsAspire.Server.Configuration;
using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Cli;

/// <summary>What flags say about TLS of clients.</summary>
public sealed record TlsOverrides
{
    /// <summary>False turns TLS off and makes the other flags meaningless.</summary>
    public bool? Enabled { get; init; }

    public bool? Verify { get; init; }

    public string? CertificateFile { get; init; }

    public string? KeyFile { get; init; }

    public string? CaFile { get; init; }

    /// <exception cref="CliException">Certificate or key is missing or wrong.</exception>
    public TlsOptions? ApplyTo(TlsOptions? configured)
    {
        if (Enabled == false) return null;
        if (this == new TlsOverrides()) return configured;
        if (string.IsNullOrEmpty(CertificateFile)) throw new CliException("TLS Server certificate must be present and valid");
        if (string.IsNullOrEmpty(KeyFile)) throw new CliException("TLS Server private key must be present and valid");
        var tls = new TlsOptions { CertificateFile = CertificateFile, KeyFile = KeyFile, CaFile = CaFile, Verify = Verify ?? false };
        return TlsFileCheck.FindError(tls) is { } error ? throw new CliException(error) : tls;
    }
}
