using Microsoft.Extensions.Logging.Abstractions;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Log;

/// <summary>A log on some disk, records whose payload tells whether they are whole, and what became of each batch.</summary>
internal sealed class LogHarness : ILogCompletion, IDisposable
{
    public const string Directory = "/log";
    private readonly List<(object? State, DiskException? Failure)> _completed = [];

    public LogHarness(IDisk disk, LogOptions? options = null, string directory = Directory)
    {
        Disk = disk;
        Log = WriteAheadLog.Open(disk, directory, options ?? Small, NullLogger.Instance);
    }

    public static LogOptions Small => new() { SegmentSize = 4096, IdleMark = TimeSpan.FromHours(1) };

    public IDisk Disk { get; }

    public WriteAheadLog Log { get; }

    /// <summary>Called on the log's thread for each completion, before it is counted.</summary>
    public Action<object?, DiskException?>? OnCompleted { get; set; }

    public int Completions
    {
        get { lock (_completed) return _completed.Count; }
    }

    public IReadOnlyList<(object? State, DiskException? Failure)> Completed
    {
        get { lock (_completed) return [.. _completed]; }
    }

    public static byte[] Payload(ulong group, ulong index, int length = 20)
    {
        var payload = new byte[length];
        for (var i = 0; i < length; i++) payload[i] = (byte)((group * 31) + (index * 7) + (ulong)i);
        return payload;
    }

    /// <summary>Records of a replay as (group, index, kind); fails if a payload is not what was appended.</summary>
    public static List<(ulong Group, ulong Index, byte Kind)> Read(WriteAheadLog log, params (ulong Group, ulong Index)[] covered)
    {
        var reader = new Reader();
        log.Replay(covered.ToDictionary(one => one.Group, one => one.Index), reader);
        return reader.Records;
    }

    /// <summary>Opens, replays and closes.</summary>
    public static List<(ulong Group, ulong Index, byte Kind)> Recover(IDisk disk, params (ulong Group, ulong Index)[] covered)
    {
        using var harness = new LogHarness(disk);
        return Read(harness.Log, covered);
    }

    public void Finish(object? state, DiskException? failure)
    {
        OnCompleted?.Invoke(state, failure);
        lock (_completed) _completed.Add((state, failure));
    }

    void ILogCompletion.Completed(LogBatch batch, DiskException? failure) => Finish(batch.State, failure);

    /// <summary>Appends a batch of consecutive records of one group.</summary>
    public void Append(ulong group, ulong first, int count = 1, int length = 20, object? state = null)
    {
        var batch = Log.Rent();
        for (var i = 0; i < count; i++) batch.Add(group, first + (ulong)i, 1, Payload(group, first + (ulong)i, length));
        batch.State = state;
        Log.Append(batch, this);
    }

    /// <summary>Appends whatever, and waits until it is complete.</summary>
    public async Task AppendAndWait(Action<LogBatch> fill, object? state = null)
    {
        var before = Completions;
        var batch = Log.Rent();
        batch.State = state;
        fill(batch);
        Log.Append(batch, this);
        await Wait.Until("the batch is complete", () => Completions > before);
    }

    public Task AppendAndWait(ulong group, ulong first, int count = 1, int length = 20) => AppendAndWait(batch =>
    {
        for (var i = 0; i < count; i++) batch.Add(group, first + (ulong)i, 1, Payload(group, first + (ulong)i, length));
    });

    public void Dispose() => Log.Dispose();

    private sealed class Reader : ILogVisitor
    {
        public List<(ulong Group, ulong Index, byte Kind)> Records { get; } = [];

        public void Visit(in LogRecord record)
        {
            if (!record.Payload.SequenceEqual(Payload(record.Group, record.Index, record.Payload.Length))) Assert.Fail($"group {record.Group} index {record.Index}: not the payload that was appended");
            Records.Add((record.Group, record.Index, record.Kind));
        }
    }
}
