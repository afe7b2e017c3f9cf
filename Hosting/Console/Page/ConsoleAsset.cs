using System.Reflection;

namespace NatsAspire.ConsolePage;

/// <summary>
/// A file of the console page, which this assembly holds. The source file belongs to two assemblies: that of the runner,
/// whose console commands, and that of the server, which shows the page read-only on its monitoring port.
/// </summary>
/// <param name="ContentType">For HTTP.</param>
/// <param name="Bytes">The file.</param>
internal sealed record ConsoleAsset(string ContentType, byte[] Bytes)
{
    /// <summary>The page loads nothing from elsewhere, and runs nothing that is not a file of its own.</summary>
    public const string SecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const string Prefix = "console/";
    private static readonly Lazy<Dictionary<string, ConsoleAsset>> All = new(() =>
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .ToDictionary(name => name[Prefix.Length..], name => Load(assembly, name), StringComparer.Ordinal);
    });

    /// <summary>The file of that name, as "page.js"; null: there is none.</summary>
    public static ConsoleAsset? Find(string name) => All.Value.GetValueOrDefault(name);

    /// <summary>Names of all files.</summary>
    public static IEnumerable<string> Names => All.Value.Keys;

    private static ConsoleAsset Load(Assembly assembly, string name)
    {
        using var stream = assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var type = Path.GetExtension(name) switch { ".html" => "text/html", ".css" => "text/css", _ => "text/javascript" };
        return new ConsoleAsset(type + "; charset=utf-8", bytes);
    }
}
