using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Monitoring;

/// <summary>Every log line about the monitoring pages; texts are upstream's.</summary>
internal static partial class MonitoringLog
{
    [LoggerMessage(400, LogLevel.Warning, "Healthcheck failed: {Error}")]
    public static partial void HealthcheckFailed(ILogger log, string error);

    [LoggerMessage(401, LogLevel.Warning, "Healthcheck: js-enabled deprecated, use js-enabled-only instead")]
    public static partial void JetStreamEnabledDeprecated(ILogger log);

    [LoggerMessage(402, LogLevel.Warning, "Request to the system account refused: {Capacity} are waiting already")]
    public static partial void SystemWorkRefused(ILogger log, int capacity);

    [LoggerMessage(403, LogLevel.Error, "Request to the system account failed")]
    public static partial void SystemWorkFailed(ILogger log, Exception fault);

    [LoggerMessage(404, LogLevel.Error, "Error unmarshalling account nsubs request message: {Error}")]
    public static partial void CountNotUnderstood(ILogger log, string error);
}
