using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace NatsAspire.Tests.Support;

/// <summary>An authority of the test's own, the certificates it gives out, and their files; all gone at the end.</summary>
public sealed class TestCertificates : IDisposable
{
    private static readonly DateTimeOffset From = TimeProvider.System.GetUtcNow().AddDays(-1);
    private readonly X509Certificate2 _authority;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natsaspire-tls");

    public TestCertificates()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Test Authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _authority = request.CreateSelfSigned(From, From.AddDays(30));
        Write("ca.pem", _authority.ExportCertificatePem());
        Issue("server", "CN=server", names => { names.AddDnsName("localhost"); names.AddIpAddress(IPAddress.Loopback); });
    }

    public string this[string file] => Path.Combine(_folder.FullName, file);

    /// <summary>The tls block of a listener with the certificate called "server".</summary>
    public string Block(string more = "", string name = "server") =>
        $"tls {{ cert_file: \"{this[name + ".pem"]}\", key_file: \"{this[name + ".key"]}\", ca_file: \"{this["ca.pem"]}\", timeout: 5\n{more}\n }}";

    /// <summary>Makes NAME.pem and NAME.key, for both sides of a connection.</summary>
    public X509Certificate2 Issue(string name, string subject, Action<SubjectAlternativeNameBuilder>? names = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        if (names is not null)
        {
            var alternative = new SubjectAlternativeNameBuilder();
            names(alternative);
            request.CertificateExtensions.Add(alternative.Build());
        }
        using var issued = request.Create(_authority, From.AddHours(1), From.AddDays(20), RandomNumberGenerator.GetBytes(8));
        Write(name + ".pem", issued.ExportCertificatePem());
        Write(name + ".key", key.ExportPkcs8PrivateKeyPem());
        return X509Certificate2.CreateFromPemFile(this[name + ".pem"], this[name + ".key"]);
    }

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    private void Write(string file, string pem) => File.WriteAllText(this[file], pem);
}
