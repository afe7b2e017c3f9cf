using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Hosting.Logging;

/// <summary>Upstream's format: <c>[pid] 2026/11/21 02:44:24.123456 [INF] text</c>.</summary>
/// <param name="time">Where the time stamps come from; null: lines have none.</param>
/// <param name="utc">Time stamps are in UTC, else local.</param>
/// <param name="colors">Labels are coloured, for a terminal.</param>
internal sealed class TextLogFormatter(TimeProvider? time, bool utc, bool colors) : ILogFormatter
{
    private readonly string _prefix = $"[{Environment.ProcessId}] ";

    public byte[] Format(in LogEntry entry)
    {
        var line = new StringBuilder(_prefix, entry.Text.Length + 64);
        if (time is not null)
        {
            var now = utc ? time.GetUtcNow() : time.GetLocalNow();
            line.Append(now.ToString("yyyy'/'MM'/'dd HH':'mm':'ss'.'ffffff ", CultureInfo.InvariantCulture));
        }
        line.Append(colors ? ColoredLabel(entry.Level) : Label(entry.Level));
        AppendOneLine(line, entry.Text);
        if (entry.Exception is not null) line.Append(": ").Append(entry.Exception);
        return Encoding.UTF8.GetBytes(line.Append('\n').ToString());
    }

    /// <summary>Appends a text that peers may have had a hand in: it must not end the line and begin one of its own.</summary>
    internal static void AppendOneLine(StringBuilder line, string text)
    {
        foreach (var character in text)
        {
            if (character is >= ' ' and not '\u007f' or '\t') line.Append(character);
            else if (character == '\n') line.Append("\\n");
            else if (character == '\r') line.Append("\\r");
            else line.Append(CultureInfo.InvariantCulture, $"\\x{(int)character:x2}");
        }
    }

    private static string Label(LogLevel level) => level switch
    {
        LogLevel.Trace => "[TRC] ",
        LogLevel.Debug => "[DBG] ",
        LogLevel.Warning => "[WRN] ",
        LogLevel.Error => "[ERR] ",
        LogLevel.Critical => "[FTL] ",
        _ => "[INF] ",
    };

    private static string ColoredLabel(LogLevel level) => level switch
    {
        LogLevel.Trace => "[\u001b[33mTRC\u001b[0m] ",
        LogLevel.Debug => "[\u001b[36mDBG\u001b[0m] ",
        LogLevel.Warning => "[\u001b[0;93mWRN\u001b[0m] ",
        LogLevel.Error => "[\u001b[31mERR\u001b[0m] ",
        LogLevel.Critical => "[\u001b[31mFTL\u001b[0m] ",
        _ => "[\u001b[32mINF\u001b[0m] ",
    };
}
