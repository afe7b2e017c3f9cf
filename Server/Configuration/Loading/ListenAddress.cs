namespace NatsAspire.Server.Configuration.Loading;

/// <summary>host:port texts of listen options and flags.</summary>
internal static class ListenAddress
{
    /// <summary>Splits at the last colon; an IPv6 host stands in brackets.</summary>
    public static bool TrySplit(string text, out string host, out string port) => FindError(text, out host, out port) is null;

    /// <summary>Splits at the last colon.</summary>
    /// <returns>What is wrong, in the words of Go's net package, or null.</returns>
    public static string? FindError(string text, out string host, out string port)
    {
        (host, port) = ("", "");
        var colon = text.LastIndexOf(':');
        if (colon < 0) return $"address {text}: missing port in address";
        if (text[0] == '[')
        {
            var end = text.IndexOf(']');
            if (end < 0) return $"address {text}: missing ']' in address";
            if (end + 1 == text.Length) return $"address {text}: missing port in address";
            if (end + 1 != colon) return text[end + 1] == ':' ? $"address {text}: too many colons in address" : $"address {text}: missing port in address";
            host = text[1..end];
        }
        else
        {
            host = text[..colon];
            if (host.Contains(':')) return $"address {text}: too many colons in address";
        }
        if (host.AsSpan().IndexOfAny("[]") >= 0) return $"address {text}: unexpected '[' in address";
        port = text[(colon + 1)..];
        return null;
    }
}
