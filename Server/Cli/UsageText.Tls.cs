using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Cli;

/// <summary>Help about TLS blocks.</summary>
public static partial class UsageText
{
    private const string TlsExample =
        """

        TLS configuration is specified in the tls section of a configuration file:

        e.g.

            tls {
                cert_file:      "./certs/server-cert.pem"
                key_file:       "./certs/server-key.pem"
                ca_file:        "./certs/ca.pem"
                verify:         true
                verify_and_map: true

                cipher_suites: [
                    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
                ]
                curve_preferences: [
                    "CurveP256",
                    "CurveP384",
                    "CurveP521"
                ]
            }

        Available cipher suites include:

        """;

    /// <summary>Usage of TLS blocks.</summary>
    public static string Tls { get; } =
        TlsExample + Lines(TlsConfigurationNames.CipherSuites) + "\nAvailable curve preferences include:\n" + Lines(TlsConfigurationNames.Curves);

    private static string Lines(IEnumerable<string> names) => string.Concat(names.Select(name => $"    {name}\n"));
}
