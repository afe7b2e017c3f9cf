using System.Collections.Concurrent;
using System.Net;

namespace NatsAspire.Hosting;

/// <summary>
/// A proxy in front of every port that servers reach each other by, which is also the address they tell of themselves: so
/// nothing goes from one to another that is not seen here, and each pair can be cut apart from all others.
/// </summary>
internal sealed class ServerLinks : IAsyncDisposable
{
    private readonly List<InterposingProxy> _proxies = [];
    private readonly Dictionary<string, ServerPorts> _ports = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<IdentifiedLink, byte> _links = new();

    /// <summary>Cut pairs, names in order; true: silently. A pair of a server with itself: it is cut off from all.</summary>
    private readonly Dictionary<(string, string), bool> _cuts = [];
    private readonly Lock _lock = new();

    public ServerLinks(NatsTopology topology)
    {
        foreach (var server in topology.Servers)
        {
            var (cluster, ports) = (server.Cluster, server.Ports);
            _ports[server.Name] = ports with
            {
                Route = cluster.Size > 1 ? Stand(server.Name, ports.Route) : ports.Route,
                Gateway = cluster.Gateways.Count > 0 ? Stand(server.Name, ports.Gateway) : ports.Gateway,
                Leaf = cluster.HasLeafNodes ? Stand(server.Name, ports.Leaf) : ports.Leaf,
            };
        }
    }

    /// <summary>Cut pairs as a sentence has them; empty: none.</summary>
    public IReadOnlyList<string> Cuts
    {
        get
        {
            lock (_lock) return [.. _cuts.Keys.Select(pair => pair.Item1 == pair.Item2 ? $"{pair.Item1} is down" : $"{pair.Item1} from {pair.Item2}")];
        }
    }

    /// <summary>Where others reach a server.</summary>
    public ServerPorts PortsOf(string server) => _ports[server];

    /// <summary>Whether two servers are cut apart.</summary>
    public bool IsCut(string one, string other)
    {
        lock (_lock) return CutOf(one, other) is not null;
    }

    /// <summary>Cuts two servers apart; the same name twice: one from all others.</summary>
    /// <param name="silently">Nothing passes, but no connection ends; what was sent passes after <see cref="Heal"/>.</param>
    public void Cut(string one, string other, bool silently)
    {
        lock (_lock) _cuts[Pair(one, other)] = silently;
        foreach (var link in _links.Keys) Apply(link);
    }

    /// <summary>Joins two servers again; the same name twice: one to all others.</summary>
    public void Heal(string one, string other)
    {
        lock (_lock) _cuts.Remove(Pair(one, other));
        foreach (var link in _links.Keys) Apply(link);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in _proxies) await proxy.DisposeAsync();
    }

    private static (string, string) Pair(string one, string other) => string.CompareOrdinal(one, other) <= 0 ? (one, other) : (other, one);

    private int Stand(string server, int port)
    {
        var proxy = InterposingProxy.Start(new IPEndPoint(IPAddress.Loopback, port), new Gate(this, server));
        _proxies.Add(proxy);
        return proxy.EndPoint.Port;
    }

    private void Apply(IdentifiedLink link)
    {
        if (link.Dialler is not { } dialler) return;
        lock (_lock)
        {
            switch (CutOf(dialler, link.Owner))
            {
                case null: link.Open(); break;
                case true: link.Hold(); break;
                default: link.Break(); break;
            }
        }
    }

    private bool? CutOf(string one, string other)
    {
        bool? cut = null;
        foreach (var pair in (ReadOnlySpan<(string, string)>)[Pair(one, other), (one, one), (other, other)])
        {
            if (_cuts.TryGetValue(pair, out var silently)) cut = cut is false ? false : silently;
        }
        return cut;
    }

    /// <summary>In front of one port of one server.</summary>
    private sealed class Gate(ServerLinks links, string owner) : IProxyGate
    {
        public ProxyWays Open(ProxyLink link)
        {
            var identified = new IdentifiedLink(link, owner, links.Apply);
            links._links[identified] = 0;
            return identified.Ways(() => links._links.TryRemove(identified, out _));
        }
    }
}
