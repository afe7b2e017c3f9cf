using System.Buffers.Binary;
using Microsoft.Extensions.Logging.Abstractions;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Log;

/// <summary>
/// A random use of a log by several groups, with what it must leave behind: after a crash, the effect of the operations
/// up to some point, which is not before what was promised and not behind what was appended.
/// </summary>
internal sealed class LogTrace(SimulatedDisk disk, int seed, LogSync sync) : ILogCompletion
{
    private const int Groups = 4;
    private readonly Random _random = new(seed);
    private readonly List<Operation> _operations = [];
    private readonly Group[] _groups = [.. Enumerable.Range(1, Groups).Select(number => new Group { Id = (ulong)number })];
    private readonly Dictionary<ulong, ulong> _released = [];
    private readonly Lock _lock = new();
    private List<List<int>> _live = [];
    private int _promised;
    private int _completed;
    private int _batches;

    private enum Act
    {
        Record,
        Truncate,
        Remove,
    }

    private readonly record struct Operation(Act Act, ulong Group, ulong Index);

    /// <summary>How far things were, as noted in the disk's journal.</summary>
    public sealed record Progress(int Appended, int Promised, Dictionary<ulong, ulong> Released);

    private sealed class Group
    {
        public ulong Id { get; set; }

        public ulong Last { get; set; }

        public ulong Released { get; set; }
    }

    public static LogOptions Options => LogHarness.Small with { SyncInterval = TimeSpan.FromHours(1), Spares = 1 };

    public async Task Run(int rounds)
    {
        using (var log = WriteAheadLog.Open(disk, LogHarness.Directory, Options with { Sync = sync }, NullLogger.Instance))
        {
            for (var round = 0; round < rounds; round++)
            {
                if (_random.Next(4) == 0) await Burst(log, _random.Next(2, 6));
                else await Complete(Append(log));
                if (_random.Next(3) == 0) Release(log);
            }
        }
        lock (_lock) _promised = _operations.Count;
        Note();
        _live = [.. Enumerable.Range(0, _operations.Count + 1).Select(LiveAfter)];
    }

    /// <summary>What was promised and appended at a crash.</summary>
    public static Progress At(CrashState state) => state.Marks.OfType<Progress>().LastOrDefault() ?? new Progress(0, 0, []);

    /// <summary>Numbers of the operations whose records a replay shows, in order.</summary>
    public static List<int> Recover(WriteAheadLog log, Progress progress)
    {
        var visitor = new Visitor();
        log.Replay(progress.Released, visitor);
        return visitor.Numbers;
    }

    /// <summary>Whether that is what some allowed number of operations leaves behind.</summary>
    public bool Allows(IReadOnlyList<int> recovered, Progress progress)
    {
        for (var count = progress.Promised; count <= progress.Appended; count++)
        {
            if (_live[count].Where(number => !IsReleased(number, progress)).SequenceEqual(recovered)) return true;
        }
        return false;
    }

    /// <summary>A record that is none of the trace's.</summary>
    public static void AddExtra(LogBatch batch) => Fill(batch.Add(99, 1, 1, 50), 1_000_000);

    void ILogCompletion.Completed(LogBatch batch, DiskException? failure)
    {
        failure.ShouldBeNull();
        lock (_lock)
        {
            if (sync == LogSync.Always) _promised = Math.Max(_promised, (int)batch.State!);
        }
        Note();
        Interlocked.Increment(ref _completed);
    }

    private static void Fill(Span<byte> payload, int number)
    {
        payload.Fill((byte)number);
        BinaryPrimitives.WriteInt32LittleEndian(payload, number);
    }

    private bool IsReleased(int number, Progress progress) =>
        progress.Released.TryGetValue(_operations[number].Group, out var released) && _operations[number].Index <= released;

    private List<int> LiveAfter(int count)
    {
        var live = new List<int>();
        for (var number = 0; number < count; number++)
        {
            var (act, group, index) = _operations[number];
            if (act == Act.Record) live.Add(number);
            else live.RemoveAll(earlier => _operations[earlier].Group == group && (act == Act.Remove || _operations[earlier].Index > index));
        }
        return live;
    }

    private void Note()
    {
        lock (_lock)
        {
            disk.Mark(new Progress(_operations.Count, _promised, new Dictionary<ulong, ulong>(_released)));
        }
    }

    /// <summary>Several batches in one write: the first one holds the log up until the others wait.</summary>
    private async Task Burst(WriteAheadLog log, int count)
    {
        using var gate = new ManualResetEventSlim();
        disk.Intercept = (call, _) =>
        {
            if (call == DiskCall.Write) gate.Wait();
        };
        var last = 0;
        for (var i = 0; i < count; i++) last = Append(log);
        gate.Set();
        await Complete(last);
        disk.Intercept = null;
    }

    private async Task Complete(int batches) => await Wait.Until("all are complete", () => Volatile.Read(ref _completed) >= batches);

    private int Append(WriteAheadLog log)
    {
        var batch = log.Rent();
        lock (_lock)
        {
            for (var records = _random.Next(1, 5); records > 0; records--) AddOne(batch);
            batch.State = _operations.Count;
        }
        Note();
        log.Append(batch, this);
        return ++_batches;
    }

    private void AddOne(LogBatch batch)
    {
        var group = _groups[_random.Next(Groups)];
        var act = _random.Next(30) switch { 0 => Act.Remove, 1 or 2 => Act.Truncate, _ => Act.Record };
        if (group.Last == group.Released) act = Act.Record;
        var number = _operations.Count;
        switch (act)
        {
            case Act.Record:
                _operations.Add(new Operation(act, group.Id, ++group.Last));
                Fill(batch.Add(group.Id, group.Last, 1, _random.Next(20) == 0 ? _random.Next(4, 6000) : _random.Next(4, 700)), number);
                break;
            case Act.Truncate:
                group.Last = (ulong)_random.NextInt64((long)group.Released, (long)group.Last + 1);
                _operations.Add(new Operation(act, group.Id, group.Last));
                batch.AddTruncation(group.Id, group.Last);
                break;
            default:
                _operations.Add(new Operation(act, group.Id, 0));
                batch.AddRemoval(group.Id);
                (group.Id, group.Last, group.Released) = (group.Id + Groups, 0, 0);
                break;
        }
    }

    private void Release(WriteAheadLog log)
    {
        Group group;
        lock (_lock)
        {
            group = _groups[_random.Next(Groups)];
            group.Released = (ulong)_random.NextInt64((long)group.Released, (long)group.Last + 1);
            _released[group.Id] = group.Released;
        }
        Note();
        log.Release(group.Id, group.Released);
    }

    private sealed class Visitor : ILogVisitor
    {
        public List<int> Numbers { get; } = [];

        public void Visit(in LogRecord record)
        {
            var number = BinaryPrimitives.ReadInt32LittleEndian(record.Payload);
            if (record.Payload[4..].ContainsAnyExcept((byte)number)) Assert.Fail($"record {number} is not what was appended");
            Numbers.Add(number);
        }
    }
}
