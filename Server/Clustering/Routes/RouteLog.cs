using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>Every log line about routes; texts are upstream's.</summary>
internal static partial class RouteLog
{
    [LoggerMessage(200, LogLevel.Information, "{Route} - Route connection created")]
    public static partial void Created(ILogger log, string route);

    [LoggerMessage(201, LogLevel.Information, "{Route} - Router connection closed: {Reason}")]
    public static partial void Closed(ILogger log, string route, string reason);

    [LoggerMessage(204, LogLevel.Debug, "Trying to connect to route on {Address}")]
    public static partial void Dialing(ILogger log, string address);

    [LoggerMessage(205, LogLevel.Error, "Error trying to connect to route (attempt {Attempt}): {Error}")]
    public static partial void DialFailed(ILogger log, int attempt, string error);

    [LoggerMessage(206, LogLevel.Debug, "Error trying to connect to route (attempt {Attempt}): {Error}")]
    public static partial void DialFailedAgain(ILogger log, int attempt, string error);

    [LoggerMessage(207, LogLevel.Debug, "No longer trying to connect to route on {Address}")]
    public static partial void DialStopped(ILogger log, string address);

    [LoggerMessage(208, LogLevel.Information, "Cluster name updated to {Name}")]
    public static partial void ClusterNameChanged(ILogger log, string name);
}
