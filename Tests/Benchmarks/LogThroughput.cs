using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;

namespace NatsAspire.Benchmarks;

/// <summary>Records a second through the write-ahead log on a real disk, each durable before it counts.</summary>
internal sealed class LogThroughput(string directory, double seconds)
{
    private const long ReleaseEvery = 1 << 16;
    private static readonly int[] GroupCounts = [1, 64];
    private static readonly int[] BatchSizes = [1, 64, 1024];
    private static readonly int[] PayloadSizes = [16, 128, 1024];

    public int Run()
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Write-ahead log in {directory}, {seconds} s each, one appending thread; batches of a group wait for their sync.\n"));
        Console.WriteLine("| groups | records per batch | payload B | records/s | syncs/s | MB/s | bytes allocated per record |");
        Console.WriteLine("|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var groups in GroupCounts)
        {
            foreach (var records in BatchSizes)
            {
                foreach (var payload in PayloadSizes) Measure(groups, records, payload);
            }
        }
        return 0;
    }

    private void Measure(int groups, int records, int payload)
    {
        var path = Path.Combine(directory, $"nats-log-{Environment.ProcessId}-{groups}-{records}-{payload}");
        var disk = Disks.ForThisSystem();
        try
        {
            using var log = WriteAheadLog.Open(disk, path, new LogOptions(), NullLogger.Instance);
            using var load = new Load(log, groups, records, payload);
            load.Run(seconds / 2);
            var before = (load.Records, log.Syncs, Allocated: GC.GetTotalAllocatedBytes());
            var clock = Stopwatch.StartNew();
            load.Run(seconds);
            var took = clock.Elapsed.TotalSeconds;
            var count = load.Records - before.Records;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {groups} | {records} | {payload} | {count / took:N0} | {(log.Syncs - before.Syncs) / took:N0} | {count * (payload + 25.0) / took / 1e6:N0} | {(GC.GetTotalAllocatedBytes() - before.Allocated) / (double)count:0.00} |"));
        }
        finally
        {
            disk.DeleteDirectory(path);
        }
    }

    /// <summary>Each group has up to two batches under way: one in the log's hands, one waiting.</summary>
    private sealed class Load(WriteAheadLog log, int groups, int records, int payload) : ILogCompletion, IDisposable
    {
        private readonly byte[] _payload = new byte[payload];
        private readonly ulong[] _index = new ulong[groups];
        private readonly SemaphoreSlim _room = new(2 * groups);
        private long _records;

        public long Records => Interlocked.Read(ref _records);

        public void Run(double seconds)
        {
            var clock = Stopwatch.StartNew();
            for (var group = 0; clock.Elapsed.TotalSeconds < seconds; group = (group + 1) % groups)
            {
                _room.Wait();
                var batch = log.Rent();
                for (var i = 0; i < records; i++) batch.Add((ulong)group + 1, ++_index[group], 1, _payload);
                log.Append(batch, this);
                if (_index[group] % ReleaseEvery < (ulong)records) log.Release((ulong)group + 1, _index[group] - (ulong)records);
            }
        }

        public void Completed(LogBatch batch, DiskException? failure)
        {
            if (failure is not null) throw failure;
            Interlocked.Add(ref _records, batch.Count);
            _room.Release();
        }

        public void Dispose()
        {
            for (var i = 0; i < 2 * groups; i++) _room.Wait();
            _room.Dispose();
        }
    }
}
