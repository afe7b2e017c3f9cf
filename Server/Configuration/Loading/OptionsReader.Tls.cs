using System.Text.RegularExpressions;
using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>TLS blocks.</summary>
internal sealed partial class OptionsReader
{
    private static readonly TimeSpan DefaultHandshakeFallback = TimeSpan.FromMilliseconds(50);

    /// <summary>Reads a TLS block and looks at its files.</summary>
    /// <param name="block">The block.</param>
    /// <param name="isClientContext">The peers are clients, whose addresses are not known.</param>
    private static TlsOptions ReadTls(ConfigValue block, bool isClientContext)
    {
        TlsOptions tls;
        try
        {
            tls = FoldUnguarded(block, new TlsOptions(), (read, key, value) => ReadTlsEntry(read, key, value, isClientContext));
        }
        catch (ConfigTypeException failure)
        {
            throw new ConfigRefusedException(failure.Value, failure.Message);
        }
        if (tls.Certificates.Count > 0 && !string.IsNullOrEmpty(tls.CertificateFile))
        {
            throw new ConfigRefusedException(block, "error parsing tls config, cannot combine 'cert_file' option with 'certs' option");
        }
        var insecure = tls.CipherSuites.Where(TlsNames.IsInsecureCipherSuite).ToList();
        if (insecure.Count > 0 && !tls.AllowInsecureCipherSuites)
        {
            throw new ConfigRefusedException(block, "insecure cipher suites configured without 'allow_insecure_cipher_suites' " +
                $"option set: {string.Join(", ", insecure)}");
        }
        return TlsFileCheck.FindError(tls) is { } error ? throw new ConfigRefusedException(block, error) : tls;
    }

    private static TlsOptions ReadTlsEntry(TlsOptions tls, string key, ConfigValue value, bool isClientContext)
    {
        switch (key)
        {
            case "cert_file":
                return tls with { CertificateFile = ReadFileName(key, value) };
            case "key_file":
                return tls with { KeyFile = ReadFileName(key, value) };
            case "ca_file":
                return tls with { CaFile = ReadFileName(key, value) };
            case "insecure":
                return tls with { Insecure = ReadTlsFlag(key, value) };
            case "verify":
                return tls with { Verify = ReadTlsFlag(key, value) };
            case "verify_and_map":
                var isMapped = ReadTlsFlag(key, value);
                return tls with { VerifyAndMap = isMapped, Verify = tls.Verify || isMapped };
            case "verify_cert_and_check_known_urls":
                var isChecked = ReadTlsFlag(key, value);
                if (isChecked && isClientContext) throw new ConfigRefusedException(value, $"{key} not supported in this context");
                return tls with { CheckKnownUrls = isChecked, Verify = tls.Verify || isChecked };
            case "allow_insecure_cipher_suites":
                return tls with { AllowInsecureCipherSuites = ReadTlsFlag(key, value) };
            case "timeout":
                return tls with { Timeout = ReadTimeout(value, "tls config") };
            case "min_version":
                return tls with { MinimumVersion = ReadTlsVersion(value) };
            case "handshake_first" or "first" or "immediate":
                return WithHandshakeFirst(tls, key, value);
            default:
                return ReadTlsList(tls, key, value);
        }
    }

    private static TlsOptions ReadTlsList(TlsOptions tls, string key, ConfigValue value)
    {
        switch (key)
        {
            case "cipher_suites":
                return tls with { CipherSuites = ReadTlsNames(key, value, TlsNames.IsCipherSuite, "cipher") };
            case "curve_preferences":
                return tls with { CurvePreferences = ReadTlsNames(key, value, TlsNames.IsCurve, "curve preference") };
            case "connection_rate_limit":
                return value.Is<long>(out var limit)
                    ? tls with { ConnectionRateLimit = limit }
                    : throw new ConfigRefusedException(value, "error parsing tls config, 'connection_rate_limit' wrong type");
            case "pinned_certs":
                return tls with { PinnedCertificates = ReadPinnedCertificates(value) };
            case "certs" or "certificates":
                return tls with { Certificates = ReadCertificatePairs(value) };
            case "ocsp_peer":
                return tls with { OcspPeer = ReadOcspPeer(value) };
            case "cert_store" or "cert_match_by" or "cert_match" or "ca_certs_match" or "cert_match_skip_invalid":
                ReadCertificateStore(key, value);
                return tls;
        }
        throw new ConfigRefusedException(value, $"error parsing tls config, unknown field {QuotedText.Quote(key)}");
    }

    private static string ReadFileName(string key, ConfigValue value) => value.Is<string>(out var file)
        ? file
        : throw new ConfigRefusedException(value, $"error parsing tls config, expected '{key}' to be filename");

    private static bool ReadTlsFlag(string key, ConfigValue value) => value.Is<bool>(out var flag)
        ? flag
        : throw new ConfigRefusedException(value, $"error parsing tls config, expected '{key}' to be a boolean");

