using Microsoft.Extensions.Logging.Abstractions;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Log;

/// <summary>When appends complete, what they wait for, and what happens when the disk fails.</summary>
public class LogCommitTests
{
    [Fact]
    public async Task One_sync_serves_everybody_who_waits()
    {
        var disk = new SimulatedDisk();
        using var gate = new ManualResetEventSlim();
        using var log = new LogHarness(disk);
        await log.AppendAndWait(1, 1);
        var entered = false;
        disk.Intercept = (call, _) =>
        {
            if (call != DiskCall.Sync) return;
            Volatile.Write(ref entered, true);
            gate.Wait();
        };
        log.Append(1, 2);
        await Wait.Until("the first sync is under way", () => Volatile.Read(ref entered));
        var syncs = log.Log.Syncs;
        for (var group = 2UL; group < 40; group++) log.Append(group, 1);
        log.Completions.ShouldBe(1);
        gate.Set();
        await Wait.Until("all are complete", () => log.Completions == 40);
        (log.Log.Syncs - syncs).ShouldBe(2);
        disk.Intercept = null;
        LogHarness.Recover(disk.PowerCut()).Count.ShouldBe(40);
    }

    [Fact]
    public async Task Appends_wait_for_room_in_the_queue()
    {
        var disk = new SimulatedDisk();
        using var gate = new ManualResetEventSlim();
        using var log = new LogHarness(disk, LogHarness.Small with { QueueLimit = 2000 });
        disk.Intercept = (call, _) =>
        {
            if (call == DiskCall.Sync) gate.Wait();
        };
        log.Append(1, 1, length: 900);
        log.Append(1, 2, length: 900);
        var third = log.Log.Rent();
        third.Add(1, 3, 1, LogHarness.Payload(1, 3, 900));
        log.Log.TryAppend(third, log).ShouldBe(LogAppend.Full);
        log.Log.PendingBytes.ShouldBe(1850);
        var waiting = Task.Run(() => log.Append(2, 1, length: 900));
        gate.Set();
        await waiting.WaitAsync(Wait.Default);
        await Wait.Until("all are complete", () => log.Completions == 3 && log.Log.PendingBytes == 0);
        await log.Log.WhenRoom().WaitAsync(Wait.Default);
        log.Log.TryAppend(third, log).ShouldBe(LogAppend.UnderWay);
        await Wait.Until("that too", () => log.Completions == 4);
    }

    [Fact]
    public async Task WhenRoom_completes_when_there_is()
    {
        var disk = new SimulatedDisk();
        using var gate = new ManualResetEventSlim();
        using var log = new LogHarness(disk, LogHarness.Small with { QueueLimit = 100 });
        disk.Intercept = (call, _) =>
        {
            if (call == DiskCall.Sync) gate.Wait();
        };
        log.Append(1, 1, length: 900);
        var room = log.Log.WhenRoom();
        room.IsCompleted.ShouldBeFalse();
        gate.Set();
        await room.WaitAsync(Wait.Default);
    }

    [Fact]
    public async Task A_batch_larger_than_the_queue_still_passes()
    {
        using var log = new LogHarness(new SimulatedDisk(), LogHarness.Small with { QueueLimit = 100 });
        await log.AppendAndWait(1, 1, length: 5000);
        await log.AppendAndWait(1, 2, length: 5000);
    }

    [Fact]
    public async Task Interval_completes_with_the_next_sync()
    {
        var disk = new SimulatedDisk();
        using var log = new LogHarness(disk, LogHarness.Small with { Sync = LogSync.Interval, SyncInterval = TimeSpan.FromMilliseconds(100) });
        for (var i = 1UL; i <= 10; i++) log.Append(1, i);
        await Wait.Until("all are complete", () => log.Completions == 10);
        log.Log.Syncs.ShouldBeLessThanOrEqualTo(2);
        LogHarness.Recover(disk.PowerCut()).Count.ShouldBe(10);
    }

    [Fact]
    public async Task Interval_does_not_let_appends_wait_for_room_until_then()
    {
        using var log = new LogHarness(new SimulatedDisk(), LogHarness.Small with { Sync = LogSync.Interval, SyncInterval = TimeSpan.FromHours(1), QueueLimit = 2000 });
        await Task.Run(() =>
        {
            for (var i = 1UL; i <= 20; i++) log.Append(1, i, length: 900);
        }).WaitAsync(Wait.Default);
    }

