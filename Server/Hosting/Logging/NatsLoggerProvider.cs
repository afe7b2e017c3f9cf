using Microsoft.Extensions.Logging;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Hosting.Logging;

/// <summary>
/// The server's own log: lines in upstream's format, or JSON, to standard error, a file that rotates, or syslog.
/// A thread of its own writes them, so that a slow disk holds up nobody who logs. Other providers may listen too.
/// </summary>
public sealed class NatsLoggerProvider : ILoggerProvider, ILoggerFactory
{
    private readonly LogQueue _queue;
    private readonly TimeProvider _time;
    private volatile LoggingOptions _options;
    private volatile ILoggerProvider[] _others = [];

    /// <param name="options">Where lines go and which.</param>
    /// <param name="time">Clock of the time stamps; null: the system's.</param>
    /// <exception cref="IOException">The log file cannot be opened, or there is no syslog daemon.</exception>
    public NatsLoggerProvider(LoggingOptions options, TimeProvider? time = null)
    {
        _options = options;
        _time = time ?? TimeProvider.System;
        var formatter = CreateFormatter(options, _time);
        _queue = new LogQueue(formatter, CreateSink(options, formatter, _time));
    }

    public ILogger CreateLogger(string categoryName) =>
        new Logger(this, [.. _others.Select(other => other.CreateLogger(categoryName))]);

    /// <summary>Has another provider hear what loggers made from now on say. It is disposed with this one.</summary>
    public void AddProvider(ILoggerProvider provider) => _others = [.. _others, provider];

    /// <summary>Closes the file and opens it by its name again; lines logged before still go to the old one.</summary>
    public void Reopen() => _queue.Post(static sink => sink.Reopen());

    /// <summary>Takes other options from now on, for a reload: levels, format, and where lines go.</summary>
    /// <exception cref="IOException">The log file cannot be opened, or there is no syslog daemon; nothing has changed.</exception>
    public void Apply(LoggingOptions options)
    {
        var current = _options;
        if (Target(options) != Target(current))
        {
            var formatter = CreateFormatter(options, _time);
            _queue.Replace(formatter, CreateSink(options, formatter, _time));
        }
        _options = options;
    }

    /// <summary>Writes what waits, for two seconds at most, and closes.</summary>
    public void Dispose()
    {
        _queue.Dispose();
        foreach (var other in _others) other.Dispose();
    }

    private static ILogFormatter CreateFormatter(LoggingOptions options, TimeProvider time)
    {
        var stamps = options.LogTime ? time : null;
        if (options.LogFile is null && options.RemoteSyslog is { } remote)
        {
            var isLocal = SyslogAddress.Parse(remote).Network == "unix";
            return new SyslogFormatter(time, ProgramName(), isLocal ? null : Environment.MachineName, facility: 0);
        }
        if (options.LogFile is null && options.Syslog) return new SyslogFormatter(time, ProgramName(), null, SyslogFormatter.Daemon);
        if (options.Format == LogFormat.Json) return new JsonLogFormatter(stamps, options.LogTimeUtc);
        return new TextLogFormatter(stamps, options.LogTimeUtc, colors: options.LogFile is null && !Console.IsErrorRedirected);
    }

    private static ILogSink CreateSink(LoggingOptions options, ILogFormatter formatter, TimeProvider time)
    {
        if (options.LogFile is { } file) return new FileLogSink(file, options.LogFileSizeLimit, options.LogFileMaxFiles, formatter, time);
        if (options.RemoteSyslog is { } remote) return new SyslogSink(SyslogAddress.Parse(remote));
        return options.Syslog ? new SyslogSink(SyslogAddress.Local) : new ErrorStreamLogSink();
    }

    /// <summary>The part of the options that a new sink or formatter is made for.</summary>
    private static LoggingOptions Target(LoggingOptions options) => new()
    {
        LogFile = options.LogFile,
        LogFileSizeLimit = options.LogFileSizeLimit,
        LogFileMaxFiles = options.LogFileMaxFiles,
        Format = options.Format,
        LogTime = options.LogTime,
        LogTimeUtc = options.LogTimeUtc,
        Syslog = options.Syslog,
        RemoteSyslog = options.RemoteSyslog,
    };

    /// <summary>What syslog lines call this program: the name it was started by.</summary>
    private static string ProgramName() =>
        Path.GetFileNameWithoutExtension(Environment.GetCommandLineArgs() is [{ Length: > 0 } name, ..] ? name : "nats-server");

    private bool IsEnabled(LogLevel level) => level switch
    {
        LogLevel.Trace => _options.Trace,
        LogLevel.Debug => _options.Debug,
        LogLevel.None => false,
        _ => true,
    };

    private sealed class Logger(NatsLoggerProvider owner, ILogger[] others) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => owner.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            owner._queue.Add(new LogEntry(
                logLevel, eventId, formatter(state, exception), exception, state as IReadOnlyList<KeyValuePair<string, object?>>));
            foreach (var other in others) other.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}
