using System.Text.RegularExpressions;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>URLs of a configuration.</summary>
internal static partial class UrlText
{
    /// <summary>Reads a URL.</summary>
    /// <returns>What is wrong with it in upstream's words, or null.</returns>
    public static string? Parse(string text, out Uri? url)
    {
        url = null;
        var trimmed = text.Trim();
        if (FindError(trimmed) is { } error) return $"parse {Quote(trimmed)}: {error}";
        return Uri.TryCreate(trimmed, UriKind.RelativeOrAbsolute, out url) ? null : $"parse {Quote(trimmed)}: invalid URL";
    }

    /// <summary>Scheme in lower case and authority without the user; empty where there is none.</summary>
    public static (string Scheme, string Host) Split(string text)
    {
        var colon = text.IndexOf(':');
        if (colon < 0) return ("", "");
        var rest = text[(colon + 1)..];
        var authority = rest.StartsWith("//", StringComparison.Ordinal) ? rest[2..].Split('/', '?', '#')[0] : "";
        return (text[..colon].ToLowerInvariant(), authority[(authority.LastIndexOf('@') + 1)..]);
    }

    /// <summary>A URL, a wrong one too, in quotes for a message; who it logs in as is nobody's business.</summary>
    public static string Quote(string text) => QuotedText.Quote(HideUsers(text));

    /// <summary>Text that may hold URLs, without the users and passwords in them.</summary>
    public static string HideUsers(string text) => User().Replace(text, "[REDACTED]@");

    /// <summary>What is wrong with a URL, or null.</summary>
    public static string? Check(string text) => FindError(text) is { } error ? $"parse {Quote(text)}: {error}" : null;

    private static string? FindError(string text)
    {
        if (text.Any(character => character < ' ' || character == 0x7f)) return "net/url: invalid control character in URL";
        var schemeLength = text.AsSpan().IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
        if (schemeLength == 0 && text[0] == ':') return "missing protocol scheme";
        var hasScheme = schemeLength > 0 && text[schemeLength] == ':' && char.IsAsciiLetter(text[0]);
        var rest = hasScheme ? text[(schemeLength + 1)..] : text;
        if (!rest.StartsWith('/'))
        {
            var segment = rest.Split('/')[0];
            return !hasScheme && segment.Contains(':') ? "first path segment in URL cannot contain colon" : null;
        }
        if (!rest.StartsWith("//", StringComparison.Ordinal)) return null;
        var authority = rest[2..].Split('/', '?', '#')[0];
        return FindHostError(authority[(authority.LastIndexOf('@') + 1)..]);
    }

    private static string? FindHostError(string host)
    {
        if (host.StartsWith('[') && !host.Contains(']')) return "missing ']' in host";
        var invalid = host.AsSpan().IndexOfAny(" <>\"{}|\\^`");
        if (invalid >= 0) return $"invalid character {QuotedText.Quote(host[invalid].ToString())} in host name";
        var colon = host.LastIndexOf(':');
        if (colon < 0 || host.IndexOf(']', colon) >= 0) return null;
        var port = host[colon..];
        return port.AsSpan(1).IndexOfAnyExceptInRange('0', '9') < 0 ? null : $"invalid port {QuotedText.Quote(port)} after host";
    }

    [GeneratedRegex("""[^\s"'/,@]+@""")]
    private static partial Regex User();
}
