using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.Storage.Migration;

/// <summary>Something in a Go server's files that is not as it should be.</summary>
/// <param name="File">Path within the store.</param>
/// <param name="Offset">Bytes into the file (of a compressed or encrypted block: into its plain content).</param>
/// <param name="What">In words for an operator.</param>
public sealed record GoStoreProblem(string File, long Offset, string What)
{
    public override string ToString() => $"{File} at offset {Offset}: {What}";
}

/// <summary>What was wrong with a store that was read, and what is lost by it. Bounded, however much is wrong.</summary>
public sealed class GoStoreReport
{
    private const int MaxProblems = 256;
    private const int MaxRanges = 4096;

    private readonly List<GoStoreProblem> _problems = [];
    private readonly List<SequenceRange> _lost = [];

    /// <summary>The first problems, in the order they were met.</summary>
    public IReadOnlyList<GoStoreProblem> Problems => _problems;

    /// <summary>How many there were in all.</summary>
    public long ProblemCount { get; private set; }

    /// <summary>The first of the sequences that held messages once and cannot be read, ascending.</summary>
    public IReadOnlyList<SequenceRange> Lost => _lost;

    /// <summary>How many sequences these are in all.</summary>
    public ulong LostCount { get; private set; }

    /// <summary>Everything was read and nothing was wrong.</summary>
    public bool IsClean => ProblemCount == 0 && LostCount == 0;

    /// <summary>Lists a directory; that it cannot be read is a problem.</summary>
    internal IReadOnlyList<Disk.DiskEntry> List(IGoFiles files, string directory)
    {
        var entries = files.List(directory, out var problem);
        if (problem is not null) Add(directory, 0, problem);
        return entries;
    }

    internal void Add(string file, long offset, string what)
    {
        ProblemCount++;
        if (_problems.Count < MaxProblems) _problems.Add(new GoStoreProblem(file, offset, what));
    }

    internal void AddLost(SequenceRange range)
    {
        var count = range.Last - range.First + 1;
        LostCount = LostCount > ulong.MaxValue - count ? ulong.MaxValue : LostCount + count;
        if (_lost.Count < MaxRanges) _lost.Add(range);
    }

    /// <summary>The first problem and how many more there are; for a log line or an error.</summary>
    public override string ToString() => (_problems.Count, LostCount) switch
    {
        (0, 0) => "nothing wrong",
        (0, _) => $"{LostCount} messages lost",
        _ => $"{_problems[0]}{(ProblemCount > 1 ? $" (and {ProblemCount - 1} more)" : "")}; {LostCount} messages lost",
    };
}
