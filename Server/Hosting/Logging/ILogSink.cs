using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Hosting.Logging;

/// <summary>Where log lines end. Used by the queue's one writer thread only; may block it.</summary>
internal interface ILogSink : IDisposable
{
    /// <summary>Writes one line, its line feed included.</summary>
    /// <exception cref="IOException">It cannot be written now; later ones may be.</exception>
    void Write(ReadOnlySpan<byte> line);

    /// <summary>Opens what it writes to anew, under the same name.</summary>
    /// <exception cref="IOException">It cannot be opened; what was open stays in use.</exception>
    void Reopen();
}

/// <summary>What a log line is made of.</summary>
/// <param name="Level">How grave it is.</param>
/// <param name="Event">Its number and name.</param>
/// <param name="Text">The message, its values filled in.</param>
/// <param name="Exception">What caused it; null: nothing.</param>
/// <param name="Values">The message's values by name; null: none known.</param>
internal readonly record struct LogEntry(
    LogLevel Level, EventId Event, string Text, Exception? Exception = null, IReadOnlyList<KeyValuePair<string, object?>>? Values = null);

/// <summary>Makes the bytes of a line. Called on the thread that logs, so that the time is that of the event.</summary>
internal interface ILogFormatter
{
    byte[] Format(in LogEntry entry);
}
