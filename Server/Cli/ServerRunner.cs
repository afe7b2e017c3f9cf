using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Hosting.Logging;

namespace NatsAspire.Server.Cli;

/// <summary>Runs a server as a process: log, pid and ports files, signals, exit code.</summary>
internal sealed partial class ServerRunner : IDisposable
{
    private readonly ServerOptions _options;
    private readonly OptionsSource _source;
    private readonly NatsLoggerProvider _logs;
    private readonly ILogger _log;
    private readonly List<PosixSignalRegistration> _signals = [];
    private readonly TaskCompletionSource<NatsServer> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private NatsServer? _server;

    private ServerRunner(ServerOptions options, OptionsSource source, NatsLoggerProvider logs)
    {
        _source = source;
        _options = options;
        _logs = logs;
        _log = logs.CreateLogger("nats-server");
    }

    /// <summary>Runs until told to stop.</summary>
    /// <param name="options">What to do, already validated.</param>
    /// <param name="source">Where the options came from, to read them again.</param>
    /// <returns>0 after an orderly end, 1 when it could not start.</returns>
    public static async Task<int> RunAsync(ServerOptions options, OptionsSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var unsupported = UnsupportedOptions.Find(options);
        if (unsupported.Count > 0)
        {
            await Console.Error.WriteLineAsync($"nats-server: {string.Join('\n', unsupported)}");
            return 1;
        }
        NatsLoggerProvider logs;
        try
        {
            logs = new NatsLoggerProvider(options.Logging);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return 1;
        }
        // Before the first logger is made, so that it hears all of them.
        using var telemetry = ServerTelemetry.StartIfAsked(options, logs);
        using (logs)
        using (var runner = new ServerRunner(options, source, logs))
        {
            return await runner.RunAsync();
        }
    }

    public void Dispose()
    {
        foreach (var signal in _signals) signal.Dispose();
    }

    private async Task<int> RunAsync()
    {
        // Before the start: whoever reads "Server is ready" may send a signal at once.
        HandleSignals();
        try
        {
            var server = await NatsServer.StartAsync(_options, _logs);
            _server = server;
            if (_source.ConfigFile is not null) server.OptionsSource = () => _source.Load().Options;
            server.KeepsMeter = true;
            WriteFiles(_options);
            server.OnReloaded = MoveFiles;
            _started.SetResult(server);
        }
        catch (Exception error) when (error is SocketException or IOException or UnauthorizedAccessException or ConfigurationValueException)
        {
            Fatal(_log, error.Message);
            if (_server is not null) await _server.DisposeAsync();
            return 1;
        }
        await _server.Stopped;
        DeleteFiles(_server.Options);
        return 0;
    }

    private void HandleSignals()
    {
        OnServer(PosixSignal.SIGINT, "interrupt", server => server.DisposeAsync().AsTask());
        // Lame duck mode ends by itself; a second request does not cut it short.
        OnServer(PosixSignal.SIGTERM, "terminated", server => server.IsLameDuck ? Task.CompletedTask : server.DisposeAsync().AsTask());
        OnServer(PosixSignal.SIGHUP, "hangup", ReloadAsync);
        if (OperatingSystem.IsWindows()) return;
        On((PosixSignal)UserSignals.Reopen, "user defined signal 1", Reopen);
        OnServer((PosixSignal)UserSignals.LameDuck, "user defined signal 2", server => server.EnterLameDuckAsync());
    }

    private void On(PosixSignal signal, string name, Action action) => _signals.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        Trapped(_log, name);
        action();
    }));

    /// <summary>Acts on the server; a signal that comes during the start waits for its end.</summary>
    private void OnServer(PosixSignal signal, string name, Func<NatsServer, Task> action) =>
        On(signal, name, () => _ = _started.Task.ContinueWith(started => action(started.Result), TaskContinuationOptions.OnlyOnRanToCompletion));

    /// <summary>Reads the configuration again, with the flags over it; what is wrong with it is logged and changes nothing.</summary>
    private async Task ReloadAsync(NatsServer server)
    {
        try
        {
            await server.ReloadAsync();
        }
        catch (Exception error) when (error is ConfigException or CliException or ConfigurationValueException or IOException or UnauthorizedAccessException)
        {
            ReloadFailed(_log, error.Message);
        }
    }

    private void Reopen()
    {
        if ((_server?.Options ?? _options).Logging.LogFile is null)
        {
            NotReopened(_log);
            return;
        }
        _logs.Reopen();
        Reopened(_log);
    }

    private void WriteFiles(ServerOptions options)
    {
        if (options.PidFile is { } pidFile) File.WriteAllText(pidFile, Environment.ProcessId.ToString());
        if (options.PortsFileDirectory is { } directory) PortsFile.Write(directory, _server!);
    }

    /// <summary>A reload may name other files; those written before go.</summary>
    private void MoveFiles(ServerOptions before, ServerOptions after)
    {
        if ((before.PidFile, before.PortsFileDirectory) == (after.PidFile, after.PortsFileDirectory)) return;
        DeleteFiles(before);
        try
        {
            WriteFiles(after);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            CannotWrite(_log, error.Message);
        }
    }

    private void DeleteFiles(ServerOptions options)
    {
        try
        {
            if (options.PidFile is { } pidFile) File.Delete(pidFile);
            if (options.PortsFileDirectory is { } directory) File.Delete(PortsFile.PathIn(directory));
        }
        catch (IOException error)
        {
            CannotDelete(_log, error.Message);
        }
    }

    [LoggerMessage(300, LogLevel.Information, "Trapped \"{Signal}\" signal")]
    private static partial void Trapped(ILogger log, string signal);

    [LoggerMessage(301, LogLevel.Critical, "{Error}")]
    private static partial void Fatal(ILogger log, string error);

    [LoggerMessage(302, LogLevel.Information, "File log re-opened")]
    private static partial void Reopened(ILogger log);

    [LoggerMessage(303, LogLevel.Information, "File log re-open ignored, not a file logger")]
    private static partial void NotReopened(ILogger log);

    [LoggerMessage(304, LogLevel.Error, "Failed to reload server configuration: {Reason}")]
    private static partial void ReloadFailed(ILogger log, string reason);

    [LoggerMessage(306, LogLevel.Error, "Cannot write pid or ports file: {Error}")]
    private static partial void CannotWrite(ILogger log, string error);

    [LoggerMessage(305, LogLevel.Warning, "Cannot remove pid or ports file: {Error}")]
    private static partial void CannotDelete(ILogger log, string error);
}

/// <summary>Raw numbers of the two user signals, which .NET has no names for.</summary>
internal static class UserSignals
{
    public static int Reopen => OperatingSystem.IsMacOS() ? 30 : 10;

    public static int LameDuck => OperatingSystem.IsMacOS() ? 31 : 12;
}
