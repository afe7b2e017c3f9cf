using System.Text.RegularExpressions;

namespace NatsAspire.Tests.Unit;

/// <summary>Rules of the house that a compiler does not know. Exceptions stand in tidy-ratchet.txt and may only shrink.</summary>
public sealed partial class TidyTests
{
    private const int MaxFileLines = 400;
    private const int MaxMethodLines = 60;

    /// <summary>Top to bottom: a folder of Server/ uses what stands below it, never above.</summary>
    private static readonly string[] Layers =
        ["Cli", "Hosting", "Monitoring", "JetStream", "Clustering", "Clients", "Accounts", "Security", "Raft", "Storage", "Subjects", "Connections", "Protocol", "Configuration", "Primitives"];

    /// <summary>The same within JetStream/; its other folders are one layer, at the bottom.</summary>
    private static readonly string[] JetStreamLayers = ["Service", "Runtime", "Meta"];

    private static readonly (string Pattern, string Instead)[] Banned =
    [
        (@"\bDateTime\.(Utc)?Now\b", "TimeProvider"),
        (@"\bDateTimeOffset\.(Utc)?Now\b", "TimeProvider"),
        (@"\bThread\.Sleep\b", "waiting for an event"),
        (@"\basync void\b", "async Task"),
        (@"\.Flush\(true\)|FlushToDisk", "fdatasync with its result checked"),
        (@"NotImplementedException", "the protocol's own error"),
        (@"//\s*(TODO|FIXME|HACK|XXX)\b", "an issue, or doing it"),
        (@"catch\s*(\([^)]*\))?\s*\{\s*\}", "handling, or a reason why nothing is to be done"),
    ];

    /// <summary>Where something banned is right, each with its reason. May only shrink.</summary>
    private static readonly (string Path, string Word)[] Allowed =
    [
        // Systems other than Linux have nothing else.
        ("Server/Storage/Disk/PortableFile.cs", "FlushToDisk"),
    ];

    private static string Root { get; } = FindRoot();

    private static IEnumerable<string> Sources => Directory.EnumerateFiles(Root, "*.cs", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
        .Where(path => !path.Contains("/obj/") && !path.Contains("/bin/") && !path.Contains("node_modules"));

    [Fact]
    public void FoldersUseOnlyWhatStandsBelow()
    {
        var errors = new List<string>();
        foreach (var path in Sources.Where(path => path.StartsWith("Server/", StringComparison.Ordinal)))
        {
            var layer = Array.IndexOf(Layers, path.Split('/')[1]);
            if (layer < 0)
            {
                errors.Add($"{path}: its folder is no known layer");
                continue;
            }
            foreach (Match use in ServerNamespace().Matches(Read(path)))
            {
                var used = Array.IndexOf(Layers, use.Groups[1].Value);
                if (used >= 0 && used < layer) errors.Add($"{path}: {Layers[layer]} uses {Layers[used]}, which stands above it");
            }
        }
        errors.ShouldBeEmpty();
    }

    [Fact]
    public void FoldersOfJetStreamUseOnlyWhatStandsBelow()
    {
        var errors = new List<string>();
        foreach (var path in Sources.Where(path => path.StartsWith("Server/JetStream/", StringComparison.Ordinal)))
        {
            var layer = LayerOf(path.Split('/')[2]);
            foreach (Match use in JetStreamNamespace().Matches(Read(path)))
            {
                if (LayerOf(use.Groups[1].Value) < layer) errors.Add($"{path} uses {use.Groups[1].Value}, which stands above it");
            }
        }
        errors.ShouldBeEmpty();

        static int LayerOf(string folder) => Array.IndexOf(JetStreamLayers, folder) is var index and >= 0 ? index : JetStreamLayers.Length;
    }

    [Fact]
    public void FilesAndMethodsStaySmall()
    {
        var allowed = File.ReadAllLines(Path.Combine(Root, "Tests/Unit/tidy-ratchet.txt"))
            .Where(line => line.Length > 0 && !line.StartsWith('#'))
            .Select(line => line.Split(' ')).ToDictionary(parts => parts[0], parts => int.Parse(parts[1]));
        var errors = new List<string>();
        foreach (var path in Sources)
        {
            var lines = File.ReadAllLines(Path.Combine(Root, path));
            Judge(path, lines.Length, MaxFileLines);
            foreach (var (name, length) in Methods(lines)) Judge($"{path}#{name}", length, MaxMethodLines);
        }
        errors.AddRange(allowed.Keys.Select(key => $"{key}: no longer too long; take it off the ratchet"));
        errors.ShouldBeEmpty();

        void Judge(string what, int length, int limit)
        {
            if (length <= limit) return;
            if (allowed.Remove(what, out var ratchet) && length <= ratchet) return;
            errors.Add($"{what}: {length} lines, the limit is {Math.Max(limit, ratchet)}");
        }
    }

    [Fact]
    public void NothingBannedIsCalled()
    {
        var errors = new List<string>();
        foreach (var path in Sources.Where(path => !path.EndsWith("TidyTests.cs", StringComparison.Ordinal)))
        {
            var text = Read(path);
            foreach (var (_, word) in Allowed.Where(one => one.Path == path)) text = text.Replace(word, "");
            foreach (var (pattern, instead) in Banned)
            {
                if (Regex.IsMatch(text, pattern)) errors.Add($"{path}: {pattern}: use {instead}");
            }
        }
        errors.ShouldBeEmpty();
    }

    [Fact]
    public void NamespacesAreFileScopedAndFollowFolders()
    {
        foreach (var path in Sources.Where(path => path.StartsWith("Server/", StringComparison.Ordinal)))
        {
            var match = FileNamespace().Match(Read(path));
            match.Success.ShouldBeTrue($"{path} has no file-scoped namespace");
            match.Groups[1].Value.ShouldStartWith("NatsAspire.Server." + path.Split('/')[1]);
        }
    }

    /// <summary>Methods by brace matching, for code formatted as ours is: the body's braces stand alone in the member's indentation.</summary>
    private static IEnumerable<(string Name, int Length)> Methods(string[] lines)
    {
        for (var i = 1; i < lines.Length; i++)
        {
            if (lines[i] != "    {") continue;
            var name = TypeHeader().IsMatch(lines[i - 1]) ? Match.Empty : MethodName().Match(lines[i - 1]);
            var start = i;
            while (i < lines.Length && lines[i] is not ("    }" or "    });")) i++;
            if (name.Success) yield return (name.Groups[1].Value, i - start - 1);
        }
    }

    private static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "NatsAspire.sln"))) directory = directory.Parent;
        return directory.FullName;
    }

    [GeneratedRegex(@"NatsAspire\.Server\.([A-Z][A-Za-z]+)")]
    private static partial Regex ServerNamespace();

    [GeneratedRegex(@"NatsAspire\.Server\.JetStream\.([A-Z][A-Za-z]+)")]
    private static partial Regex JetStreamNamespace();

    [GeneratedRegex(@"^namespace ([A-Za-z0-9.]+);", RegexOptions.Multiline)]
    private static partial Regex FileNamespace();

    [GeneratedRegex(@"\b(class|struct|record|interface|enum)\b")]
    private static partial Regex TypeHeader();

    [GeneratedRegex(@"([A-Za-z_][A-Za-z0-9_]*)(<[^>]*>)?\(")]
    private static partial Regex MethodName();
}
