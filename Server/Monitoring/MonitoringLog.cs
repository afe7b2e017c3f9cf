using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Monitoring;

/// <summary>Every log line about the monitoring pages; texts are upstream's.</summary>
internal static partial class MonitoringLog
{
    [LoggerMessage(400, LogLevel.Warning, "Healthcheck failed: {Error}")]
    public static partial void HealthcheckFailed(ILogger log, string error);

    [LoggerMessage(401, LogLevel.Warning, "Healthcheck: js-enabled deprecated, use js-enabled-only instead")]
    public static partial void JetStreamEnabledDeprecated(ILogger log);
}
