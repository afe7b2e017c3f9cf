using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Cli;

/// <summary>What flags say about logging.</summary>
public sealed record LoggingOverrides
{
    public bool? Debug { get; init; }

    public bool? Trace { get; init; }

    public bool? TraceVerbose { get; init; }

    public bool? LogTime { get; init; }

    public bool? LogTimeUtc { get; init; }

    public string? LogFile { get; init; }

    /// <summary>Bytes; 0: no limit.</summary>
    public long? LogFileSizeLimit { get; init; }

    public bool? Syslog { get; init; }

    public string? RemoteSyslog { get; init; }

    /// <summary>Bytes; 0: all.</summary>
    public int? MaxTracedMessageLength { get; init; }

    public LoggingOptions ApplyTo(LoggingOptions logging) => logging with
    {
        Debug = Debug ?? logging.Debug,
        Trace = Trace ?? logging.Trace,
        TraceVerbose = TraceVerbose ?? logging.TraceVerbose,
        LogTime = LogTime ?? logging.LogTime,
        LogTimeUtc = LogTimeUtc ?? logging.LogTimeUtc,
        LogFile = LogFile ?? logging.LogFile,
        LogFileSizeLimit = LogFileSizeLimit ?? logging.LogFileSizeLimit,
        Syslog = Syslog ?? logging.Syslog,
        RemoteSyslog = RemoteSyslog ?? logging.RemoteSyslog,
        MaxTracedMessageLength = MaxTracedMessageLength ?? logging.MaxTracedMessageLength,
    };
}
