namespace NatsAspire.Tests.Support;

/// <summary>Something of which a crash leaves one of several versions.</summary>
/// <param name="Name">For failures.</param>
/// <param name="Oldest">The least version it can be in.</param>
/// <param name="Newest">The latest; 0 is what was durable.</param>
internal sealed record CrashDimension(string Name, int Oldest, int Newest)
{
    public int Chosen { get; set; }

    /// <summary>Belongs to the write made last.</summary>
    public bool OfLastWrite { get; init; }
}

/// <summary>What is durable at a point of the journal, and what is not yet.</summary>
internal sealed class CrashWindow(SimulatedImage durable)
{
    private const int Sector = 512;

    private readonly List<PendingNames> _names = [];
    private readonly SortedDictionary<int, List<PendingStep>> _files = [];
    private PendingStep? _lastWrite;

    public void Add(DiskStep step)
    {
        durable.NextNode = Math.Max(durable.NextNode, step.Node + 1);
        switch (step.Kind)
        {
            case StepKind.MakeDirectory:
                durable.Directories[step.Node] = [];
                durable.Apply(step.Names[0]);
                break;
            case StepKind.Names:
                if (!durable.Files.ContainsKey(step.Node) && !durable.Directories.ContainsKey(step.Node)) durable.Files[step.Node] = new SimulatedContent();
                _names.Add(new PendingNames(step, [.. step.Names.Select(name => name.Directory)]));
                break;
            case StepKind.SyncDirectory:
                SyncNames(step.Node);
                break;
            case StepKind.Write or StepKind.Length:
                if (!_files.TryGetValue(step.Node, out var pending)) _files[step.Node] = pending = [];
                pending.Add(new PendingStep(step));
                if (step.Kind == StepKind.Write) _lastWrite = pending[^1];
                break;
            case StepKind.Sync or StepKind.FailedSync:
                SyncFile(step.Node, failed: step.Kind == StepKind.FailedSync);
                break;
        }
    }

    /// <summary>All that may be old or new now.</summary>
    public List<CrashDimension> Dimensions()
    {
        var dimensions = new List<CrashDimension>();
        foreach (var pending in _names)
        {
            pending.Dimension = new CrashDimension(pending.Step.ToString(), pending.Unsynced.Count == 0 ? 1 : 0, 1);
            dimensions.Add(pending.Dimension);
        }
        var reachable = durable.Walk().Select(file => file.Node).Concat(_names.SelectMany(pending => pending.Step.Names.Select(name => name.Node))).ToHashSet();
        foreach (var (node, steps) in _files)
        {
            if (steps.Count > 0 && reachable.Contains(node)) AddFile(node, steps, dimensions);
        }
        return dimensions;
    }

    /// <summary>The disk with the chosen versions of the dimensions.</summary>
    public SimulatedImage Build()
    {
        var image = durable.Copy();
        foreach (var pending in _names)
        {
            if (pending.Dimension!.Chosen == 0) continue;
            foreach (var change in pending.Step.Names) image.Apply(change);
        }
        foreach (var (node, steps) in _files)
        {
            foreach (var pending in steps) pending.ApplyTo(image.Files[node]);
            image.Files[node].ClearBeyond();
        }
        return image;
    }

    public static string Describe(IEnumerable<CrashDimension> dimensions) =>
        string.Join("; ", dimensions.Where(one => one.Chosen != one.Newest).Select(one => $"{one.Name}: {one.Chosen} of {one.Newest}"));

    private static void AddVersion(Dictionary<long, List<PendingPart>> versions, long key, PendingPart part)
    {
        if (!versions.TryGetValue(key, out var list)) versions[key] = list = [];
        list.Add(part);
        part.Version = list.Count;
    }

