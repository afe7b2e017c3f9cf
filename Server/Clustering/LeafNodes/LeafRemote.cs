using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>A hub that this server is a leaf of: its addresses, and what is remembered between connections. Any thread.</summary>
internal sealed class LeafRemote : IDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private Uri[] _urls;
    private TimeSpan _delay;
    private volatile TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public LeafRemote(RemoteLeafOptions options)
    {
        Options = options;
        _urls = [.. options.Urls];
        if (!options.NoRandomize) Random.Shared.Shuffle(_urls);
        foreach (var url in _urls) Remember(url);
        Tls = TlsContext.Create(options.Tls ?? (NeedsTls ? new TlsOptions() : null));
    }

    public RemoteLeafOptions Options { get; }

    /// <summary>Name of the local account.</summary>
    public string Account => string.IsNullOrEmpty(Options.LocalAccount) ? Accounts.Account.GlobalName : Options.LocalAccount;

    /// <summary>Who it is, over reloads.</summary>
    public string Key => LeafNodeCheck.NameOf(Options, isRedacted: false);

    /// <summary>TLS towards the hub; null: none unless the hub wants it.</summary>
    public TlsContext? Tls { get; private set; }

    /// <summary>Cancelled when the remote is no longer configured.</summary>
    public CancellationToken Stopped => _stop.Token;

    /// <summary>The name expected in certificates of hubs that are dialled by number; null: none is known.</summary>
    public string? TlsName { get; set; }

    /// <summary>This server leads nothing of the account, since the hub cannot be reached. The dialler's.</summary>
    public bool HasMigrated { get; set; }

    /// <summary>Credentials for addresses that come without.</summary>
    public string UserInfo { get; private set; } = "";

    private bool NeedsTls => Options.Urls.Any(url => url.Scheme is "wss" or "tls");

    /// <summary>Completes when the connection that was opened last is closed.</summary>
    public Task Closed => _closed.Task;

    /// <summary>The hub wants TLS and nothing is configured.</summary>
    public TlsContext RequireTls() => Tls ??= TlsContext.Create(new TlsOptions())!;

    /// <summary>Where the hub is to be found, those first that are tried next.</summary>
    public IReadOnlyList<Uri> Addresses
    {
        get
        {
            lock (_lock) return [.. _urls];
        }
    }

    /// <summary>The next address, round and round.</summary>
    public Uri NextUrl()
    {
        lock (_lock)
        {
            var first = _urls[0];
            _urls = [.. _urls[1..], first];
            return first;
        }
    }

    /// <summary>The hub told where else it is to be found.</summary>
    public void Learn(ServerInfo info)
    {
        if (Options.IgnoreDiscoveredServers) return;
        var isWebSocket = Options.Urls.Count > 0 && LeafNodeCheck.IsWebSocket(Options.Urls[0]);
        var scheme = isWebSocket ? Tls is null ? "ws" : "wss" : "nats-leaf";
        var told = (isWebSocket ? info.WebSocketConnectUrls : info.LeafNodeUrls) ?? [];
        if (told.Count == 0) return;
        var fresh = told
            .Select(address => Uri.TryCreate($"{scheme}://{address}", UriKind.Absolute, out var url) ? url : null)
            .OfType<Uri>()
            .Where(url => !Options.Urls.Any(known => known.Host == url.Host && known.Port == url.Port))
            .ToArray();
        lock (_lock)
        {
            foreach (var url in fresh) Remember(url);
            // What is being used now stands last.
            _urls = [.. fresh, .. _urls.Where(url => Options.Urls.Contains(url))];
        }
    }

    /// <summary>The next attempt has to wait so long.</summary>
    public void Delay(TimeSpan delay)
    {
        lock (_lock) _delay = delay;
    }

    /// <summary>How long to wait before the next attempt; zero afterwards.</summary>
    public TimeSpan TakeDelay()
    {
        lock (_lock)
        {
            var delay = _delay;
            _delay = TimeSpan.Zero;
            return delay;
        }
    }

    /// <summary>Completes when the connection that was opened last has joined its account.</summary>
    public Task Joined => _joined.Task;

    /// <summary>Another connection is about to be opened.</summary>
    public void OnOpening()
    {
        _joined = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>The connection has joined its account.</summary>
    public void OnJoined() => _joined.TrySetResult();

    /// <summary>The connection is closed.</summary>
    public void OnClosed() => _closed.TrySetResult();

    public void Dispose() => _stop.Cancel();

    private void Remember(Uri url)
    {
        if (TlsName is null && url.HostNameType == UriHostNameType.Dns) TlsName = url.Host;
        if (UserInfo.Length == 0) UserInfo = url.UserInfo;
    }
}
