using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Configuration;

/// <summary>Names a TLS block may use.</summary>
public static class TlsConfigurationNames
{
    public static IReadOnlyList<string> CipherSuites { get; } = [.. TlsNames.SecureCipherSuites, .. TlsNames.InsecureCipherSuites];

    public static IReadOnlyList<string> Curves => TlsNames.Curves;
}
