using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace NatsAspire.Server.Security.Tls;

/// <summary>
/// A distinguished name: relative names in RFC 2253's order, the most particular first.
/// <code>
/// name      = relative *("," relative)
/// relative  = attribute *("+" attribute)
/// attribute = type "=" value          ; "\" escapes , + " \ &lt; &gt; ; # = blank and hex pairs
/// </code>
/// </summary>
internal sealed class DistinguishedName : IEquatable<DistinguishedName>
{
    private const string DomainComponent = "DC";

    private static readonly Dictionary<string, string> TypeNames = new()
    {
        ["2.5.4.3"] = "CN",
        ["2.5.4.5"] = "SERIALNUMBER",
        ["2.5.4.6"] = "C",
        ["2.5.4.7"] = "L",
        ["2.5.4.8"] = "ST",
        ["2.5.4.9"] = "STREET",
        ["2.5.4.10"] = "O",
        ["2.5.4.11"] = "OU",
        ["2.5.4.17"] = "POSTALCODE",
        ["0.9.2342.19200300.100.1.25"] = DomainComponent,
        ["0.9.2342.19200300.100.1.1"] = "UID",
    };

    /// <summary>Attributes of a relative name are a set: kept sorted.</summary>
    private readonly (string Type, string Value)[][] _parts;

    private DistinguishedName(IEnumerable<IEnumerable<(string Type, string Value)>> parts) =>
        _parts = [.. parts.Select(part => part.OrderBy(attribute => attribute.Type, StringComparer.Ordinal).ThenBy(attribute => attribute.Value, StringComparer.Ordinal).ToArray())];

    /// <summary>The subject of a certificate; null when it cannot be read.</summary>
    public static DistinguishedName? Of(X500DistinguishedName name)
    {
        try
        {
            var parts = new List<List<(string, string)>>();
            var sequence = new AsnReader(name.RawData, AsnEncodingRules.DER).ReadSequence();
            while (sequence.HasData)
            {
                var attributes = new List<(string, string)>();
                for (var set = sequence.ReadSetOf(); set.HasData;) attributes.Add(ReadAttribute(set.ReadSequence()));
                parts.Insert(0, attributes);
            }
            return new DistinguishedName(parts);
        }
        catch (Exception error) when (error is AsnContentException or CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Reads RFC 2253 text; null when it is none.</summary>
    public static DistinguishedName? Parse(string text)
    {
        var parts = new List<List<(string, string)>> { new() };
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            var equals = rest.IndexOf('=');
            if (equals <= 0) return null;
            var type = rest[..equals].Trim().ToString().ToUpperInvariant();
            if (!TryReadValue(rest[(equals + 1)..], out var value, out rest, out var end)) return null;
            parts[^1].Add((TypeNames.GetValueOrDefault(type, type), value));
            if (end == ',') parts.Add([]);
            if (end != '\0' && rest.IsEmpty) return null;
        }
        return parts[0].Count == 0 ? null : new DistinguishedName(parts);
    }

    public bool Equals(DistinguishedName? other) =>
        other is not null && _parts.Length == other._parts.Length && _parts.Zip(other._parts).All(pair => pair.First.SequenceEqual(pair.Second));

    public override bool Equals(object? other) => Equals(other as DistinguishedName);

    public override int GetHashCode() => _parts.Length;

    /// <summary>The same relative names, in whatever order.</summary>
    public bool HasSameParts(DistinguishedName other) =>
        _parts.Length == other._parts.Length
        && _parts.All(part => other._parts.Any(part.SequenceEqual))
        && other._parts.All(part => _parts.Any(part.SequenceEqual));

    /// <summary>The text Go writes for a subject, which knows no domain components.</summary>
    public string ToText() => Join(_parts.Where(part => part.All(attribute => attribute.Type != DomainComponent)));

    /// <summary>The same with the domain components at the end.</summary>
    public string ToTextWithDomains() =>
        string.Join(',', new[] { ToText(), Join(_parts.Where(part => part.Any(attribute => attribute.Type == DomainComponent)).Reverse()) }.Where(text => text.Length > 0));

    private static string Join(IEnumerable<(string Type, string Value)[]> parts) =>
        string.Join(',', parts.Select(part => string.Join('+', part.Select(attribute => $"{attribute.Type}={Escape(attribute.Value)}"))));

    private static (string, string) ReadAttribute(AsnReader attribute)
    {
        var oid = attribute.ReadObjectIdentifier();
        var tag = (UniversalTagNumber)attribute.PeekTag().TagValue;
        return (TypeNames.GetValueOrDefault(oid, oid), attribute.ReadCharacterString(tag));
    }

    private static bool TryReadValue(ReadOnlySpan<char> text, out string value, out ReadOnlySpan<char> rest, out char end)
    {
        var read = new StringBuilder();
        var pendingBlanks = 0;
        value = "";
        rest = default;
        end = '\0';
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c is ',' or '+')
            {
                value = read.ToString();
                rest = text[(i + 1)..];
                end = c;
                return true;
            }
            if (c == ' ')
            {
                if (read.Length > 0) pendingBlanks++;
                continue;
            }
            if (c == '\\' && !TryUnescape(text, ref i, out c)) return false;
            read.Append(' ', pendingBlanks).Append(c);
            pendingBlanks = 0;
        }
        value = read.ToString();
        return true;
    }

    private static bool TryUnescape(ReadOnlySpan<char> text, ref int at, out char c)
    {
        c = '\0';
        if (++at >= text.Length) return false;
        c = text[at];
        if (" ,+\"\\<>;#=".Contains(c)) return true;
        if (at + 1 >= text.Length || !byte.TryParse(text.Slice(at, 2), System.Globalization.NumberStyles.HexNumber, null, out var value)) return false;
        at++;
        c = (char)value;
        return true;
    }

    private static string Escape(string value)
    {
        var text = new StringBuilder();
        for (var i = 0; i < value.Length; i++)
        {
            var c = value[i];
            var special = ",+\"\\<>;".Contains(c) || (c is ' ' or '#' && i == 0) || (c == ' ' && i == value.Length - 1);
            if (special) text.Append('\\');
            text.Append(c);
        }
        return text.ToString();
    }
}
