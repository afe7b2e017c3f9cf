using System.Text.RegularExpressions;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>A credentials file: a user's JWT and seed, each between two lines of dashes.</summary>
internal static partial class LeafCredentials
{
    /// <summary>Reads a file.</summary>
    /// <param name="file">Its path.</param>
    /// <param name="jwt">The user's JWT.</param>
    /// <param name="seed">32 bytes.</param>
    /// <param name="error">What is wrong with it; empty: nothing.</param>
    public static bool TryRead(string file, out string jwt, out byte[] seed, out string error)
    {
        (jwt, seed, error) = ("", [], "");
        string text;
        try
        {
            text = File.ReadAllText(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            error = fault.Message;
            return false;
        }
        var parts = Part().Matches(text);
        if (parts.Count < 2)
        {
            error = "Credentials file malformed";
            return false;
        }
        jwt = parts[0].Groups[1].Value;
        if (NKeys.TryDecodeSeed(parts[1].Groups[1].Value, NKeys.Kind.User, out seed)) return true;
        error = "Credentials file has malformed seed";
        return false;
    }

    [GeneratedRegex(@"-{3,}[^\r\n]*-{3,}\r?\n([\w\-.=]+)\r?\n-{3,}[^\r\n]*-{3,}")]
    private static partial Regex Part();
}