    [Fact]
    public async Task Lazy_completes_when_written_and_syncs_later()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk, LogHarness.Small with { Sync = LogSync.Lazy, SyncInterval = TimeSpan.FromHours(1) }))
        {
            for (var i = 1UL; i <= 3; i++) await log.AppendAndWait(1, i);
            log.Log.Syncs.ShouldBe(0);
            LogHarness.Recover(disk.PowerCut()).ShouldBeEmpty();
        }
        LogHarness.Recover(disk.PowerCut()).Count.ShouldBe(3);
        using var soon = new LogHarness(disk, LogHarness.Small with { Sync = LogSync.Lazy, SyncInterval = TimeSpan.FromMilliseconds(10) });
        await soon.AppendAndWait(1, 4);
        await Wait.Until("it is synced", () => soon.Log.Syncs > 0);
        LogHarness.Recover(disk.PowerCut()).Count.ShouldBe(4);
    }

    [Theory]
    [InlineData(DiskCall.Write)]
    [InlineData(DiskCall.Sync)]
    public async Task A_failed_write_or_sync_fences_the_log(DiskCall call)
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk))
        {
            for (var i = 1UL; i <= 20; i++) await log.AppendAndWait(1, i, length: 500);
            log.Log.Release(1, 20);
            var files = disk.Files;
            disk.Fail(call, ".wal", keep: 10);
            await log.AppendAndWait(1, 21);
            log.Completed[^1].Failure.ShouldNotBeNull().Fault.ShouldBe(DiskFault.Device);
            for (var i = 22UL; i <= 25; i++)
            {
                await log.AppendAndWait(1, i);
                log.Completed[^1].Failure.ShouldNotBeNull();
            }
            log.Log.Failure.ShouldNotBeNull();
            log.Log.Resume().ShouldBeFalse();
            log.Log.PendingBytes.ShouldBe(0);
            disk.Files.ShouldBe(files);
        }
        var recovered = LogHarness.Recover(disk.PowerCut(), (1, 19));
        recovered.ShouldBe([(1, 20, 1)]);
    }

    [Fact]
    public async Task What_survives_a_failed_sync_is_written_again_before_it_counts()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk))
        {
            await log.AppendAndWait(1, 1);
            disk.Fail(DiskCall.Sync, ".wal");
            await log.AppendAndWait(1, 2);
        }
        // The process starts again on the same machine: the record is in the page cache, perhaps not on the disk.
        using (var again = new LogHarness(disk)) LogHarness.Read(again.Log).Count.ShouldBe(2);
        LogHarness.Recover(disk.PowerCut()).Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_full_disk_suspends_the_log_until_there_is_room()
    {
        var disk = new SimulatedDisk { Capacity = 3 * 4096 };
        using (var log = new LogHarness(disk))
        {
            ulong index = 0;
            do await log.AppendAndWait(1, ++index, length: 500);
            while (log.Completed[^1].Failure is null);
            log.Completed[^1].Failure!.Fault.ShouldBe(DiskFault.Full);
            await log.AppendAndWait(1, index + 1);
            log.Completed[^1].Failure.ShouldNotBeNull();
            disk.Capacity = 1 << 20;
            log.Log.Resume().ShouldBeTrue();
            await log.AppendAndWait(1, index);
            log.Completed[^1].Failure.ShouldBeNull();
            LogHarness.Recover(disk.PowerCut()).Select(record => record.Index).ShouldBe(Enumerable.Range(1, (int)index).Select(i => (ulong)i));
        }
        LogHarness.Recover(disk).Count.ShouldBeGreaterThan(10);
    }

    [Fact]
    public async Task Closing_completes_what_was_appended()
    {
        var disk = new SimulatedDisk();
        var log = new LogHarness(disk, LogHarness.Small with { Sync = LogSync.Interval, SyncInterval = TimeSpan.FromHours(1) });
        for (var i = 1UL; i <= 5; i++) log.Append(1, i);
        log.Dispose();
        log.Completed.ShouldAllBe(one => one.Failure == null);
        log.Completions.ShouldBe(5);
        Should.Throw<ObjectDisposedException>(() => log.Append(1, 6));
        LogHarness.Recover(disk.PowerCut()).Count.ShouldBe(5);
        await Task.CompletedTask;
    }

    [Fact]
    public void A_record_allocates_nothing()
    {
        const int warmUp = 3000;
        const int batches = 6000;
        var folder = Directory.CreateTempSubdirectory("nats-log").FullName;
        using (var log = WriteAheadLog.Open(Disks.ForThisSystem(), folder, new LogOptions { SegmentSize = 16 << 20, QueueLimit = 64 << 10 }, NullLogger.Instance))
        {
            var meter = new AllocationMeter(warmUp, batches);
            var payload = new byte[100];
            FillPool(log, payload, 600);
            var before = 0L;
            for (var i = 1UL; i <= batches; i++)
            {
                if (i == warmUp) before = GC.GetAllocatedBytesForCurrentThread();
                var batch = log.Rent();
                batch.Add(1 + (i % 5), i, 1, payload);
                batch.Add(1 + (i % 5), i + 1, 1, payload);
                log.Append(batch, meter);
            }
            // One object each would be a multiple of this; a committer that falls behind costs a few more batches.
            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(3 * batches);
            meter.Done.Wait(Wait.Default).ShouldBeTrue();
            meter.Allocated.ShouldBeLessThan(batches);
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_completion_that_throws_harms_no_other()
    {
        using var log = new LogHarness(new SimulatedDisk());
        log.OnCompleted = (state, _) =>
        {
            if (state is "bad") throw new InvalidOperationException();
        };
        log.Append(1, 1, state: "bad");
        await log.AppendAndWait(2, 1);
        log.Completed[^1].Failure.ShouldBeNull();
    }

    /// <summary>Rents as many batches as the queue's limit lets be under way, so that none is new later however late the disk is.</summary>
    private static void FillPool(WriteAheadLog log, byte[] payload, int count)
    {
        var batches = Enumerable.Range(0, count).Select(_ => log.Rent()).ToList();
        foreach (var batch in batches) batch.Add(1, 1, 1, payload);
        batches.ForEach(log.Return);
    }

    /// <summary>What the log's thread allocates between two completions.</summary>
    private sealed class AllocationMeter(int from, int to) : ILogCompletion
    {
        private int _count;
        private long _before;

        public long Allocated { get; private set; }

        public ManualResetEventSlim Done { get; } = new();

        public void Completed(LogBatch batch, DiskException? failure)
        {
            _count++;
            if (_count == from) _before = GC.GetAllocatedBytesForCurrentThread();
            if (_count != to) return;
            Allocated = GC.GetAllocatedBytesForCurrentThread() - _before;
            Done.Set();
        }
    }
}
