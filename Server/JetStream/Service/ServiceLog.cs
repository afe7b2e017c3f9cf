using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>Every log line about snapshots and restores; texts are upstream's.</summary>
internal static partial class ServiceLog
{
    [LoggerMessage(640, LogLevel.Information, "Starting snapshot for stream '{Account} > {Stream}'")]
    public static partial void SnapshotStarted(ILogger log, string account, string stream);

    [LoggerMessage(641, LogLevel.Information, "Completed snapshot of {Bytes} bytes for stream '{Account} > {Stream}' in {Duration}")]
    public static partial void SnapshotCompleted(ILogger log, long bytes, string account, string stream, string duration);

    [LoggerMessage(642, LogLevel.Warning, "Snapshot for stream '{Account} > {Stream}' failed after {Duration}: {Reason}")]
    public static partial void SnapshotFailed(ILogger log, string account, string stream, string duration, string reason);

    [LoggerMessage(643, LogLevel.Information, "Starting restore for stream '{Account} > {Stream}'")]
    public static partial void RestoreStarted(ILogger log, string account, string stream);

    [LoggerMessage(644, LogLevel.Information, "Completed restore of {Bytes} bytes for stream '{Account} > {Stream}' in {Duration}")]
    public static partial void RestoreCompleted(ILogger log, long bytes, string account, string stream, string duration);

    [LoggerMessage(645, LogLevel.Warning, "Restore failed for {Bytes} bytes for stream '{Account} > {Stream}' in {Duration}: {Reason}")]
    public static partial void RestoreFailed(ILogger log, long bytes, string account, string stream, string duration, string reason);

    [LoggerMessage(646, LogLevel.Error, "What was left of a restore of stream '{Account} > {Stream}' goes at the next start: {Reason}")]
    public static partial void RestoreLeftBehind(ILogger log, string account, string stream, string reason);

    [LoggerMessage(670, LogLevel.Information, "{Line}")]
    public static partial void MetaStarting(ILogger log, string line);

    [LoggerMessage(676, LogLevel.Warning, "JetStream decided without the hub before: its {Count} streams are set aside, the hub's decisions hold")]
    public static partial void DomainReplaced(ILogger log, int count);

    [LoggerMessage(671, LogLevel.Information, "{Line}")]
    public static partial void MetaLeader(ILogger log, string line);

    [LoggerMessage(672, LogLevel.Warning, "JetStream cluster has no quorum of its servers: nothing is made, changed or deleted")]
    public static partial void MetaQuorumLost(ILogger log);

    [LoggerMessage(673, LogLevel.Error, "JetStream cluster: what was decided is not understood, this server leads no more: {Reason}")]
    public static partial void MetaNotUnderstood(ILogger log, string reason);

    [LoggerMessage(674, LogLevel.Warning, "{Text}")]
    public static partial void MetaWarning(ILogger log, string text);

    [LoggerMessage(675, LogLevel.Warning, "Stream '{Account} > {Stream}' is on the disk, but no server assigns it: it is left as it is")]
    public static partial void Orphan(ILogger log, string account, string stream);
}
