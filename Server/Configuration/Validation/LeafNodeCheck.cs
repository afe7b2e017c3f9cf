using System.Text.RegularExpressions;
using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Configuration;

/// <summary>Rules of leaf node options that loading and starting share.</summary>
internal static partial class LeafNodeCheck
{
    public static string? FindUserError(LeafNodeOptions leaf)
    {
        if (leaf.Users.Count == 0) return null;
        if (!string.IsNullOrEmpty(leaf.Username)) return "can not have a single user/pass and a users array";
        if (!string.IsNullOrEmpty(leaf.NKey)) return "can not have a single nkey and a users array";
        var seen = new HashSet<string>();
        var twice = leaf.Users.FirstOrDefault(user => !seen.Add(user.Username));
        return twice is null ? null : $"duplicate user {QuotedText.Quote(twice.Username)} detected in leafnode authorization";
    }

    /// <summary>Leaf nodes must be at least 2.8.0 to say their version.</summary>
    public static string? FindVersionError(string version)
    {
        var match = SemanticVersion().Match(version);
        var hasNumbers = match.Success
            & int.TryParse(match.Groups[1].ValueSpan, out var major)
            & int.TryParse(match.Groups[2].ValueSpan, out var minor);
        if (!hasNumbers) return "invalid leafnode's minimum version: invalid semver";
        return (major, minor).CompareTo((2, 8)) >= 0 ? null : "the minimum version should be at least 2.8.0";
    }

    /// <summary>Whether a server's version is a certain one or later; what is no version is not.</summary>
    public static bool IsAtLeast(string? version, string minimum) =>
        TryReadVersion(version ?? "", out var given) && TryReadVersion(minimum, out var least) && given.CompareTo(least) >= 0;

    private static bool TryReadVersion(string version, out (int Major, int Minor, int Patch) numbers)
    {
        numbers = default;
        var match = SemanticVersion().Match(version.TrimStart('v'));
        return match.Success
            && int.TryParse(match.Groups[1].ValueSpan, out numbers.Major)
            && int.TryParse(match.Groups[2].ValueSpan, out numbers.Minor)
            && int.TryParse(match.Groups[3].ValueSpan, out numbers.Patch);
    }

    /// <summary>What identifies a remote; passwords hidden when it is shown.</summary>
    public static string NameOf(RemoteLeafOptions remote, bool isRedacted)
    {
        var urls = QuotedText.Quote(remote.Urls.Select(url => isRedacted ? Redact(url) : url.OriginalString));
        var name = $"urls={urls}, account={QuotedText.Quote(string.IsNullOrEmpty(remote.LocalAccount) ? "$G" : remote.LocalAccount)}";
        if (remote.CredentialsFile is { } file) return $"{name}, credentials={QuotedText.Quote(file)}";
        if (remote.NKeySeed is not { } seed) return name;
        return $"{name}, nkey={QuotedText.Quote(isRedacted ? "[REDACTED]" : seed)}";
    }

    public static (IReadOnlyList<string> Warnings, string? Error) CheckProxy(RemoteLeafOptions remote)
    {
        if (remote.Proxy is not { Url.Length: > 0 } proxy) return ([], null);
        if (UrlText.Check(proxy.Url) is { } invalid) return ([], $"invalid proxy URL: {invalid}");
        var (scheme, host) = UrlText.Split(proxy.Url);
        if (scheme is not ("http" or "https")) return ([], $"proxy URL scheme must be http or https, got: {scheme}");
        if (host.Length == 0) return ([], "proxy URL must specify a host");
        if (proxy.Timeout < TimeSpan.Zero) return ([], "proxy timeout must be >= 0");
        if (proxy.Username.Length == 0 != (proxy.Password.Length == 0))
        {
            return ([], "proxy username and password must both be specified or both be empty");
        }
        if (remote.Urls.FirstOrDefault(candidate => SchemeOf(candidate) == "wss" && remote.Tls is null) is { } secure)
        {
            return ([], $"proxy is configured but remote URL {secure.OriginalString} requires TLS and no TLS configuration is provided. " +
                "When using proxy with TLS endpoints, ensure TLS is properly configured for the leafnode remote");
        }
        return (FindProxyWarnings(remote.Urls), null);
    }

    public static bool IsWebSocket(Uri url) => SchemeOf(url) is "ws" or "wss";

    public static string Redact(Uri url)
    {
        var text = url.OriginalString;
        var match = Password().Match(text);
        return match.Success ? $"{text[..match.Groups[1].Index]}xxxxx{text[(match.Groups[1].Index + match.Groups[1].Length)..]}" : text;
    }

    private static List<string> FindProxyWarnings(IReadOnlyList<Uri> urls)
    {
        if (urls.Count == 0 || urls.All(IsWebSocket)) return [];
        return urls.Any(IsWebSocket)
            ? ["proxy configuration will only be used for WebSocket URLs: proxy settings do not apply to TCP connections (nats://)"]
            : ["proxy configuration will be ignored: proxy settings only apply to WebSocket connections (ws:// or wss://), " +
                "but all configured URLs use TCP connections (nats://)"];
    }

    private static string SchemeOf(Uri url) => url.IsAbsoluteUri ? url.Scheme : "";

    [GeneratedRegex(@"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9a-zA-Z.-]+)?(?:\+[0-9a-zA-Z.-]+)?$")]
    private static partial Regex SemanticVersion();

    [GeneratedRegex("^[^:/]+://[^:@/]*:([^@]*)@")]
    private static partial Regex Password();
}
