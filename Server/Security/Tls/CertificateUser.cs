using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace NatsAspire.Server.Security.Tls;

/// <summary>
/// The user a certificate stands for (verify_and_map): the first known name among its e-mail addresses, DNS names
/// and URIs, then its subject, by structure or as text.
/// </summary>
internal static class CertificateUser
{
    private const string AlternativeNames = "2.5.29.17";

    /// <summary>The name; null: none of the known ones.</summary>
    /// <param name="certificate">Verified already.</param>
    /// <param name="users">All names, of which some may be distinguished names.</param>
    /// <param name="isKnown">Whether a name is one of them.</param>
    public static string? Find(X509Certificate2 certificate, IEnumerable<string> users, Func<string, bool> isKnown)
    {
        foreach (var name in ReadAlternativeNames(certificate))
        {
            if (isKnown(name)) return name;
        }
        var subject = DistinguishedName.Of(certificate.SubjectName);
        if (subject is null) return null;
        var candidates = users.Select(user => (User: user, Name: DistinguishedName.Parse(user))).Where(user => user.Name is not null).ToList();
        return candidates.Find(candidate => candidate.Name!.Equals(subject)).User
            ?? candidates.Find(candidate => candidate.Name!.HasSameParts(subject)).User
            ?? new[] { subject.ToTextWithDomains(), subject.ToText() }.FirstOrDefault(isKnown);
    }

    /// <summary>E-mail addresses, then DNS names, then URIs.</summary>
    private static IEnumerable<string> ReadAlternativeNames(X509Certificate2 certificate)
    {
        if (certificate.Extensions[AlternativeNames] is not { } extension) return [];
        var mail = new Asn1Tag(TagClass.ContextSpecific, 1);
        var dns = new Asn1Tag(TagClass.ContextSpecific, 2);
        var uri = new Asn1Tag(TagClass.ContextSpecific, 6);
        var found = new List<(int Kind, string Name)>();
        try
        {
            var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                var tag = names.PeekTag();
                if (tag == mail || tag == dns || tag == uri)
                {
                    found.Add((tag.TagValue, names.ReadCharacterString(UniversalTagNumber.IA5String, tag)));
                }
                else
                {
                    names.ReadEncodedValue();
                }
            }
        }
        catch (AsnContentException)
        {
            // A certificate nobody can read names nobody.
            return [];
        }
        return found.OrderBy(name => name.Kind).Select(name => name.Name);
    }
}
