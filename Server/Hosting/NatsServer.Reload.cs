using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting.Logging;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Hosting;

/// <summary>Other options for a running server: built and validated whole, then swapped.</summary>
public sealed partial class NatsServer
{
    private readonly SemaphoreSlim _reloading = new(1, 1);

    /// <summary>Reads the options anew, for a reload that is asked for from outside; null: they cannot be.</summary>
    public Func<ServerOptions>? OptionsSource { get; set; }

    /// <summary>Told of the options before and after a reload, in its turn; null: nobody.</summary>
    internal Action<ServerOptions, ServerOptions>? OnReloaded { get; set; }

    /// <summary>When the options in force were taken.</summary>
    public DateTimeOffset OptionsLoadedAt { get; private set; } = TimeProvider.System.GetUtcNow();

    /// <summary>
    /// Takes other options. Connections go on under them: those that lost their right to be here are closed, the
    /// others get their new permissions and limits.
    /// </summary>
    /// <param name="options">All options, not only what changes.</param>
    /// <exception cref="ConfigurationValueException">
    /// Options that cannot be, a change that needs a restart, or a log that cannot be opened; nothing has changed then.
    /// </exception>
    public async Task ReloadAsync(ServerOptions options)
    {
        await _reloading.WaitAsync().ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            Reload(options);
        }
        finally
        {
            _reloading.Release();
        }
    }

    /// <summary>Reads the options from where they came and takes them.</summary>
    /// <exception cref="ConfigurationValueException">Nobody can read them again, or they cannot be taken.</exception>
    /// <exception cref="ConfigException">They cannot be read.</exception>
    public Task ReloadAsync() => OptionsSource is { } read
        ? ReloadAsync(read())
        : throw new ConfigurationValueException("can only reload config when a file is provided using -c or --config");

    private void Reload(ServerOptions fresh)
    {
        var current = Options;
        OptionsValidator.Validate(fresh);
        if (UnsupportedOptions.Find(fresh) is { Count: > 0 } unsupported) throw new ConfigurationValueException(string.Join('\n', unsupported));
        if (ReloadCheck.FindError(current, fresh) is { } error) throw new ConfigurationValueException(error);
        // All that can fail comes first, into objects nobody uses yet.
        var settings = new ClientSettings(fresh, new Authenticator(fresh), TlsContext.Create(fresh.Tls));
        var routeTls = CreateRouteTls(fresh);
        var leafTls = TlsContext.Create(fresh.LeafNode.Tls);
        _ = new AccountRegistry(fresh, Name, ClusterName, tracksInterest: false);
        ApplyLogging(fresh.Logging);
        _options = fresh;
        _routeTls = routeTls;
        _leafTls = leafTls;
        OptionsLoadedAt = TimeProvider.System.GetUtcNow();
        Accounts.Configure(fresh);
        ReloadJetStream(fresh);
        _clients.UpdateSettings(settings);
        _clientUrls = null;
        _clients.UpdateInfo(WithOptions);
        _clients.Reload();
        _system?.TrackLimits();
        _routes?.Reload(current.Cluster);
        _leafs?.Reload();
        _gateways?.Reload();
        if (fresh.Cluster.Tls is { Insecure: true } && current.Cluster.Tls is not { Insecure: true }) ServerLog.RoutesAreNotVerified(_log);
        foreach (var change in ReloadReport.Describe(current, fresh)) ServerLog.ReloadedOption(_log, change);
        ServerLog.Reloaded(_log, fresh.ConfigDigest is { } digest ? $"({digest})" : "");
        OnReloaded?.Invoke(current, fresh);
    }

    private void ApplyLogging(LoggingOptions options)
    {
        try
        {
            (_loggers as NatsLoggerProvider)?.Apply(options);
        }
        catch (IOException error)
        {
            throw new ConfigurationValueException(error.Message);
        }
    }

    /// <summary>Servers always show each other certificates.</summary>
    private static TlsContext? CreateRouteTls(ServerOptions options) =>
        TlsContext.Create(options.Cluster.Tls is { } tls ? tls with { Verify = true } : null);

    /// <summary>INFO with what the options say.</summary>
    private ServerInfo WithOptions(ServerInfo info) => info with
    {
        AuthRequired = _clients.Authenticator.IsRequired,
        TlsRequired = Options.Tls is not null && !Options.AllowNonTls,
        TlsVerify = Options.Tls is { Verify: true },
        TlsAvailable = Options.Tls is not null && Options.AllowNonTls,
        MaxPayload = Options.Limits.MaxPayload,
        Host = AdvertisedHost,
        Port = AdvertisedPort(ClientEndPoint?.Port ?? Options.Port),
    };
}
