using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Hosting.Logging;

/// <summary>
/// Log lines in upstream's format: <c>[pid] 2026/11/21 02:44:24.123456 [INF] text</c>, to standard error or a
/// file, which is opened anew on request so that it can be moved away.
/// </summary>
public sealed class NatsLoggerProvider : ILoggerProvider, ILoggerFactory
{
    private readonly LoggingOptions _options;
    private readonly Lock _lock = new();
    private readonly string _prefix = $"[{Environment.ProcessId}] ";
    private Stream _output;
    private bool _disposed;

    /// <exception cref="IOException">The log file cannot be opened.</exception>
    public NatsLoggerProvider(LoggingOptions options)
    {
        _options = options;
        _output = Open();
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this);

    public void AddProvider(ILoggerProvider provider) =>
        throw new NotSupportedException("The server's log has one writer; use an ILoggerFactory of your own for others.");

    /// <summary>Closes the file and opens it by its name again.</summary>
    public void Reopen()
    {
        if (_options.LogFile is null) return;
        lock (_lock)
        {
            _output.Dispose();
            _output = Open();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            if (_options.LogFile is not null) _output.Dispose();
        }
    }

    private Stream Open() => _options.LogFile is { } file
        ? new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0)
        : Console.OpenStandardError();

    private bool IsEnabled(LogLevel level) => level switch
    {
        LogLevel.Trace => _options.Trace,
        LogLevel.Debug => _options.Debug,
        _ => true,
    };

    private void Write(LogLevel level, string text)
    {
        var line = new StringBuilder(_prefix, text.Length + 64);
        if (_options.LogTime)
        {
            var now = _options.LogTimeUtc ? TimeProvider.System.GetUtcNow() : TimeProvider.System.GetLocalNow();
            line.Append(now.ToString("yyyy'/'MM'/'dd HH':'mm':'ss'.'ffffff ", CultureInfo.InvariantCulture));
        }
        line.Append(Label(level)).Append(text).Append('\n');
        var bytes = Encoding.UTF8.GetBytes(line.ToString());
        lock (_lock)
        {
            if (!_disposed) _output.Write(bytes);
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

    private sealed class Logger(NatsLoggerProvider owner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => owner.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            var text = formatter(state, exception);
            owner.Write(logLevel, exception is null ? text : $"{text}: {exception}");
        }
    }
}
