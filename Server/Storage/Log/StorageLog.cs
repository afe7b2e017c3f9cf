using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Storage.Log;

/// <summary>Every log line about the write-ahead log.</summary>
internal static partial class StorageLog
{
    [LoggerMessage(600, LogLevel.Information, "Write-ahead log opened: {Segments} segments, {Rewritten} bytes of its tail made durable")]
    public static partial void Opened(ILogger log, int segments, long rewritten);

    [LoggerMessage(601, LogLevel.Critical, "Write-ahead log failed, nothing is acknowledged any more: {Reason}")]
    public static partial void Fenced(ILogger log, string reason);

    [LoggerMessage(602, LogLevel.Error, "Write-ahead log has no room for a new segment: {Reason}")]
    public static partial void Suspended(ILogger log, string reason);

    [LoggerMessage(603, LogLevel.Warning, "Write-ahead log could not delete a segment that is no longer needed: {Reason}")]
    public static partial void NotDeleted(ILogger log, string reason);

    [LoggerMessage(604, LogLevel.Critical, "Write-ahead log: a completion failed")]
    public static partial void CompletionFailed(ILogger log, Exception error);
}
