using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Hosting;

/// <summary>Starts a server with the host and stops it with the host.</summary>
internal sealed class HostedNatsServer(
    HostedOptionsSource source, IOptionsMonitor<NatsServerHostOptions> hosting, ILoggerFactory loggers)
    : IHostedService, IAsyncDisposable, IDisposable
{
    private readonly ILogger _log = loggers.CreateLogger("nats-server");
    private readonly SemaphoreSlim _reloading = new(1, 1);
    private IDisposable? _watch;
    private volatile NatsServer? _server;

    /// <summary>The server, while it runs; null before and when it could not start.</summary>
    public NatsServer? Running => _server;

    /// <summary>The server.</summary>
    /// <exception cref="InvalidOperationException">The host has not started it yet.</exception>
    public NatsServer Server => _server ?? throw new InvalidOperationException(
        "The NATS server is not started: it starts with the host. Ask for it after the host's start, or from a hosted service that was added after it.");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _server = await NatsServer.StartAsync(source.Read(), loggers, cancellationToken).ConfigureAwait(false);
        _watch = hosting.OnChange(changed =>
        {
            if (changed.ReloadOnChange) _ = ReloadAsync();
        });
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _watch?.Dispose();
        if (_server is not { } server) return;
        if (hosting.CurrentValue.LameDuckOnStop)
        {
            try
            {
                await server.EnterLameDuckAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                EmbeddingLog.LameDuckCutShort(_log);
            }
        }
        await server.DisposeAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _watch?.Dispose();
        if (_server is { } server) await server.DisposeAsync().ConfigureAwait(false);
        _reloading.Dispose();
    }

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>Puts the host's changed configuration into effect; what is wrong with it is logged, and nothing changes.</summary>
    private async Task ReloadAsync()
    {
        await _reloading.WaitAsync().ConfigureAwait(false);
        try
        {
            var changed = source.Read();
            if (_server is { } server) await ApplyAsync(server, changed).ConfigureAwait(false);
        }
        catch (Exception error) when (error is ConfigException or ConfigurationValueException or IOException)
        {
            EmbeddingLog.ReloadFailed(_log, error.Message);
        }
        finally
        {
            _reloading.Release();
        }
    }

    /// <summary>The one place where a hosted server takes other options while it runs.</summary>
    private static Task ApplyAsync(NatsServer server, ServerOptions changed) => server.ReloadAsync(changed);
}
