using System.Diagnostics;

namespace NatsAspire.Server.Monitoring;

/// <summary>CPU and memory of this process. CPU is measured between two questions, at least a second apart.</summary>
public sealed class ProcessUsage
{
    private static readonly TimeSpan ShortestSpan = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private long _measuredAt = Stopwatch.GetTimestamp();
    private TimeSpan _usedThen = Environment.CpuUsage.TotalTime;
    private double _percent;

    /// <summary>Bytes of memory that are resident.</summary>
    public static long ResidentBytes => Environment.WorkingSet;

    /// <summary>Percent of one core since the last question; above 100 with several cores.</summary>
    public double CpuPercent
    {
        get
        {
            lock (_lock)
            {
                var elapsed = Stopwatch.GetElapsedTime(_measuredAt);
                if (elapsed < ShortestSpan) return _percent;
                var used = Environment.CpuUsage.TotalTime;
                _percent = Math.Round((used - _usedThen) / elapsed * 100, 1);
                _usedThen = used;
                _measuredAt = Stopwatch.GetTimestamp();
                return _percent;
            }
        }
    }
}
