using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Tests.Support;

/// <summary>
/// A disk in memory that keeps a journal of what was done to it, fails by rule, and can show every state in which a
/// crash may leave it (<see cref="CrashStates"/>). Safe for use by several threads; each call is atomic.
/// </summary>
public sealed partial class SimulatedDisk : IDisk
{
    private readonly Lock _lock = new();
    private readonly SimulatedImage _image;
    private readonly SimulatedImage _initial;
    private readonly List<DiskStep> _journal = [];
    private readonly List<DiskRule> _rules = [];

    public SimulatedDisk()
        : this(new SimulatedImage())
    {
    }

    internal SimulatedDisk(SimulatedImage image)
    {
        _initial = image;
        _image = image.Copy();
    }

    /// <summary>Bytes that fit in all; writes beyond fail with <see cref="DiskFault.Full"/>.</summary>
    public long Capacity { get; set; } = 1L << 40;

    /// <summary>Called before each call takes effect, outside all locks: may block, to hold a disk up.</summary>
    public Action<DiskCall, string>? Intercept { get; set; }

    /// <summary>Operations so far that changed something or synced.</summary>
    public int Operations
    {
        get { lock (_lock) return _journal.Count; }
    }

    /// <summary>The journal as text, for failures.</summary>
    public string Journal
    {
        get { lock (_lock) return string.Join('\n', _journal.Select((step, number) => $"{number + 1}: {step}")); }
    }

    /// <summary>Lets calls fail.</summary>
    /// <param name="call">Which calls.</param>
    /// <param name="pathPart">Only paths that contain this; empty: all.</param>
    /// <param name="nth">The first one to fail, from 1.</param>
    /// <param name="fault">How.</param>
    /// <param name="times">How many in a row.</param>
    /// <param name="keep">Of a write: bytes that get written all the same.</param>
    public DiskRule Fail(DiskCall call, string pathPart = "", int nth = 1, DiskFault fault = DiskFault.Device, int times = 1, int keep = 0) =>
        Add(new DiskRule { Call = call, PathPart = pathPart, Nth = nth, Times = times, Fault = fault, Keep = keep });

    /// <summary>Lets a read return less than there is.</summary>
    public DiskRule ShortenRead(string pathPart, int keep, int nth = 1) =>
        Add(new DiskRule { Call = DiskCall.Read, PathPart = pathPart, Nth = nth, Times = 1, Keep = keep });

    /// <summary>Lets a read return a wrong bit.</summary>
    public DiskRule FlipRead(string pathPart, int bit, int nth = 1) =>
        Add(new DiskRule { Call = DiskCall.Read, PathPart = pathPart, Nth = nth, Times = 1, FlippedBit = bit });

    /// <summary>Puts a note into the journal; crash states after it carry it (<see cref="CrashState.Marks"/>): what was promised by then.</summary>
    public void Mark(object mark)
    {
        lock (_lock) _journal.Add(new DiskStep(StepKind.Mark, "", 0) { Mark = mark });
    }

    /// <summary>Paths of all files.</summary>
    public IReadOnlyList<string> Files
    {
        get { lock (_lock) return [.. _image.Walk().Select(file => file.Path).Order(StringComparer.Ordinal)]; }
    }

    /// <summary>All bytes of a file.</summary>
    public byte[] Content(string path)
    {
        lock (_lock) return _image.Files[_image.Find(path)].Bytes.ToArray();
    }

    /// <summary>Changes a file behind everybody's back, durably: decay, a misdirected write, a restored copy.</summary>
    public void Tamper(string path, Func<byte[], byte[]> change)
    {
        lock (_lock)
        {
            var node = _image.Find(path);
            var bytes = change(_image.Files[node].Bytes.ToArray());
            Log(new DiskStep(StepKind.Length, path, node) { Length = 0 });
            Log(new DiskStep(StepKind.Write, path, node) { Data = bytes });
            Log(new DiskStep(StepKind.Sync, path, node));
        }
    }

    /// <summary>Removes a file behind everybody's back, durably.</summary>
    public void Vanish(string path)
    {
        Delete(path);
        SyncDirectory(ParentOf(path));
    }

    /// <summary>The disk as it is now, with nothing left unsynced; its journal is empty.</summary>
    public SimulatedDisk Copy()
    {
        lock (_lock) return new SimulatedDisk(_image.Copy()) { Capacity = Capacity };
    }

    public long FreeBytes(string directory)
    {
        lock (_lock) return Math.Max(0, Capacity - Used);
    }

    private long Used => _image.Walk().Sum(file => (long)_image.Files[file.Node].Length);

    private DiskRule Add(DiskRule rule)
    {
        lock (_lock) _rules.Add(rule);
        return rule;
    }

    /// <summary>Where faults strike: the rule for a call, thrown if it is a fault that leaves nothing done.</summary>
    private DiskRule? Enter(DiskCall call, string path)
    {
        DiskRule? struck = null;
        foreach (var rule in _rules)
        {
            if (rule.Strikes(call, path)) struck ??= rule;
        }
        if (struck is { Fault: { } fault } && (struck.Keep == 0 || call != DiskCall.Write)) throw new DiskException(fault, call.ToString(), path, "injected");
        return struck;
    }

    /// <summary>Keeps a step and carries it out.</summary>
    private void Log(DiskStep step)
    {
        _journal.Add(step);
        switch (step.Kind)
        {
            case StepKind.MakeDirectory:
                _image.Directories[step.Node] = [];
                _image.Apply(step.Names[0]);
                break;
            case StepKind.Names:
                foreach (var change in step.Names) _image.Apply(change);
                break;
            case StepKind.Write:
                _image.Files[step.Node].Write(step.Offset, step.Data);
                break;
            case StepKind.Length:
                _image.Files[step.Node].SetLength(step.Length);
                break;
        }
    }
}
