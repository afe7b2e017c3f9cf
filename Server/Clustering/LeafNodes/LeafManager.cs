using System.Collections.Concurrent;
using System.Net.Sockets;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Connections.WebSockets;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>
/// The server's leaf node connections: those it accepts as a hub, and those it keeps to the hubs it is a leaf of.
/// Lock order: manager, interest, connection gate.
/// </summary>
public sealed partial class LeafManager : IDisposable
{
    private readonly OuterLock _lock = new();
    private readonly ILeafHost _host;
    private readonly LeafDialer _dialer;
    private readonly HashSet<LeafConnection> _open = [];
    private readonly ConcurrentDictionary<Account, byte[]> _loopSubjects = new();
    private readonly Dictionary<string, LeafRemote> _remotes = [];
    private readonly SortedSet<string> _peerUrls = new(StringComparer.Ordinal);
    private IReadOnlyList<string> _webSocketUrls = [];
    private TrafficCounters _closedTraffic;
    private long _slowConsumers;
    private long _staleConnections;
    private string _clusterName = "";
    private bool _stopping;

    public LeafManager(ILeafHost host)
    {
        _host = host;
        _dialer = new LeafDialer(host, OnDialled);
    }

    /// <summary>Bound port of the listener; 0: there is none.</summary>
    public int ListenPort { get; set; }

    /// <summary>Connections that have joined their account.</summary>
    public int Count => Snapshot().Count;

    /// <summary>Messages and bytes of all, closed ones included.</summary>
    public TrafficCounters Traffic
    {
        get
        {
            using (_lock.Enter()) return _open.Aggregate(_closedTraffic, (sum, leaf) => sum + leaf.Traffic);
        }
    }

    /// <summary>Connections whose peer took too long to read.</summary>
    public long SlowConsumers => Volatile.Read(ref _slowConsumers);

    /// <summary>Connections closed because their peer did not answer PING.</summary>
    public long StaleConnections => Volatile.Read(ref _staleConnections);

    /// <summary>Begins to keep the configured remotes connected.</summary>
    public void Start()
    {
        OnClusterName(_host.ClusterName);
        foreach (var remote in _host.Options.LeafNode.Remotes.Where(remote => !remote.Disabled)) Add(remote);
    }

    /// <summary>Takes in a connection that a leaf node made.</summary>
    public void Accept(Socket socket)
    {
        var loop = _host.NextLoop();
        Open(new LeafConnection(Transport.Over(socket, loop), this, _host, _host.NextConnectionId()));
    }

    /// <summary>Takes over a connection that a leaf node made through a WebSocket; its upgrade opens it.</summary>
    public LeafConnection? Accept(Transport transport, WebSocketSession session)
    {
        var leaf = new LeafConnection(transport, this, _host, _host.NextConnectionId(), session: session);
        return TryKeep(leaf) ? leaf : null;
    }

    public void Dispose()
    {
        LeafConnection[] open;
        using (_lock.Enter())
        {
            _stopping = true;
            open = [.. _open];
            foreach (var remote in _remotes.Values) remote.Dispose();
        }
        foreach (var leaf in open) leaf.Close(CloseReason.ServerShutdown);
    }

    /// <summary>Those that have joined their account, for monitoring.</summary>
    public IReadOnlyList<LeafConnection> Snapshot()
    {
        using (_lock.Enter()) return [.. _open.Where(leaf => leaf.HasJoined)];
    }

    internal void CountSlowConsumer() => Interlocked.Increment(ref _slowConsumers);

    internal void CountStaleConnection() => Interlocked.Increment(ref _staleConnections);

    /// <summary>The subject by which an account finds its own interest coming back.</summary>
    internal byte[] LoopSubject(Account account) => _loopSubjects.GetOrAdd(account, static _ => [.. LeafConnection.LoopPrefix, .. System.Text.Encoding.ASCII.GetBytes(UniqueId.Next())]);

    /// <summary>
    /// Gives a connection its place in its account. One that the same server had made before, whose end has not been noticed,
    /// gives way.
    /// </summary>
    /// <returns>Null: it has it; else what is wrong.</returns>
    internal string? Register(LeafConnection leaf)
    {
        LeafConnection? replaced = null;
        using (_lock.Enter())
        {
            if (_stopping) return "Server Shutdown";
            var others = _open.Where(other => other.HasJoined && !other.IsClosing && ReferenceEquals(other.Account, leaf.Account)).ToList();
            if (leaf.IsSolicited && leaf.RemoteCluster.Length > 0 && others.Exists(other => !other.IsSpoke && other.RemoteCluster == leaf.RemoteCluster))
            {
                return LeafConnection.LoopDetected;
            }
            if (!leaf.IsSolicited) replaced = others.Find(leaf.IsSameAs);
            var limit = leaf.Account!.Options.MaxLeafNodes;
            if (limit >= 0 && others.Count - (replaced is null ? 0 : 1) >= limit) return LeafConnection.TooManyConnections;
            leaf.HasJoined = true;
        }
        if (replaced is null) return null;
        replaced.Replace();
        LeafLog.Replacing(_host.Log, leaf.LogLabel);
        return null;
    }

    /// <summary>Forgets a connection.</summary>
    internal void Unregister(LeafConnection leaf)
    {
        using (_lock.Enter())
        {
            if (_open.Remove(leaf)) _closedTraffic += leaf.Traffic;
        }
        if (leaf.HasJoined) _host.OnLeft(leaf);
        leaf.Remote?.OnClosed();
    }

    private void OnDialled(Socket socket, Uri url, LeafRemote remote)
    {
        var loop = _host.NextLoop();
        if (LeafNodeCheck.IsWebSocket(url))
        {
            new WebSocketDialer(socket, loop, url, remote, _host, (transport, session) =>
            {
                var upgraded = new LeafConnection(transport, this, _host, _host.NextConnectionId(), remote, url, session);
                return TryKeep(upgraded) ? upgraded : null;
            }).Open();
            return;
        }
        Open(new LeafConnection(Transport.Over(socket, loop), this, _host, _host.NextConnectionId(), remote, url));
    }

    private void Open(LeafConnection leaf)
    {
        if (TryKeep(leaf)) leaf.Open();
        else leaf.Abandon();
    }

    private bool TryKeep(LeafConnection leaf)
    {
        using (_lock.Enter())
        {
            if (_stopping || leaf.Remote is { Stopped.IsCancellationRequested: true }) return false;
            _open.Add(leaf);
            return true;
        }
    }

    private void Add(RemoteLeafOptions options, Task? after = null)
    {
        LeafRemote remote;
        using (_lock.Enter())
        {
            if (_stopping) return;
            remote = new LeafRemote(options);
            _remotes[remote.Key] = remote;
        }
        _dialer.Start(remote, after ?? Task.CompletedTask);
    }
}
