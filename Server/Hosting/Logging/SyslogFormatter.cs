using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Hosting.Logging;

/// <summary>
/// RFC 3164 lines as Go's log/syslog writes them. To a daemon of this machine
/// <c>&lt;29&gt;Nov 21 02:44:24 tag[pid]: text</c>, to a remote one
/// <c>&lt;5&gt;2026-11-21T02:44:24Z host tag[pid]: text</c>. Levels as upstream maps them: notices and traces are
/// notice, a fatal error is critical.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="tag">Name of the program.</param>
/// <param name="hostName">Name of this machine for a remote daemon; null: the daemon is local.</param>
/// <param name="facility">Facility number: 3 daemon, 0 kernel.</param>
internal sealed class SyslogFormatter(TimeProvider time, string tag, string? hostName, int facility) : ILogFormatter
{
    /// <summary>Facility of a local syslog; upstream's remote one has none, which is 0.</summary>
    public const int Daemon = 3;

    public byte[] Format(in LogEntry entry)
    {
        var line = new StringBuilder(entry.Text.Length + 96);
        line.Append('<').Append((facility << 3) | Severity(entry.Level)).Append('>');
        var now = time.GetLocalNow();
        if (hostName is null) line.Append(CultureInfo.InvariantCulture, $"{now:MMM} {now.Day,2} {now:HH:mm:ss} ");
        else line.Append(now.Offset == TimeSpan.Zero ? Rfc3339(now, "'Z'") : Rfc3339(now, "zzz")).Append(' ').Append(hostName).Append(' ');
        line.Append(tag).Append('[').Append(Environment.ProcessId).Append("]: ");
        TextLogFormatter.AppendOneLine(line, entry.Text);
        if (entry.Exception is not null) TextLogFormatter.AppendOneLine(line.Append(": "), entry.Exception.ToString());
        return Encoding.UTF8.GetBytes(line.Append('\n').ToString());
    }

    private static string Rfc3339(DateTimeOffset now, string zone) =>
        now.ToString("yyyy'-'MM'-'dd'T'HH':'mm':'ss" + zone, CultureInfo.InvariantCulture);

    private static int Severity(LogLevel level) => level switch
    {
        LogLevel.Critical => 2,
        LogLevel.Error => 3,
        LogLevel.Warning => 4,
        LogLevel.Debug => 7,
        _ => 5,
    };
}
