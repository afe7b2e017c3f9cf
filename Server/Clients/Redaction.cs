using System.Text;
using System.Text.RegularExpressions;

namespace NatsAspire.Server.Clients;

/// <summary>Takes secrets out of what is logged.</summary>
internal static partial class Redaction
{
    /// <summary>A CONNECT object as text, its passwords, tokens, JWTs and signatures replaced.</summary>
    public static string HideSecrets(ReadOnlySpan<byte> connectJson) =>
        Secrets().Replace(Encoding.UTF8.GetString(connectJson), "$1\"[REDACTED]\"");

    [GeneratedRegex("""("(?:pass|auth_token|jwt|sig|proxy_sig)"\s*:\s*)"(?:[^"\\]|\\.)*"?""", RegexOptions.IgnoreCase)]
    private static partial Regex Secrets();
}
