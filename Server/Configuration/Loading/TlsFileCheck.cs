using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Looks whether the files of a TLS block are there and fit together.</summary>
internal static class TlsFileCheck
{
    private const long MaxBytes = 16 * 1024 * 1024;

    /// <summary>What is wrong, in upstream's words; null: nothing.</summary>
    public static string? FindError(TlsOptions tls)
    {
        var hasCertificate = !string.IsNullOrEmpty(tls.CertificateFile);
        var hasKey = !string.IsNullOrEmpty(tls.KeyFile);
        if (hasCertificate && !hasKey) return "missing 'key_file' in TLS configuration";
        if (hasKey && !hasCertificate) return "missing 'cert_file' in TLS configuration";
        if (hasCertificate && FindPairError(tls.CertificateFile!, tls.KeyFile!) is { } error)
        {
            return $"error parsing X509 certificate/key pair: {error}";
        }
        for (var index = 0; index < tls.Certificates.Count; index++)
        {
            var (certificate, key) = tls.Certificates[index];
            if (FindPairError(certificate, key) is not { } pairError) continue;
            return $"error parsing X509 certificate/key pair {index + 1}/{tls.Certificates.Count}: {pairError}";
        }
        return string.IsNullOrEmpty(tls.CaFile) ? null : FindAuthorityError(tls.CaFile);
    }

    private static string? FindPairError(string certificateFile, string keyFile)
    {
        try
        {
            var certificateText = ReadText(certificateFile);
            var keyText = ReadText(keyFile);
            if (!HasPem(certificateText, "CERTIFICATE")) return "tls: failed to find any PEM data in certificate input";
            if (!HasPem(keyText, "PRIVATE KEY")) return "tls: failed to find any PEM data in key input";
            using var pair = X509Certificate2.CreateFromPem(certificateText, keyText);
            return null;
        }
        catch (ConfigException failure)
        {
            return failure.Message;
        }
        catch (ArgumentException)
        {
            return "tls: private key does not match public key";
        }
        catch (CryptographicException failure)
        {
            return $"tls: {failure.Message}";
        }
    }

    private static string? FindAuthorityError(string file)
    {
        try
        {
            var text = ReadText(file);
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPem(text);
            return authorities.Count > 0 ? null : "failed to parse root ca certificate";
        }
        catch (ConfigException failure)
        {
            return failure.Message;
        }
        catch (CryptographicException)
        {
            return "failed to parse root ca certificate";
        }
    }

    private static string ReadText(string file) => Encoding.UTF8.GetString(ConfigPath.ReadFile(file, MaxBytes));

    private static bool HasPem(string text, string label) =>
        text.Contains("-----BEGIN ", StringComparison.Ordinal) && text.Contains($"{label}-----", StringComparison.Ordinal);
}
