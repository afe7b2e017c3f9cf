using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Monitoring;

/// <summary>
/// Says why a server is not well. Upstream does with each request; probes come several times a second, and the same words
/// again hide what else the log has to tell: they are repeated every ten seconds only.
/// </summary>
internal sealed class HealthLog(ILogger log, TimeProvider clock)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private string? _said;
    private long _saidAt;

    /// <summary>A request was answered with this failure.</summary>
    public void Tell(string failure)
    {
        lock (_lock)
        {
            if (failure == _said && clock.GetElapsedTime(_saidAt) < Pause) return;
            (_said, _saidAt) = (failure, clock.GetTimestamp());
        }
        MonitoringLog.HealthcheckFailed(log, failure);
    }
}
