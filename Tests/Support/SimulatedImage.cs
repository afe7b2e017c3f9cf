namespace NatsAspire.Tests.Support;

/// <summary>What a simulated disk holds: contents and directories by node, names leading to nodes.</summary>
internal sealed class SimulatedImage
{
    public const int Root = 1;

    public Dictionary<int, SimulatedContent> Files { get; private init; } = [];

    public Dictionary<int, Dictionary<string, int>> Directories { get; private init; } = new() { [Root] = [] };

    /// <summary>Number for the next file or directory; never used twice, also not in copies.</summary>
    public int NextNode { get; set; } = Root + 1;

    public SimulatedImage Copy() => new()
    {
        Files = Files.ToDictionary(file => file.Key, file => file.Value.Copy()),
        Directories = Directories.ToDictionary(directory => directory.Key, directory => new Dictionary<string, int>(directory.Value)),
        NextNode = NextNode,
    };

    /// <summary>The node of a path; 0: none.</summary>
    public int Find(string path)
    {
        var node = Root;
        foreach (var name in Split(path))
        {
            if (!Directories.TryGetValue(node, out var names) || !names.TryGetValue(name, out node)) return 0;
        }
        return node;
    }

    public void Apply(in NameChange change)
    {
        if (!Directories.TryGetValue(change.Directory, out var names)) return;
        if (change.Appears) names[change.Name] = change.Node;
        else if (names.TryGetValue(change.Name, out var there) && there == change.Node) names.Remove(change.Name);
    }

    public static string[] Split(string path) => path.Replace('\\', '/').Split('/', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>All files by path, for comparing.</summary>
    public IEnumerable<(string Path, int Node)> Walk(int directory = Root, string prefix = "")
    {
        foreach (var (name, node) in Directories[directory])
        {
            if (!Directories.ContainsKey(node)) yield return ($"{prefix}/{name}", node);
            else foreach (var below in Walk(node, $"{prefix}/{name}")) yield return below;
        }
    }
}

/// <summary>A name that appears in a directory or goes from it.</summary>
internal readonly record struct NameChange(int Directory, string Name, int Node, bool Appears);

internal enum StepKind
{
    MakeDirectory,
    Names,
    Write,
    Length,
    Sync,
    FailedSync,
    SyncDirectory,
    Mark,
}

/// <summary>An operation as the journal keeps it.</summary>
internal sealed record DiskStep(StepKind Kind, string Path, int Node)
{
    public long Offset { get; init; }

    public byte[] Data { get; init; } = [];

    /// <summary>Of <see cref="StepKind.Length"/>: the new length.</summary>
    public long Length { get; init; }

    /// <summary>Take effect together or not at all.</summary>
    public NameChange[] Names { get; init; } = [];

    public object? Mark { get; init; }

    public override string ToString() => Kind switch
    {
        StepKind.Write => $"write {Path} {Offset}+{Data.Length}",
        StepKind.Length => $"length {Path} {Length}",
        StepKind.Names => $"names {string.Join(", ", Names.Select(name => (name.Appears ? "+" : "-") + name.Name))}",
        StepKind.Mark => $"mark {Mark}",
        _ => $"{Kind} {Path}",
    };
}
