namespace NatsAspire.Server.Configuration;

/// <summary>How a log line is written.</summary>
public enum LogFormat
{
    /// <summary><c>[pid] 2026/11/21 02:44:24.123456 [INF] text</c>, upstream's.</summary>
    Text,

    /// <summary>One JSON object a line: time, level, pid, event, message, and the message's values by name.</summary>
    Json,
}

/// <summary>Where log lines go and which are written. A file comes before a remote syslog, that before the local one.</summary>
public sealed record LoggingOptions
{
    public string? LogFile { get; init; }

    /// <summary>Bytes after which the file is renamed and a new one begun; 0: never.</summary>
    public long LogFileSizeLimit { get; init; }

    /// <summary>Log files kept, the current one counted; 0: all.</summary>
    public int LogFileMaxFiles { get; init; }

    /// <summary>Form of the lines on standard error and in files; syslog lines have syslog's own.</summary>
    public LogFormat Format { get; init; }

    public bool Debug { get; init; }

    public bool Trace { get; init; }

    /// <summary>Traces the system account too (-VV).</summary>
    public bool TraceVerbose { get; init; }

    /// <summary>Trace lines show the headers of a message and not its payload.</summary>
    public bool TraceHeaders { get; init; }

    /// <summary>Time stamps in front of each line.</summary>
    public bool LogTime { get; init; } = true;

    public bool LogTimeUtc { get; init; }

    /// <summary>To the machine's syslog daemon.</summary>
    public bool Syslog { get; init; }

    /// <summary><c>udp://host:port</c>, <c>tcp://host:port</c> or <c>unix:///path</c> of a syslog daemon; null: none.</summary>
    public string? RemoteSyslog { get; init; }

    /// <summary>Bytes of payload a trace line shows; 0: all.</summary>
    public int MaxTracedMessageLength { get; init; }

    /// <summary>Log every n-th failing connection attempt after the first.</summary>
    public int ConnectErrorReports { get; init; } = 3600;

    /// <summary>Log every n-th failing reconnect attempt after the first.</summary>
    public int ReconnectErrorReports { get; init; } = 1;
}

/// <summary>The HTTP monitoring listener.</summary>
public sealed record MonitoringOptions
{
    /// <summary>Address it binds to; null: that of the client listener.</summary>
    public string? Host { get; init; }

    /// <summary>0: no listener, -1: a free port.</summary>
    public int HttpPort { get; init; }

    public int HttpsPort { get; init; }

    /// <summary>Prefix of every monitoring path.</summary>
    public string BasePath { get; init; } = "";

    public int ProfilePort { get; init; }

    /// <summary>Nanoseconds of blocking per profile sample; 0: off.</summary>
    public int ProfileBlockRate { get; init; }
}
