using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Hosting;

/// <summary>Log lines about a server's life in a host.</summary>
internal static partial class EmbeddingLog
{
    [LoggerMessage(320, LogLevel.Warning, "The host's shutdown timeout cut lame duck mode short; raise HostOptions.ShutdownTimeout above lame_duck_duration")]
    public static partial void LameDuckCutShort(ILogger log);

    [LoggerMessage(321, LogLevel.Error, "Failed to reload server configuration: {Reason}")]
    public static partial void ReloadFailed(ILogger log, string reason);
}
