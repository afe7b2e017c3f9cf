using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Clients;

/// <summary>Every log line about clients; texts are upstream's.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(100, LogLevel.Debug, "{Client} - Client connection created")]
    public static partial void Created(ILogger log, string client);

    [LoggerMessage(101, LogLevel.Debug, "{Client} - Client connection closed: {Reason}")]
    public static partial void Closed(ILogger log, string client, string reason);

    [LoggerMessage(102, LogLevel.Error, "{Client} - {Text}")]
    public static partial void Error(ILogger log, string client, string text);

    [LoggerMessage(103, LogLevel.Debug, "{Client} - {Text}")]
    public static partial void Debug(ILogger log, string client, string text);

    [LoggerMessage(108, LogLevel.Warning, "{Client} - {Text}")]
    public static partial void Warning(ILogger log, string client, string text);

    [LoggerMessage(104, LogLevel.Information, "{Client} - {Text}")]
    public static partial void Notice(ILogger log, string client, string text);

    [LoggerMessage(105, LogLevel.Trace, "{Client} - <<- [{Operation}]")]
    public static partial void In(ILogger log, string client, string operation);

    [LoggerMessage(106, LogLevel.Trace, "{Client} - ->> [{Operation}]")]
    public static partial void Out(ILogger log, string client, string operation);

    [LoggerMessage(107, LogLevel.Trace, "{Client} - <<- MSG_PAYLOAD: [{Payload}]")]
    public static partial void Payload(ILogger log, string client, string payload);

    [LoggerMessage(108, LogLevel.Trace, "{Client} - ->> MSG_PAYLOAD: [{Payload}]")]
    public static partial void DeliveredPayload(ILogger log, string client, string payload);
}
