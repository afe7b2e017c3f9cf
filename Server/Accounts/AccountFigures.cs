namespace NatsAspire.Server.Accounts;

/// <summary>
/// What an account's connections that are gone had moved. Those that live keep their own counters, so that nothing
/// is shared while messages flow; whoever wants the whole adds them up.
/// </summary>
public sealed class AccountFigures
{
    private readonly Lock _lock = new();
    private TrafficCounters _clients;
    private TrafficCounters _routes;
    private TrafficCounters _leafs;
    private TrafficCounters _gateways;
    private long _slowConsumers;

    /// <summary>Clients that have left.</summary>
    public TrafficCounters GoneClients
    {
        get
        {
            lock (_lock) return _clients;
        }
    }

    /// <summary>Routes that are closed.</summary>
    public TrafficCounters GoneRoutes
    {
        get
        {
            lock (_lock) return _routes;
        }
    }

    /// <summary>Leaf node connections that are closed.</summary>
    public TrafficCounters GoneLeafs
    {
        get
        {
            lock (_lock) return _leafs;
        }
    }

    /// <summary>Gateway connections that are closed.</summary>
    public TrafficCounters GoneGateways
    {
        get
        {
            lock (_lock) return _gateways;
        }
    }

    /// <summary>Clients of the account that were too slow.</summary>
    public long SlowConsumers => Volatile.Read(ref _slowConsumers);

    public void AddGoneClient(TrafficCounters traffic)
    {
        lock (_lock) _clients += traffic;
    }

    public void AddGoneRoute(TrafficCounters traffic)
    {
        lock (_lock) _routes += traffic;
    }

    public void AddGoneLeaf(TrafficCounters traffic)
    {
        lock (_lock) _leafs += traffic;
    }

    public void AddGoneGateway(TrafficCounters traffic)
    {
        lock (_lock) _gateways += traffic;
    }

    public void CountSlowConsumer() => Interlocked.Increment(ref _slowConsumers);
}
