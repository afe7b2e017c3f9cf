using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Clients;

/// <summary>
/// What the client connections of one server share: options, accounts, who is connected, the INFO they get.
/// </summary>
public sealed class ClientHub
{
    private readonly ConcurrentDictionary<ulong, ClientConnection> _clients = new();
    private readonly Lock _infoLock = new();
    private volatile ServerInfo _info;
    private volatile ClientSettings _settings;
    private TrafficCounters _closed;
    private long _total;
    private long _slowConsumers;
    private long _staleConnections;
    private long _stalls;

    public ClientHub(ClientSettings settings, AccountRegistry accounts, ServerInfo info, ILogger log)
    {
        _settings = settings;
        Accounts = accounts;
        _info = info;
        Log = log;
        Closed = new ClosedClients(settings.Options.Limits.MaxClosedClients);
    }

    /// <summary>What new connections go by.</summary>
    public ClientSettings Settings => _settings;

    public ServerOptions Options => _settings.Options;

    public AccountRegistry Accounts { get; }

    public Authenticator Authenticator => _settings.Authenticator;

    public ILogger Log { get; }

    /// <summary>Keeps what many clients are told from being logged for each of them.</summary>
    internal RepeatedTexts Repeated { get; } = new(TimeProvider.System);

    /// <summary>INFO without what is particular to one client.</summary>
    public ServerInfo Info => _info;

    /// <summary>Address of the WebSocket listener, for the INFO of its clients.</summary>
    public HostAndPort WebSocketAddress { get; set; }

    /// <summary>Names of the other clusters, the nearest first.</summary>
    public Func<IReadOnlyList<string>> OtherClusters { get; set; } = static () => [];

    /// <summary>Clients connected now.</summary>
    public int Count => _clients.Count;

    /// <summary>Clients ever accepted.</summary>
    public long Total => Volatile.Read(ref _total);

    public long SlowConsumers => Volatile.Read(ref _slowConsumers);

    /// <summary>Clients closed because they did not answer PING.</summary>
    public long StaleConnections => Volatile.Read(ref _staleConnections);

    /// <summary>Times a publisher was made to wait for a slow consumer.</summary>
    public long Stalls => Volatile.Read(ref _stalls);

    /// <summary>The clients closed last.</summary>
    public ClosedClients Closed { get; }

    public IEnumerable<ClientConnection> Clients => _clients.Values;

    /// <summary>Messages and bytes of all clients, gone ones included.</summary>
    public TrafficCounters Traffic
    {
        get
        {
            lock (_infoLock)
            {
                var sum = _closed;
                foreach (var client in _clients.Values) sum += client.Traffic;
                return sum;
            }
        }
    }

    /// <summary>Counts a client in.</summary>
    /// <returns>False when max_connections is reached.</returns>
    internal bool TryRegister(ClientConnection client)
    {
        Interlocked.Increment(ref _total);
        _clients[client.Id] = client;
        var limit = Options.Limits.MaxConnections;
        return _clients.Count <= limit;
    }

    internal void Unregister(ClientConnection client)
    {
        lock (_infoLock)
        {
            if (_clients.TryRemove(client.Id, out _)) _closed += client.Traffic;
        }
    }

    /// <summary>The client of that id, if it is connected.</summary>
    public ClientConnection? Find(ulong id) => _clients.GetValueOrDefault(id);

    internal void CountSlowConsumer(Account? account)
    {
        Interlocked.Increment(ref _slowConsumers);
        account?.Figures.CountSlowConsumer();
    }

    internal void CountStaleConnection() => Interlocked.Increment(ref _staleConnections);

    internal void CountStall() => Interlocked.Increment(ref _stalls);

    /// <summary>Changes INFO and sends it to every client that understands an INFO out of turn.</summary>
    public void UpdateInfo(Func<ServerInfo, ServerInfo> change)
    {
        lock (_infoLock) _info = change(_info);
        foreach (var client in _clients.Values) client.SendInfoUpdate();
    }

    /// <summary>Has new connections go by other settings.</summary>
    public void UpdateSettings(ClientSettings settings) => _settings = settings;

    /// <summary>Has every client go by the current settings; those above max_connections are closed, the newest first.</summary>
    public void Reload()
    {
        foreach (var client in _clients.Values) client.Reload();
        var limit = Options.Limits.MaxConnections;
        foreach (var client in _clients.Values.OrderBy(client => client.Id).Skip(Math.Max(0, limit))) client.CloseAsExcess();
    }

    /// <summary>Told of clients that come and go; null: nobody.</summary>
    public IClientEvents? Events { get; set; }

    /// <summary>Closes every client.</summary>
    public void CloseAll(CloseReason reason)
    {
        foreach (var client in _clients.Values) client.Close(reason);
    }
}

/// <summary>What client connections go by; a reload swaps it whole.</summary>
/// <param name="Options">The server's options.</param>
/// <param name="Authenticator">Who may connect as what.</param>
/// <param name="Tls">TLS of the client listener; null: none.</param>
public sealed record ClientSettings(ServerOptions Options, Authenticator Authenticator, TlsContext? Tls)
{
    /// <summary>What clients of the WebSocket listener go by; null: there is none.</summary>
    public WebSocketSettings? WebSocket { get; } = WebSocketSettings.Create(Options);
}
