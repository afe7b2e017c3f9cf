using System.Text.RegularExpressions;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Paths with environment variables and a tilde for the home folder.</summary>
internal static partial class HomePath
{
    public static bool TryExpand(string path, out string expanded)
    {
        expanded = Variable().Replace(path, match =>
            Environment.GetEnvironmentVariable(match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value) ?? "");
        if (!expanded.StartsWith('~')) return true;
        var home = Environment.GetEnvironmentVariable("HOME") ?? "";
        expanded = Grammar.ConfigPath.Join(home, expanded[1..]);
        return home.Length > 0;
    }

    [GeneratedRegex(@"\$(?:\{(\w+)\}|(\w+))")]
    private static partial Regex Variable();
}
