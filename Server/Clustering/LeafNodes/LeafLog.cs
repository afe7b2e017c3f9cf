using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>Every log line about leaf nodes; texts are upstream's.</summary>
internal static partial class LeafLog
{
    [LoggerMessage(260, LogLevel.Information, "{Leaf} - Leafnode connection created{Account}")]
    public static partial void Created(ILogger log, string leaf, string account);

    [LoggerMessage(261, LogLevel.Information, "{Leaf} - Leafnode connection closed: {Reason} - Account: {Account}")]
    public static partial void Closed(ILogger log, string leaf, string reason, string account);

    [LoggerMessage(262, LogLevel.Debug, "Trying to connect as leafnode to remote server on \"{Address}\"")]
    public static partial void Dialing(ILogger log, string address);

    [LoggerMessage(263, LogLevel.Error, "Error trying to connect as leafnode to remote server \"{Address}\" (attempt {Attempt}): {Error}")]
    public static partial void DialFailed(ILogger log, string address, int attempt, string error);

    [LoggerMessage(264, LogLevel.Debug, "Error trying to connect as leafnode to remote server \"{Address}\" (attempt {Attempt}): {Error}")]
    public static partial void DialFailedAgain(ILogger log, string address, int attempt, string error);

    [LoggerMessage(265, LogLevel.Debug, "No longer trying to connect as leafnode for {Account}")]
    public static partial void DialStopped(ILogger log, string account);

    [LoggerMessage(266, LogLevel.Warning, "{Leaf} - Replacing connection from same server")]
    public static partial void Replacing(ILogger log, string leaf);

    [LoggerMessage(268, LogLevel.Warning, "{Leaf} - {Text}")]
    public static partial void Warning(ILogger log, string leaf, string text);

    [LoggerMessage(267, LogLevel.Information, "{Leaf} - {Text}")]
    public static partial void Notice(ILogger log, string leaf, string text);
}
