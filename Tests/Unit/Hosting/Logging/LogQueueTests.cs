using System.Text;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Hosting.Logging;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Hosting.Logging;

/// <summary>What lies between those who log and a disk that is slow, stuck or full.</summary>
public sealed class LogQueueTests
{
    [Fact]
    public async Task AStuckDiskHoldsUpNobodyAndTheLossIsTold()
    {
        using var sink = new StuckSink();
        using var queue = new LogQueue(new TextLogFormatter(null, false, false), sink, maxBytes: 4096);
        queue.Add(new LogEntry(LogLevel.Information, default, "first"));
        await Wait.Until("the writer is stuck", () => sink.IsEntered);
        var logging = Task.Run(() =>
        {
            for (var i = 0; i < 10_000; i++) queue.Add(new LogEntry(LogLevel.Information, default, $"line {i}"));
        });
        await logging.WaitAsync(Wait.Default);
        sink.Release();
        await Wait.Until("what waited is written", () => sink.Lines.Count > 2, () => string.Join("|", sink.Lines));
        queue.Add(new LogEntry(LogLevel.Information, default, "last"));
        await Wait.Until("the last line", () => sink.Lines.Any(line => line.EndsWith("last\n", StringComparison.Ordinal)));
        var kept = sink.Lines.Count(line => line.Contains("] line ", StringComparison.Ordinal));
        kept.ShouldBeInRange(50, 400);
        sink.Lines.ShouldContain(line => line.EndsWith($"[WRN] {10_000 - kept} log lines were dropped: the log could not be written fast enough\n", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AFullDiskIsSurvived()
    {
        using var sink = new StuckSink { Fails = true };
        sink.Release();
        using var queue = new LogQueue(new TextLogFormatter(null, false, false), sink);
        for (var i = 0; i < 3; i++) queue.Add(new LogEntry(LogLevel.Information, default, "lost"));
        await Wait.Until("three lines and two notices are tried", () => sink.Tries == 5);
        sink.Fails = false;
        queue.Add(new LogEntry(LogLevel.Information, default, "found"));
        await Wait.Until("a line is written", () => sink.Lines.Count == 2);
        sink.Lines[0].ShouldContain("[WRN] 3 log lines were dropped");
        sink.Lines[1].ShouldEndWith("found\n");
    }

    /// <summary>A sink that blocks until it is released, and fails while it is told to.</summary>
    private sealed class StuckSink : ILogSink
    {
        private readonly ManualResetEventSlim _released = new();
        private volatile bool _entered;
        private volatile bool _fails;
        private int _tries;
        private volatile List<string> _lines = [];

        public bool IsEntered => _entered;

        public int Tries => Volatile.Read(ref _tries);

        public List<string> Lines => _lines;

        public bool Fails
        {
            get => _fails;
            set => _fails = value;
        }

        public void Release() => _released.Set();

        public void Write(ReadOnlySpan<byte> line)
        {
            _entered = true;
            _released.Wait();
            Interlocked.Increment(ref _tries);
            if (_fails) throw new IOException("No space left on device");
            _lines = [.. _lines, Encoding.UTF8.GetString(line)];
        }

        public void Reopen()
        {
            // Nothing is open.
        }

        public void Dispose() => _released.Set();
    }
}
