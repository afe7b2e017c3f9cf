using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Migration;

namespace NatsAspire.Tests.Support;

/// <summary>An account's directory of a Go server, in memory: recorded ones, to be damaged at will.</summary>
public sealed class GoFolder : IGoFiles
{
    private readonly string _root;

    private GoFolder(Dictionary<string, byte[]> files, string root)
    {
        Files = files;
        _root = root;
    }

    /// <summary>All files by path.</summary>
    public Dictionary<string, byte[]> Files { get; }

    /// <summary>Recorded directories: each with a folder of the corpus and a stream.</summary>
    public static IEnumerable<(string Folder, string Stream)> Recorded() =>
        from folder in Directory.GetDirectories(Golden.PathOf("disk")).Order(StringComparer.Ordinal)
        from archive in Directory.GetFiles(folder, "*.tar.gz").Order(StringComparer.Ordinal)
        select (Path.GetFileName(folder), Path.GetFileName(archive)[..^".tar.gz".Length]);

    /// <summary>A recorded stream below <c>streams/</c>.</summary>
    public static GoFolder Load(string folder, string stream)
    {
        var files = new Dictionary<string, byte[]>();
        using var zip = new GZipStream(File.OpenRead(Golden.PathOf("disk", folder, stream + ".tar.gz")), CompressionMode.Decompress);
        using var tar = new TarReader(zip);
        while (tar.GetNextEntry() is { } entry)
        {
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)) continue;
            using var content = new MemoryStream();
            entry.DataStream?.CopyTo(content);
            files["streams/" + entry.Name] = content.ToArray();
        }
        return new GoFolder(files, "");
    }

    /// <summary>Any files.</summary>
    public static GoFolder Of(IEnumerable<(string Path, byte[] Content)> files) => new(files.ToDictionary(file => file.Path, file => file.Content), "");

    /// <summary>The keys a recorded folder was written with; null: none.</summary>
    public static GoKeys? KeysOf(string folder)
    {
        var about = Golden.Json("disk", folder, "about.json");
        var key = about.GetProperty("encryption_key");
        return key.ValueKind == JsonValueKind.Null ? null : new GoKeys("A", key.GetString()!);
    }

    /// <summary>The same files in arrays of their own.</summary>
    public GoFolder Copy() => new(Files.ToDictionary(file => file.Key, file => file.Value.ToArray()), _root);

    public IReadOnlyList<DiskEntry> List(string directory, out string? problem)
    {
        problem = null;
        var prefix = Full(directory) + "/";
        return [.. Files.Where(file => file.Key.StartsWith(prefix, StringComparison.Ordinal))
            .GroupBy(file => file.Key[prefix.Length..].Split('/')[0])
            .Select(group => group.First().Key.Length == prefix.Length + group.Key.Length
                ? new DiskEntry(group.Key, IsDirectory: false, group.First().Value.Length)
                : new DiskEntry(group.Key, IsDirectory: true, 0))];
    }

    public GoFile Read(string path, int limit)
    {
        if (!Files.TryGetValue(Full(path), out var bytes)) return GoFile.Missing(path);
        return bytes.Length > limit ? GoFile.Failed(path, "too long") : new GoFile(path, bytes.ToArray(), Exists: true, Problem: null);
    }

    public GoFile ReadHead(string path, int count) => Files.TryGetValue(Full(path), out var bytes)
        ? new GoFile(path, bytes[..Math.Min(count, bytes.Length)], Exists: true, Problem: null)
        : GoFile.Missing(path);

    public IGoFiles Below(string directory) => new GoFolder(Files, Full(directory));

    private string Full(string path) => _root.Length == 0 ? path : path.Length == 0 ? _root : $"{_root}/{path}";
}
