using System.Text;
using NatsAspire.Tests.Simulation.Raft;

namespace NatsAspire.Tests.Simulation.Cluster;

/// <summary>Simulated time: what is to happen, in order, and a note of what did.</summary>
internal sealed class SimulatedWorld(ulong seed, bool isRecording)
{
    public const long Microsecond = 1_000;
    public const long Millisecond = 1_000_000;
    public const long Second = 1_000_000_000;

    private readonly PriorityQueue<Action, (long Time, long Order)> _events = new();
    private readonly StringBuilder? _timeline = isRecording ? new StringBuilder() : null;
    private long _order;

    public SimulationRandom Random { get; } = new(seed);

    /// <summary>Nanoseconds since the beginning.</summary>
    public long Now { get; private set; }

    public int Events { get; private set; }

    /// <summary>Everything that happened, for comparing.</summary>
    public ulong Hash { get; private set; } = 17;

    public bool IsRecording => _timeline is not null;

    /// <summary>Everything that happened, for reading.</summary>
    public string Timeline => _timeline?.ToString() ?? "";

    public void At(long delay, Action action) => _events.Enqueue(action, (Now + Math.Max(0, delay), _order++));

    /// <summary>Lets the next thing happen.</summary>
    public void Step()
    {
        _events.TryDequeue(out var happens, out var when);
        Now = when.Time;
        Events++;
        happens!();
    }

    public void Note(string who, string what) => _timeline?.Append(Now / Millisecond).Append('.').Append((Now / Microsecond % 1000).ToString("d3")).Append(' ').Append(who).Append(' ').Append(what).Append('\n');

    public void Mix(ulong one, ulong other)
    {
        Hash = (Hash ^ one) * 0x9E3779B97F4A7C15;
        Hash = ((Hash ^ (Hash >> 31)) + other + (ulong)Now) * 0xBF58476D1CE4E5B9;
    }

    public long Between(long from, long to) => Random.Between(from, to);
}

/// <summary>A server's clocks: the monotonic one is the world's, the wall clock is wrong by <see cref="Skew"/>.</summary>
internal sealed class SimulatedTime(SimulatedNode server, SimulatedWorld world) : TimeProvider
{
    private static readonly DateTimeOffset Beginning = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Nanoseconds.</summary>
    public long Skew { get; set; }

    public override long TimestampFrequency => SimulatedWorld.Second;

    public override long GetTimestamp() => (3_600 * SimulatedWorld.Second) + world.Now;

    public override DateTimeOffset GetUtcNow() => Beginning.AddTicks((world.Now + Skew) / TimeSpan.NanosecondsPerTick);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimulatedTimer(server, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class SimulatedTimer(SimulatedNode server, Action callback) : ITimer
    {
        private int _version;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var version = ++_version;
            if (dueTime != Timeout.InfiniteTimeSpan) Arm(version, dueTime, period);
            return true;
        }

        private void Arm(int version, TimeSpan dueTime, TimeSpan period) => server.At((long)dueTime.TotalNanoseconds, () =>
        {
            if (version != _version) return;
            if (period > TimeSpan.Zero) Arm(version, period, period);
            callback();
        });

        public void Dispose() => _version++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
