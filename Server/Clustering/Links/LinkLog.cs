using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Clustering.Links;

/// <summary>Log lines of connections to other servers of any kind; texts are upstream's.</summary>
internal static partial class LinkLog
{
    [LoggerMessage(202, LogLevel.Error, "{Link} - {Text}")]
    public static partial void Error(ILogger log, string link, string text);

    [LoggerMessage(203, LogLevel.Debug, "{Link} - {Text}")]
    public static partial void Debug(ILogger log, string link, string text);

    [LoggerMessage(209, LogLevel.Trace, "{Link} - <<- [{Operation}]")]
    public static partial void In(ILogger log, string link, string operation);

    [LoggerMessage(210, LogLevel.Trace, "{Link} - ->> [{Operation}]")]
    public static partial void Out(ILogger log, string link, string operation);

    [LoggerMessage(211, LogLevel.Information, "{Link} - Slow Consumer {State}: {Text}")]
    public static partial void SlowConsumer(ILogger log, string link, string state, string text);
}
