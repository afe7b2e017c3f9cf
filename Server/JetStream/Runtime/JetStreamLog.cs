using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>Every log line about JetStream; texts are upstream's where it has them.</summary>
internal static partial class JetStreamLog
{
    [LoggerMessage(600, LogLevel.Information, "Starting JetStream")]
    public static partial void Starting(ILogger log);

    [LoggerMessage(601, LogLevel.Information, "{Line}")]
    public static partial void Banner(ILogger log, string line);

    [LoggerMessage(602, LogLevel.Information, "  Restored {Messages} messages for stream '{Account} > {Stream}' in {Duration}")]
    public static partial void Restored(ILogger log, string messages, string account, string stream, string duration);

    [LoggerMessage(603, LogLevel.Error, "Stream '{Account} > {Stream}' is offline, its files are left as they are: {Reason}")]
    public static partial void StreamOffline(ILogger log, string account, string stream, string reason);

    [LoggerMessage(604, LogLevel.Error, "Stream '{Account} > {Stream}' takes no more messages until the server is started again: {Reason}")]
    public static partial void StreamFenced(ILogger log, string account, string stream, string reason);

    [LoggerMessage(605, LogLevel.Error, "JetStream is disabled, its files are left as they are: {Reason}")]
    public static partial void Disabled(ILogger log, string reason);

    [LoggerMessage(606, LogLevel.Warning, "Dropping messages due to excessive stream ingest rate on '{Account}' > '{Stream}': queue limit reached")]
    public static partial void PublishesRefused(ILogger log, string account, string stream);

    [LoggerMessage(615, LogLevel.Warning, "JetStream {Storage} resource limits exceeded for account: \"{Account}\"")]
    public static partial void AccountFull(ILogger log, string storage, string account);

    [LoggerMessage(616, LogLevel.Error, "JetStream {Storage} resource limits exceeded for server")]
    public static partial void ServerFull(ILogger log, string storage);

    [LoggerMessage(607, LogLevel.Warning, "JetStream API queue limit reached, dropping {Count} requests")]
    public static partial void RequestsDropped(ILogger log, int count);

    [LoggerMessage(608, LogLevel.Warning, "What was left of an unfinished stream '{Account} > {Stream}' is now {Path}")]
    public static partial void SetAside(ILogger log, string account, string stream, string path);

    [LoggerMessage(609, LogLevel.Error, "A request of the JetStream API failed, {Subject}")]
    public static partial void RequestFailed(ILogger log, string subject, Exception fault);

    [LoggerMessage(610, LogLevel.Error, "Files of the deleted stream '{Account} > {Stream}' could not be removed: {Reason}")]
    public static partial void LeftBehind(ILogger log, string account, string stream, string reason);

    [LoggerMessage(611, LogLevel.Warning, "The log holds {Count} operations of streams that are not there")]
    public static partial void Orphans(ILogger log, int count);

    [LoggerMessage(630, LogLevel.Information, "Imported {Messages} messages for stream '{Account} > {Stream}' from {Path}, which stays as it is")]
    public static partial void Imported(ILogger log, ulong messages, string account, string stream, string path);

    [LoggerMessage(631, LogLevel.Warning, "Stream '{Account} > {Stream}' was imported as far as it can be read: {Problems}")]
    public static partial void ImportedInPart(ILogger log, string account, string stream, string problems);

    [LoggerMessage(632, LogLevel.Error, "Stream '{Account} > {Stream}' of a Go server is not imported: {Reason}")]
    public static partial void NotImported(ILogger log, string account, string stream, string reason);

    [LoggerMessage(633, LogLevel.Error, "Streams of a Go server in account '{Account}' cannot be listed: {Reason}")]
    public static partial void ImportUnreadable(ILogger log, string account, string reason);

    [LoggerMessage(634, LogLevel.Warning, "{Count} consumers of stream '{Account} > {Stream}' are kept beside it and do not run")]
    public static partial void ConsumersKept(ILogger log, int count, string account, string stream);

    [LoggerMessage(640, LogLevel.Debug, "RAFT [{Group}] is {State} now")]
    public static partial void GroupState(ILogger log, string group, Raft.Core.RaftState state);

    [LoggerMessage(649, LogLevel.Debug, "RAFT [{Group}] started: {Members} members, term {Term}, last index {Index}")]
    public static partial void GroupStarted(ILogger log, string group, int members, ulong term, ulong index);

    [LoggerMessage(650, LogLevel.Warning, "RAFT [{Group}] begins again, and fetches from the others what was agreed on; what was found of it is kept as {Path}")]
    public static partial void GroupSetAside(ILogger log, string group, string path);

    [LoggerMessage(651, LogLevel.Warning, "Stream '{Account} > {Stream}' is fetched from the other servers when this one is started again")]
    public static partial void FetchedNextTime(ILogger log, string account, string stream);

    [LoggerMessage(641, LogLevel.Debug, "RAFT [{Group}] {What}")]
    public static partial void GroupCatchUp(ILogger log, string group, string what);

    [LoggerMessage(642, LogLevel.Warning, "RAFT [{Group}] {Message}")]
    public static partial void GroupWarning(ILogger log, string group, string message);

    [LoggerMessage(643, LogLevel.Error, "RAFT [{Group}] takes part in nothing until the server is started again: {Reason}")]
    public static partial void GroupFailed(ILogger log, string group, string reason);

    [LoggerMessage(644, LogLevel.Warning, "JetStream cluster stream '{Account} > {Stream}' has NO quorum, stalled")]
    public static partial void QuorumLost(ILogger log, string account, string stream);

    [LoggerMessage(651, LogLevel.Warning, "JetStream cluster consumer '{Account} > {Stream} > {Consumer}' has NO quorum, stalled")]
    public static partial void ConsumerQuorumLost(ILogger log, string account, string stream, string consumer);

    [LoggerMessage(645, LogLevel.Information, "Catchup for stream '{Account} > {Stream}' complete, at {Sequence}")]
    public static partial void CaughtUp(ILogger log, string account, string stream, ulong sequence);

    [LoggerMessage(646, LogLevel.Warning, "Catchup for stream '{Account} > {Stream}' failed, and begins again: {Reason}")]
    public static partial void CatchupFailed(ILogger log, string account, string stream, string reason);

    [LoggerMessage(647, LogLevel.Warning, "Catchup for stream '{Account} > {Stream}' was given up by the other side: {Reason}")]
    public static partial void CatchupRefused(ILogger log, string account, string stream, string reason);

    [LoggerMessage(649, LogLevel.Information, "Stream '{Account} > {Stream}' is shared by {Count} servers from now on, in group {Group}")]
    public static partial void Shared(ILogger log, string account, string stream, string group, int count);

    [LoggerMessage(650, LogLevel.Information, "Stream '{Account} > {Stream}' is on this server alone from now on")]
    public static partial void Alone(ILogger log, string account, string stream);

    [LoggerMessage(648, LogLevel.Error, "Consumer '{Account} > {Stream} > {Consumer}' is not served here until the server is started again: {Reason}")]
    public static partial void ConsumerFenced(ILogger log, string account, string stream, string consumer, string reason);
}
