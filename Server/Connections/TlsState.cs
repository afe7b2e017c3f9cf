using System.Security.Cryptography.X509Certificates;

namespace NatsAspire.Server.Connections;

/// <summary>What a TLS handshake came to.</summary>
/// <param name="Version">1.2 or 1.3.</param>
/// <param name="CipherSuite">Its IANA name.</param>
/// <param name="PeerCertificate">What the peer showed; null: nothing.</param>
public sealed record TlsState(string Version, string CipherSuite, X509Certificate2? PeerCertificate);
