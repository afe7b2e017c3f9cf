using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Log;

/// <summary>A lazy log at rest writes little batches on the thread that brings them.</summary>
public class LogLentTests
{
    private static readonly LogOptions Lazy = LogHarness.Small with { Sync = LogSync.Lazy, SyncInterval = TimeSpan.FromHours(1) };

    [Fact]
    public async Task What_is_written_here_is_told_to_nobody_and_is_there()
    {
        var disk = new SimulatedDisk();
        using (var log = new LogHarness(disk, Lazy))
        {
            var here = 1;
            for (var next = await UntilWrittenHere(log); next <= 200; next++)
            {
                if (TryAppend(log, 1, next) == LogAppend.Written) here++;
            }
            await Wait.Until("the others are complete", () => log.Completions == 200 - here && log.Log.PendingBytes == 0);
        }
        LogHarness.Recover(disk.PowerCut()).Select(record => record.Index).ShouldBe(Enumerable.Range(1, 200).Select(index => (ulong)index));
    }

    [Fact]
    public async Task What_is_written_here_is_synced_when_its_time_has_come()
    {
        var disk = new SimulatedDisk();
        using var log = new LogHarness(disk, Lazy with { SyncInterval = TimeSpan.FromMilliseconds(50) });
        var next = await UntilWrittenHere(log);
        await Wait.Until("what was before is synced", () => LogHarness.Recover(disk.PowerCut()).Count == (int)next - 1);
        await Wait.Until("one more is written here", () => TryAppend(log, 1, next++) == LogAppend.Written);
        await Wait.Until("it is synced", () => LogHarness.Recover(disk.PowerCut()).Count == (int)next - 1);
    }

    [Fact]
    public async Task A_write_here_that_fails_is_told_and_fences_the_log()
    {
        var disk = new SimulatedDisk();
        using var log = new LogHarness(disk, Lazy with { SegmentSize = 1 << 20 });
        var next = await UntilWrittenHere(log);
        var completions = log.Completions;
        disk.Fail(DiskCall.Write, ".wal", keep: 10);
        TryAppend(log, 1, next).ShouldBe(LogAppend.UnderWay);
        await Wait.Until("it is told", () => log.Completions == completions + 1);
        log.Completed[^1].Failure.ShouldNotBeNull().Fault.ShouldBe(DiskFault.Device);
        log.Log.Failure.ShouldNotBeNull();
        TryAppend(log, 1, next + 1).ShouldBe(LogAppend.UnderWay);
        await Wait.Until("that one too", () => log.Completions == completions + 2);
        log.Completed[^1].Failure.ShouldNotBeNull();
        log.Log.PendingBytes.ShouldBe(0);
    }

    [Fact]
    public async Task Groups_of_many_threads_lose_nothing_and_keep_their_order()
    {
        const int groups = 6, each = 2000;
        var disk = new SimulatedDisk();
        var here = 0;
        using (var log = new LogHarness(disk, Lazy with { SegmentSize = 64 << 10, QueueLimit = 4096 }))
        {
            await Task.WhenAll(Enumerable.Range(1, groups).Select(group => Task.Run(async () =>
            {
                for (var index = 1UL; index <= each; index++)
                {
                    LogAppend answer;
                    while ((answer = TryAppend(log, (ulong)group, index)) == LogAppend.Full) await log.Log.WhenRoom();
                    if (answer == LogAppend.Written) Interlocked.Increment(ref here);
                }
            }))).WaitAsync(Wait.Default);
            await Wait.Until("all are complete", () => log.Completions == (groups * each) - here && log.Log.PendingBytes == 0);
            log.Completed.ShouldAllBe(one => one.Failure == null);
        }
        here.ShouldBeGreaterThan(0);
        foreach (var group in LogHarness.Recover(disk.PowerCut()).GroupBy(record => record.Group)) group.Select(record => record.Index).ShouldBe(Enumerable.Range(1, each).Select(index => (ulong)index));
    }

    [Theory]
    [InlineData(LogSync.Always)]
    [InlineData(LogSync.Interval)]
    public async Task A_log_whose_word_is_a_sync_never_writes_here(LogSync sync)
    {
        using var log = new LogHarness(new SimulatedDisk(), LogHarness.Small with { Sync = sync, SyncInterval = TimeSpan.FromMilliseconds(1) });
        for (var index = 1UL; index <= 20; index++)
        {
            TryAppend(log, 1, index).ShouldBe(LogAppend.UnderWay);
            await Wait.Until("it is complete", () => log.Completions == (int)index);
        }
    }

    private static async Task<ulong> UntilWrittenHere(LogHarness log)
    {
        var next = 1UL;
        await Wait.Until("the log rests and writes here", () => TryAppend(log, 1, next++) == LogAppend.Written);
        return next;
    }

    private static LogAppend TryAppend(LogHarness log, ulong group, ulong index)
    {
        var batch = log.Log.Rent();
        batch.Add(group, index, 1, LogHarness.Payload(group, index));
        var answer = log.Log.TryAppend(batch, log);
        if (answer == LogAppend.Full) log.Log.Return(batch);
        return answer;
    }
}
