using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>Every log line about gateways; texts are upstream's.</summary>
internal static partial class GatewayLog
{
    [LoggerMessage(230, LogLevel.Information, "{Link} - Creating outbound gateway connection to {Name}")]
    public static partial void CreatingOutbound(ILogger log, string link, string name);

    [LoggerMessage(231, LogLevel.Information, "{Link} - Processing inbound gateway connection")]
    public static partial void ProcessingInbound(ILogger log, string link);

    [LoggerMessage(232, LogLevel.Information, "{Link} - Outbound gateway connection to {Name} ({ServerId}) registered")]
    public static partial void OutboundRegistered(ILogger log, string link, string name, string serverId);

    [LoggerMessage(233, LogLevel.Information, "{Link} - Inbound gateway connection from {Name} ({ServerId}) registered")]
    public static partial void InboundRegistered(ILogger log, string link, string name, string serverId);

    [LoggerMessage(234, LogLevel.Information, "{Link} - Gateway connection closed: {Reason}")]
    public static partial void Closed(ILogger log, string link, string reason);

    [LoggerMessage(235, LogLevel.Information, "Connecting to {Kind} gateway {Name} ({Address}) (attempt {Attempt})")]
    public static partial void Dialing(ILogger log, string kind, string name, string address, int attempt);

    [LoggerMessage(236, LogLevel.Debug, "Connecting to {Kind} gateway {Name} ({Address}) (attempt {Attempt})")]
    public static partial void DialingAgain(ILogger log, string kind, string name, string address, int attempt);

    [LoggerMessage(237, LogLevel.Error, "Error connecting to {Kind} gateway {Name} ({Address}) (attempt {Attempt}): {Error}")]
    public static partial void DialFailed(ILogger log, string kind, string name, string address, int attempt, string error);

    [LoggerMessage(238, LogLevel.Debug, "Error connecting to {Kind} gateway {Name} ({Address}) (attempt {Attempt}): {Error}")]
    public static partial void DialFailedAgain(ILogger log, string kind, string name, string address, int attempt, string error);

    [LoggerMessage(239, LogLevel.Debug, "No longer trying to connect to gateway {Name}")]
    public static partial void DialStopped(ILogger log, string name);

    [LoggerMessage(241, LogLevel.Error, "Unknown command {Command} from server {Server}")]
    public static partial void UnknownCommand(ILogger log, int command, string server);
}
