using Microsoft.Extensions.Logging;
using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;

namespace NatsAspire.Hosting;

/// <summary>A server in this process.</summary>
/// <param name="name">Its name.</param>
/// <param name="configuration">Text of its nats.conf.</param>
/// <param name="log">Told what it logs.</param>
internal sealed class InProcessTestServer(string name, string configuration, IRunnerLog log) : ITestServer
{
    private NatsServer? _server;

    public bool IsRunning => _server is not null;

    public async Task StartAsync(CancellationToken cancellation)
    {
        using var loggers = new Loggers(name, log);
        _server ??= await NatsServer.StartAsync(ConfigLoader.LoadText(configuration, CommandLine.Checks).Options, loggers, cancellation);
    }

    public async Task StopAsync()
    {
        if (_server is not { } server) return;
        _server = null;
        await server.DisposeAsync();
    }

    // Who cuts its links before lets it seem so to the others.
    public Task KillAsync() => StopAsync();

    public void Signal(int signal) => throw new NotSupportedException($"{name} runs in this process; only processes can be paused: AsProcesses().");

    public async ValueTask DisposeAsync() => await StopAsync();

    /// <summary>Writes lines as the server's text log has them, without time and process.</summary>
    private sealed class Loggers(string name, IRunnerLog log) : ILoggerFactory, ILogger
    {
        public void AddProvider(ILoggerProvider provider)
        {
            // There is one, this.
        }

        public ILogger CreateLogger(string categoryName) => this;

        public void Dispose()
        {
            // Nothing is held.
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Information and < LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            var level = logLevel switch { LogLevel.Information => "INF", LogLevel.Warning => "WRN", LogLevel.Error => "ERR", _ => "FTL" };
            log.ServerLine(name, $"[{level}] {formatter(state, exception)}");
        }
    }
}
