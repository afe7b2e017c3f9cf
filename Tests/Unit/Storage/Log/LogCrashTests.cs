using Microsoft.Extensions.Logging.Abstractions;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Log;

/// <summary>Every state in which a crash may leave the disk recovers what was complete, and nothing that was not appended.</summary>
public class LogCrashTests(ITestOutputHelper output)
{
    private const int Rounds = 70;

    [Theory]
    [InlineData(1, LogSync.Always)]
    [InlineData(2, LogSync.Always)]
    [InlineData(3, LogSync.Lazy)]
    public async Task Every_crash_state_recovers(int seed, LogSync sync)
    {
        var disk = new SimulatedDisk();
        var trace = new LogTrace(disk, seed, sync);
        await trace.Run(Rounds);
        var (states, again) = (0, 0);
        foreach (var state in disk.CrashStates(new CrashOptions { Seed = seed, PerCut = 64, Every = sync == LogSync.Lazy ? 2 : 1 }))
        {
            states++;
            var recovered = Recover(trace, state, goOn: states % 5 == 0);
            if (states % 200 == 0) again += CrashInRecovery(trace, state, recovered);
        }
        output.WriteLine($"{states} crash states of {disk.Operations} operations, and {again} of crashes while recovering: all recovered.");
        states.ShouldBeGreaterThan(3000);
        again.ShouldBeGreaterThan(100);
    }

    private static List<int> Recover(LogTrace trace, CrashState state, bool goOn)
    {
        var progress = LogTrace.At(state);
        var disk = state.Disk.Copy();
        List<int> recovered;
        try
        {
            using var log = Open(disk);
            recovered = LogTrace.Recover(log, progress);
            if (goOn) AppendExtra(log);
        }
        catch (IOException e)
        {
            throw new InvalidOperationException($"after {state.Cut} operations, lost: {state.Choice}", e);
        }
        if (!trace.Allows(recovered, progress)) Assert.Fail($"after {state.Cut} operations, promised {progress.Promised} of {progress.Appended}, recovered {string.Join(' ', recovered)}; lost: {state.Choice}");
        if (!goOn) return recovered;
        using var next = Open(disk.PowerCut());
        LogTrace.Recover(next, progress).ShouldBe([.. recovered, 1_000_000]);
        return recovered;
    }

    /// <summary>The recovery itself, and the first append after it, may crash as well.</summary>
    private static int CrashInRecovery(LogTrace trace, CrashState state, List<int> recovered)
    {
        var (progress, disk, states) = (LogTrace.At(state), state.Disk.Copy(), 0);
        using (var log = Open(disk))
        {
            LogTrace.Recover(log, progress).ShouldBe(recovered);
            disk.Mark("shown");
            AppendExtra(log);
            disk.Mark("appended");
        }
        foreach (var nested in disk.CrashStates(new CrashOptions { PerCut = 8 }))
        {
            states++;
            using var log = Open(nested.Disk);
            var now = LogTrace.Recover(log, progress);
            if (nested.Marks.Contains("appended")) now.ShouldBe([.. recovered, 1_000_000]);
            now.Remove(1_000_000);
            if (nested.Marks.Contains("shown")) now.ShouldBe(recovered);
            else trace.Allows(now, progress).ShouldBeTrue();
        }
        return states;
    }

    private static WriteAheadLog Open(SimulatedDisk disk) => WriteAheadLog.Open(disk, LogHarness.Directory, LogTrace.Options, NullLogger.Instance);

    private static void AppendExtra(WriteAheadLog log)
    {
        using var done = new ManualResetEventSlim();
        var batch = log.Rent();
        LogTrace.AddExtra(batch);
        log.Append(batch, new Signal(done));
        done.Wait(Wait.Default).ShouldBeTrue();
    }

    private sealed class Signal(ManualResetEventSlim done) : ILogCompletion
    {
        public void Completed(LogBatch batch, Server.Storage.Disk.DiskException? failure)
        {
            if (failure is null) done.Set();
        }
    }
}
