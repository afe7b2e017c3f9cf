using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace NatsAspire.Hosting;

/// <summary>
/// A TCP proxy on loopback that stands between two parties and does to their bytes what a test asks: delays them,
/// holds them back one way, splits them, cuts the line, and keeps a record. A change holds for the links that exist
/// and for those to come, from the next byte on that the proxy takes.
/// </summary>
public sealed class InterposingProxy : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentDictionary<int, ProxyLink> _links = new();
    private readonly IProxyGate? _gate;
    private readonly Task _accepting;
    private int _lastLink;
    private int _disposed;

    private InterposingProxy(IPEndPoint target, IProxyGate? gate)
    {
        Target = target;
        _gate = gate;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        EndPoint = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = AcceptAsync();
    }

    /// <summary>Where to connect instead of to the target.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Where new links lead; may change, as a failover does.</summary>
    public IPEndPoint Target { get; set; }

    /// <summary>New connections end at once, before a byte: the target seems to be down.</summary>
    public bool RefusesConnections { get; set; }

    /// <summary>What goes from the one who connected to the target.</summary>
    public ProxyDirection ToTarget { get; } = new();

    /// <summary>What goes back.</summary>
    public ProxyDirection FromTarget { get; } = new();

    /// <summary>Links that stand now.</summary>
    public int LinkCount => _links.Count;

    /// <summary>Links there ever were.</summary>
    public int LinksMade => Volatile.Read(ref _lastLink);

    /// <summary>Listens on a free loopback port.</summary>
    public static InterposingProxy Start(IPEndPoint target) => new(target, null);

    /// <summary>The same, with somebody who decides about each link apart.</summary>
    internal static InterposingProxy Start(IPEndPoint target, IProxyGate gate) => new(target, gate);

    /// <summary>Resets every link on both sides; returns when none is left.</summary>
    public async Task CutAsync()
    {
        var links = _links.Values.ToArray();
        foreach (var link in links) link.Abort();
        foreach (var link in links) await link.Ended;
    }

    /// <summary>Says FIN to one side of every link, as if the other had half-closed.</summary>
    public void HalfClose(ProxyDirection direction)
    {
        foreach (var link in _links.Values) link.HalfClose(toTarget: direction == ToTarget);
    }

    /// <summary>Nothing passes either way, and no end is signalled: the network is gone.</summary>
    public void Partition()
    {
        ToTarget.Block();
        FromTarget.Block();
    }

    /// <summary>Ends a <see cref="Partition"/>; what was held back passes now.</summary>
    public void Heal()
    {
        ToTarget.Unblock();
        FromTarget.Unblock();
    }

    public async ValueTask DisposeAsync()
    {
        Volatile.Write(ref _disposed, 1);
        _listener.Dispose();
        await _accepting;
        await CutAsync();
    }

    private async Task AcceptAsync()
    {
        while (Volatile.Read(ref _disposed) == 0)
        {
            Socket near;
            try
            {
                near = await _listener.AcceptAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Disposed while waiting.
                return;
            }
            await OpenAsync(near);
        }
    }

    private async Task OpenAsync(Socket near)
    {
        var far = new Socket(Target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        try
        {
            if (!RefusesConnections) await far.ConnectAsync(Target);
        }
        catch (SocketException)
        {
            // The target is down, and so the proxy shall seem: refused below.
            far.Close();
        }
        if (!far.Connected)
        {
            near.Close();
            far.Dispose();
            return;
        }
        var id = Interlocked.Increment(ref _lastLink);
        var link = new ProxyLink(near, far);
        _links[id] = link;
        var ways = _gate?.Open(link) ?? new ProxyWays(ToTarget, FromTarget);
        link.Start(ways, () =>
        {
            _links.TryRemove(id, out _);
            ways.Ended?.Invoke();
        });
    }
}
