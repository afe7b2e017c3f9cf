namespace NatsAspire.Server.Configuration;

/// <summary>Where log lines go and which are written.</summary>
public sealed record LoggingOptions
{
    public string? LogFile { get; init; }

    public long LogFileSizeLimit { get; init; }

    public int LogFileMaxFiles { get; init; }

    public bool Debug { get; init; }

    public bool Trace { get; init; }

    /// <summary>Traces the system account too (-VV).</summary>
    public bool TraceVerbose { get; init; }

    public bool TraceHeaders { get; init; }

    /// <summary>Time stamps in front of each line.</summary>
    public bool LogTime { get; init; } = true;

    public bool LogTimeUtc { get; init; }

    public bool Syslog { get; init; }

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
