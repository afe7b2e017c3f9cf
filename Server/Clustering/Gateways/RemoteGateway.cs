using System.Text;
using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>Another cluster: where it is, and the connection to it. Guarded by its own lock.</summary>
internal sealed class RemoteGateway
{
    /// <summary>Addresses remembered of one cluster; what is gossiped beyond is left out.</summary>
    private const int MostAddresses = 256;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Uri> _urls = [];
    private readonly IReadOnlyList<Uri> _configured;
    private string? _tlsName;

    /// <param name="name">The cluster's name.</param>
    /// <param name="configured">Configured addresses; empty: it was learned of.</param>
    /// <param name="isImplicit">It was learned of.</param>
    /// <param name="tls">Null: none.</param>
    public RemoteGateway(string name, IReadOnlyList<Uri> configured, bool isImplicit, TlsContext? tls)
    {
        Name = name;
        IsImplicit = isImplicit;
        Tls = tls;
        _configured = configured;
        Hash = Encoding.ASCII.GetBytes(NodeHash.Of(name, RoutedReply.HashLength));
        OldHash = Encoding.ASCII.GetBytes(RoutedReply.OldHash(name));
        foreach (var url in configured) Remember(url);
    }

    public string Name { get; }

    /// <summary>Learned of, not configured.</summary>
    public bool IsImplicit { get; }

    /// <summary>The cluster in routed reply subjects.</summary>
    public byte[] Hash { get; }

    /// <summary>The same in their old form.</summary>
    public byte[] OldHash { get; }

    public TlsContext? Tls { get; set; }

    /// <summary>The registered connection; null: none. Under the manager's lock.</summary>
    public GatewayConnection? Outbound { get; set; }

    /// <summary>Connections made to it so far.</summary>
    public int Attempts { get; set; }

    /// <summary>host:port, as they are gossiped.</summary>
    public IReadOnlyList<string> Addresses
    {
        get
        {
            lock (_lock) return [.. _urls.Keys];
        }
    }

    /// <summary>Where it may be dialled, in an order of chance.</summary>
    public Uri[] ShuffledUrls()
    {
        Uri[] urls;
        lock (_lock) urls = [.. _urls.Values];
        Random.Shared.Shuffle(urls);
        return urls;
    }

    /// <summary>The cluster tells its addresses: these and the configured ones are all there are.</summary>
    public void Update(IReadOnlyList<string> addresses)
    {
        lock (_lock)
        {
            _urls.Clear();
            foreach (var url in _configured) Remember(url);
            AddNew(addresses);
        }
    }

    /// <summary>Somebody tells of more addresses.</summary>
    public void Add(IReadOnlyList<string>? addresses)
    {
        lock (_lock) AddNew(addresses ?? []);
    }

    /// <summary>The name its certificate must have where it is dialled by number; null: the number.</summary>
    public string NameFor(Uri url)
    {
        lock (_lock) return url.HostNameType == UriHostNameType.Dns || _tlsName is null ? url.Host : _tlsName;
    }

    /// <summary>The name did not fit.</summary>
    public void ForgetTlsName()
    {
        lock (_lock) _tlsName = null;
    }

    private void AddNew(IReadOnlyList<string> addresses)
    {
        foreach (var address in addresses)
        {
            if (_urls.Count >= MostAddresses) return;
            if (!_urls.ContainsKey(address) && Uri.TryCreate($"nats://{address}", UriKind.Absolute, out var url) && url.Port > 0) Remember(url);
        }
    }

    private void Remember(Uri url)
    {
        _urls[new HostAndPort(url.Host.Trim('[', ']'), url.Port).ToString()] = url;
        if (url.HostNameType == UriHostNameType.Dns) _tlsName ??= url.Host;
    }
}
