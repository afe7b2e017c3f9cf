using NatsAspire.Server.Configuration;
using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>Which web pages may connect: <c>same_origin</c> and <c>allowed_origins</c>.</summary>
public sealed class OriginRules(WebSocketOptions options)
{
    private readonly HashSet<(string Scheme, string Host, string Port)> _allowed = [.. options.AllowedOrigins.Select(Key)];

    /// <summary>Judges the page a request comes from.</summary>
    /// <param name="origin">Its Origin header; empty: not a browser, everything is allowed.</param>
    /// <param name="host">The request's Host header.</param>
    /// <param name="isTls">The request came over TLS.</param>
    /// <returns>Null, or why it is refused.</returns>
    public string? FindError(string origin, string host, bool isTls)
    {
        if ((!options.SameOrigin && _allowed.Count == 0) || origin.Length == 0) return null;
        if (UrlText.Check(origin) is { } malformed) return malformed;
        var (scheme, authority) = UrlText.Split(origin);
        if (scheme.Length == 0 && !origin.StartsWith('/')) return $"parse {QuotedText.Quote(origin)}: invalid URI for request";
        if (FindAddressError(authority) is { } error) return error;
        var from = (scheme, Address(scheme == "https", authority));
        if (options.SameOrigin)
        {
            if (FindAddressError(host) is { } hostError) return hostError;
            if (from != (isTls ? "https" : "http", Address(isTls, host))) return "not same origin";
        }
        return _allowed.Count == 0 || _allowed.Contains((scheme, from.Item2.Host, from.Item2.Port)) ? null : "not in the allowed list";
    }

    private static (string Scheme, string Host, string Port) Key(string origin)
    {
        var (scheme, authority) = UrlText.Split(origin);
        var (host, port) = Address(scheme == "https", authority);
        return (scheme, host, port);
    }

    private static (string Host, string Port) Address(bool isTls, string authority)
    {
        var colon = PortColon(authority);
        var host = colon < 0 ? authority : authority[..colon];
        var port = colon < 0 ? (isTls ? "443" : "80") : authority[(colon + 1)..];
        return (host.Trim('[', ']').ToLowerInvariant(), port);
    }

    private static string? FindAddressError(string authority)
    {
        var colon = PortColon(authority);
        return colon >= 0 && !authority.StartsWith('[') && authority.IndexOf(':') != colon
            ? $"address {authority}: too many colons in address"
            : null;
    }

    private static int PortColon(string authority)
    {
        var colon = authority.LastIndexOf(':');
        return colon > authority.LastIndexOf(']') ? colon : -1;
    }
}