    private void AddFile(int node, List<PendingStep> steps, List<CrashDimension> dimensions)
    {
        const long lengths = -1;
        var versions = new Dictionary<long, List<PendingPart>>();
        long length = durable.Files[node].Length;
        foreach (var pending in steps)
        {
            var step = pending.Step;
            pending.Parts.Clear();
            for (var at = step.Offset; at < step.Offset + step.Data.Length; at = (at / Sector * Sector) + Sector)
            {
                var until = Math.Min((at / Sector * Sector) + Sector, step.Offset + step.Data.Length);
                AddVersion(versions, at / Sector, pending.Part(at, until, -1));
            }
            var after = step.Kind == StepKind.Length ? step.Length : Math.Max(length, step.Offset + step.Data.Length);
            if (after != length) AddVersion(versions, lengths, pending.Part(0, 0, after));
            length = after;
        }
        foreach (var (sector, parts) in versions)
        {
            var path = parts[0].Owner.Step.Path;
            var dimension = new CrashDimension(sector < 0 ? $"{path} length" : $"{path} sector {sector}", parts.FindLastIndex(part => part.Owner.Forced) + 1, parts.Count)
            {
                OfLastWrite = parts[^1].Owner == _lastWrite,
            };
            foreach (var part in parts) part.Dimension = dimension;
            dimensions.Add(dimension);
        }
    }

    private void SyncNames(int directory)
    {
        foreach (var pending in _names) pending.Unsynced.Remove(directory);
        // Names apply in order, so what is durable waits here behind what is not.
        while (_names is [{ Unsynced.Count: 0 } first, ..])
        {
            foreach (var change in first.Step.Names) durable.Apply(change);
            _names.RemoveAt(0);
        }
    }

    private void SyncFile(int node, bool failed)
    {
        if (!_files.TryGetValue(node, out var steps)) return;
        if (failed)
        {
            foreach (var pending in steps) pending.Doubtful |= !pending.Forced;
        }
        else if (steps.Exists(pending => pending.Doubtful))
        {
            foreach (var pending in steps) pending.Forced |= !pending.Doubtful;
        }
        else
        {
            var content = durable.Files[node];
            foreach (var pending in steps)
            {
                if (pending.Step.Kind == StepKind.Length) content.SetLength(pending.Step.Length);
                else content.Write(pending.Step.Offset, pending.Step.Data);
            }
            _files.Remove(node);
        }
    }

    /// <summary>A change of names whose directories are not all synced.</summary>
    private sealed class PendingNames(DiskStep step, HashSet<int> unsynced)
    {
        public DiskStep Step => step;

        public HashSet<int> Unsynced => unsynced;

        public CrashDimension? Dimension { get; set; }
    }

    /// <summary>A change of a file that is not known to be durable.</summary>
    private sealed class PendingStep(DiskStep step)
    {
        public DiskStep Step => step;

        /// <summary>A sync after it failed: whether it is durable will never be known.</summary>
        public bool Doubtful { get; set; }

        /// <summary>Durable, but behind something doubtful.</summary>
        public bool Forced { get; set; }

        public List<PendingPart> Parts { get; } = [];

        public PendingPart Part(long from, long to, long length)
        {
            var part = new PendingPart(this, from, to, length);
            Parts.Add(part);
            return part;
        }

        public void ApplyTo(SimulatedContent content)
        {
            foreach (var part in Parts)
            {
                if (part.Dimension is not { } dimension || dimension.Chosen < part.Version) continue;
                if (part.Length >= 0) content.SetLength(part.Length);
                else content.WriteBeyond(part.From, step.Data.AsSpan((int)(part.From - step.Offset), (int)(part.To - part.From)));
            }
        }
    }

    /// <summary>One sector's share of a write, or a length.</summary>
    private sealed class PendingPart(PendingStep owner, long from, long to, long length)
    {
        public PendingStep Owner => owner;

        public long From => from;

        public long To => to;

        public long Length => length;

        public int Version { get; set; }

        public CrashDimension? Dimension { get; set; }
    }
}
