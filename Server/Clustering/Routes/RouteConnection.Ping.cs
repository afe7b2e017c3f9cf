using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>How often the peer is asked whether it lives, and how long it may take to read.</summary>
public sealed partial class RouteConnection
{
    private protected override TimeSpan PingInterval
    {
        get
        {
            var interval = _host.Options.Cluster.PingInterval ?? _host.Options.Limits.PingInterval;
            return interval < Defaults.RoutePingInterval ? interval : Defaults.RoutePingInterval;
        }
    }

    private protected override int MaxPingsOut => _host.Options.Cluster.MaxPingsOut ?? _host.Options.Limits.MaxPingsOut;

    protected override TimeSpan WriteDeadline => _host.Options.Cluster.WriteDeadline ?? _host.Options.Limits.WriteDeadline;

    /// <summary>A route is worth more than a client: unless told otherwise, only a peer that takes nothing at all loses it.</summary>
    protected override bool KeepsSlowPeer => _host.Options.Cluster.WriteTimeout != WriteTimeoutPolicy.Close;

    private protected override void OnRoundTrip()
    {
        base.OnRoundTrip();
        if (!_continuePool) return;
        _continuePool = false;
        _manager.ContinuePool(this);
    }

    private protected override void CountStale() => _manager.CountStaleConnection();

    private protected override void CountSlow() => _manager.CountSlowConsumer();
}
