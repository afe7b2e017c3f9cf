namespace NatsAspire.Tests.Support;

/// <summary>A state in which a crash may leave a disk.</summary>
/// <param name="Cut">The crash came after so many operations of the journal.</param>
/// <param name="Choice">What of the unsynced was lost, for failures.</param>
/// <param name="Marks">Notes put into the journal before the cut.</param>
/// <param name="Disk">To recover from; its own journal begins empty, so that a crash in the recovery can be shown too.</param>
public sealed record CrashState(int Cut, string Choice, IReadOnlyList<object> Marks, SimulatedDisk Disk);

/// <summary>How many crash states are shown.</summary>
public sealed record CrashOptions
{
    /// <summary>Of the sampling; the same seed and journal give the same states.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>At one cut: all states if there are no more than this, else so many: the extremes, torn last writes, and random ones.</summary>
    public int PerCut { get; init; } = 64;

    /// <summary>First operation to crash after; 0: before everything.</summary>
    public int FirstCut { get; init; }

    /// <summary>Crash only after every so many operations (the last is always shown).</summary>
    public int Every { get; init; } = 1;
}

public sealed partial class SimulatedDisk
{
    /// <summary>
    /// States a crash may leave, for a cut after any operation of the journal. Of what was not synced at the cut: each
    /// 512-byte sector of a file is in any of the versions written since, independently of the others; its length is any
    /// of those since; each name created, renamed or removed is old or new, independently of the others (a rename is
    /// atomic, and durable when both directories are synced). What a failed sync left is never made durable by a later one.
    /// </summary>
    public IEnumerable<CrashState> CrashStates(CrashOptions? options = null)
    {
        options ??= new CrashOptions();
        DiskStep[] journal;
        lock (_lock) journal = [.. _journal];
        var window = new CrashWindow(_initial.Copy());
        var marks = new List<object>();
        for (var cut = 0; cut <= journal.Length; cut++)
        {
            if (cut > 0 && journal[cut - 1] is { Kind: StepKind.Mark } mark) marks.Add(mark.Mark!);
            else if (cut > 0) window.Add(journal[cut - 1]);
            if (cut < options.FirstCut || (cut % options.Every != 0 && cut != journal.Length)) continue;
            object[] promised = [.. marks];
            foreach (var choice in new CrashChoices(window.Dimensions(), new Random(unchecked((options.Seed * 1_000_003) + cut)), options.PerCut).All())
            {
                yield return new CrashState(cut, CrashWindow.Describe(choice), promised, new SimulatedDisk(window.Build()));
            }
        }
    }

    /// <summary>The disk after a power cut now, which leaves some of what was not synced.</summary>
    /// <param name="random">Decides what.</param>
    public SimulatedDisk PowerCut(Func<ulong> random)
    {
        lock (_lock)
        {
            var window = new CrashWindow(_initial.Copy());
            foreach (var step in _journal) window.Add(step);
            var kept = random() % 4;
            foreach (var dimension in window.Dimensions())
            {
                var span = (ulong)(dimension.Newest - dimension.Oldest + 1);
                dimension.Chosen = kept switch
                {
                    0 => dimension.Oldest,
                    1 => dimension.Newest,
                    2 => dimension.Oldest + (int)(random() % span),
                    _ => random() % 8 == 0 ? dimension.Oldest : dimension.Newest,
                };
            }
            return new SimulatedDisk(window.Build()) { Capacity = Capacity };
        }
    }

    /// <summary>The disk after a power cut now that loses all that was not synced.</summary>
    public SimulatedDisk PowerCut()
    {
        lock (_lock)
        {
            var window = new CrashWindow(_initial.Copy());
            foreach (var step in _journal) window.Add(step);
            foreach (var dimension in window.Dimensions()) dimension.Chosen = dimension.Oldest;
            return new SimulatedDisk(window.Build()) { Capacity = Capacity };
        }
    }
}