    private static List<string> ReadTlsNames(string key, ConfigValue value, Predicate<string> isKnown, string what)
    {
        var items = value.AsArray();
        if (items.Count == 0) throw new ConfigRefusedException(value, $"error parsing tls config, '{key}' cannot be empty");
        var names = new List<string>();
        foreach (var item in items)
        {
            var name = item.AsString();
            if (!isKnown(name)) throw new ConfigRefusedException(item, $"unrecognized {what} {name}");
            names.Add(name);
        }
        return names;
    }

    private static int ReadTlsVersion(ConfigValue value)
    {
        const string prefix = "error parsing tls config: ";
        if (!value.Is<string>(out var name)) throw new ConfigRefusedException(value, $"{prefix}'min_version' wrong type: {value}");
        return name switch
        {
            "1.2" => 12,
            "1.3" => 13,
            "1.0" or "1.1" => throw new ConfigRefusedException(value, $"{prefix}unsupported TLS version: TLS {name}"),
            _ => throw new ConfigRefusedException(value, $"{prefix}unknown version: {name}"),
        };
    }

    private static HashSet<string> ReadPinnedCertificates(ConfigValue value)
    {
        const string what = "hex-encoded sha256 of DER encoded SubjectPublicKeyInfo";
        if (!value.Is<IReadOnlyList<ConfigValue>>(out var items))
        {
            throw new ConfigRefusedException(value, $"error parsing tls config, expected 'pinned_certs' to be a list of {what}");
        }
        var pinned = new HashSet<string>();
        foreach (var item in items)
        {
            var entry = item.AsString().ToLowerInvariant();
            if (!Sha256Hex().IsMatch(entry))
            {
                throw new ConfigRefusedException(item, $"error parsing tls config, 'pinned_certs' key {entry} does not look like {what}");
            }
            pinned.Add(entry);
        }
        return pinned;
    }

    private static TlsOptions WithHandshakeFirst(TlsOptions tls, string key, ConfigValue value)
    {
        if (value.Is<bool>(out var isFirst)) return tls with { HandshakeFirst = isFirst };
        if (!value.Is<string>(out var text))
        {
            throw new ConfigRefusedException(value, $"field {QuotedText.Quote(key)} should be a boolean or a string, got {value.TypeName}");
        }
        switch (text.ToLowerInvariant())
        {
            case "true" or "on":
                return tls with { HandshakeFirst = true };
            case "false" or "off":
                return tls with { HandshakeFirst = false };
            case "auto" or "auto_fallback":
                return tls with { HandshakeFirst = true, HandshakeFirstFallback = DefaultHandshakeFallback };
        }
        return DurationText.Parse(text, out var delay) is null
            ? tls with { HandshakeFirst = true, HandshakeFirstFallback = delay }
            : throw new ConfigRefusedException(value, $"field {QuotedText.Quote(key)}'s value {QuotedText.Quote(text)} is invalid");
    }

    private static List<TlsCertificatePair> ReadCertificatePairs(ConfigValue value)
    {
        const string prefix = "error parsing certificates config: ";
        if (!value.Is<IReadOnlyList<ConfigValue>>(out var items)) throw new ConfigRefusedException(value, $"{prefix}unsupported type {value.TypeName}");
        var pairs = new List<TlsCertificatePair>();
        foreach (var item in items)
        {
            var pair = new TlsCertificatePair("", "");
            var last = item;
            foreach (var (key, setting) in ExpectMap(item, type => $"{prefix}unsupported type {type}"))
            {
                if (!setting.Is<string>(out var file)) throw new ConfigRefusedException(setting, $"{prefix}unsupported type {setting.TypeName}");
                last = setting;
                pair = key switch
                {
                    "cert_file" => pair with { CertificateFile = file },
                    "key_file" => pair with { KeyFile = file },
                    _ => throw new ConfigRefusedException(setting, $"error parsing tls certs config, unknown field {QuotedText.Quote(key)}"),
                };
            }
            if (pair.CertificateFile.Length == 0 || pair.KeyFile.Length == 0)
            {
                throw new ConfigRefusedException(last, $"{prefix}both 'cert_file' and 'cert_key' options are required");
            }
            pairs.Add(pair);
        }
        return pairs;
    }

    /// <summary>Certificate stores exist on Windows only; elsewhere naming a known one is an error of its own.</summary>
    private static void ReadCertificateStore(string key, ConfigValue value)
    {
        if (key == "ca_certs_match") return;
        if (key == "cert_match_skip_invalid")
        {
            if (!value.Is<bool>(out _)) throw new ConfigRefusedException(value, "expected 'cert_match_skip_invalid' to be a boolean");
            return;
        }
        if (!value.Is<string>(out var text) || text.Length == 0)
        {
            throw new ConfigRefusedException(value, $"expected '{key}' to be a valid non-empty string");
        }
        switch (key, text.ToLowerInvariant())
        {
            case ("cert_store", "windowscurrentuser" or "windowslocalmachine"):
                throw new ConfigRefusedException(value, "cert_store not compatible with current operating system");
            case ("cert_store", _):
                throw new ConfigRefusedException(value, "cert store type not implemented");
            case ("cert_match_by", not ("issuer" or "subject" or "thumbprint")):
                throw new ConfigRefusedException(value, "cert match by type not implemented");
        }
    }

    [GeneratedRegex("^[a-f0-9]{64}$")]
    private static partial Regex Sha256Hex();
}
