using System.Text;
using System.Text.RegularExpressions;

namespace NatsAspire.Server.Clients;

/// <summary>Takes secrets out of what is logged.</summary>
internal static partial class Redaction
{
    private const string Hidden = "[REDACTED]";
    private const int SnippetLength = 64;

    /// <summary>
    /// A CONNECT object as text, well-formed or not, with its passwords, tokens, keys, JWTs and signatures replaced.
    /// </summary>
    public static string HideSecrets(ReadOnlySpan<byte> connect)
    {
        var text = Encoding.UTF8.GetString(connect);
        // A name may be spelled with escapes, which a JSON reader sees through.
        text = EscapedLetters().Replace(text, escape => ((char)Convert.ToInt32(escape.Groups[1].Value, 16)).ToString());
        return ExactNames().Replace(NamePrefixes().Replace(text, Replacement), Replacement);
    }

    /// <summary>The beginning of a line that could not be understood.</summary>
    public static string Snippet(ReadOnlySpan<byte> line)
    {
        // Hidden first: a secret that the cut takes the end of is a secret still.
        var shown = HideSecrets(line);
        return shown.Length <= SnippetLength ? shown : shown[..SnippetLength];
    }

    private static string Replacement(Match match) =>
        match.Groups[2].Value.StartsWith('"') ? $"{match.Groups[1].Value}\"{Hidden}\"" : match.Groups[1].Value + Hidden;

    [GeneratedRegex(@"\\u(00(?:4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9A]))", RegexOptions.IgnoreCase)]
    private static partial Regex EscapedLetters();

    [GeneratedRegex("""((?:auth_token|pass)[^\s"':=]*"?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|[^",\r\n}]*)""", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex NamePrefixes();

    [GeneratedRegex("""(?<![A-Za-z0-9_])((?:proxy_sig|nkey|sig|jwt)"?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|[^",\r\n}]*)""", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex ExactNames();
}
