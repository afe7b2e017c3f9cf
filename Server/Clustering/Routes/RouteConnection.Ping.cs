using System.Diagnostics;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>PING and PONG, stale and slow peers.</summary>
public sealed partial class RouteConnection
{
    private static readonly TimeSpan FirstPing = TimeSpan.FromSeconds(1);
    private LoopTimer? _pingTimer;
    private long _pingSentTimestamp;
    private int _pingsOut;

    /// <summary>The last measured round trip; zero before the first.</summary>
    public TimeSpan RoundTrip { get; private set; }

    private TimeSpan PingInterval
    {
        get
        {
            var interval = _host.Options.Cluster.PingInterval ?? _host.Options.Limits.PingInterval;
            return interval < Defaults.RoutePingInterval ? interval : Defaults.RoutePingInterval;
        }
    }

    private bool ProcessPing()
    {
        Enqueue("PONG\r\n"u8);
        return true;
    }

    private bool ProcessPong()
    {
        _pingsOut = 0;
        RoundTrip = Stopwatch.GetElapsedTime(_pingSentTimestamp);
        AdjustLevel();
        if (!_continuePool) return true;
        _continuePool = false;
        _manager.ContinuePool(this);
        return true;
    }

    private void SchedulePing(bool first)
    {
        var interval = PingInterval;
        if (first)
        {
            if (interval > FirstPing) interval = FirstPing;
            interval += TimeSpan.FromMilliseconds(FastRandom.Next((int)(interval.TotalMilliseconds / 5) + 1));
        }
        Loop.Schedule(_pingTimer!, interval);
    }

    private void OnPingTimer()
    {
        if (IsClosing) return;
        if (_pingsOut + 1 > (_host.Options.Cluster.MaxPingsOut ?? _host.Options.Limits.MaxPingsOut))
        {
            _manager.CountStaleConnection();
            RouteLog.Debug(Log, _label, "Stale Client Connection - Closing");
            Enqueue("-ERR 'Stale Connection'\r\n"u8);
            Close(CloseReason.StaleConnection);
            return;
        }
        // A peer that compresses must not find a PING between what it reads plain and the stream.
        if (Negotiates && !_agreedOnCompression) _pingsOut++;
        else SendPing();
        SchedulePing(first: false);
    }

    private void SendPing()
    {
        _pingsOut++;
        _pingSentTimestamp = Stopwatch.GetTimestamp();
        Enqueue("PING\r\n"u8);
    }

    protected override TimeSpan WriteDeadline => _host.Options.Cluster.WriteDeadline ?? _host.Options.Limits.WriteDeadline;

    /// <summary>A route is worth more than a client: unless told otherwise, only a peer that takes nothing at all loses it.</summary>
    protected override bool KeepsSlowPeer => _host.Options.Cluster.WriteTimeout != WriteTimeoutPolicy.Close;

    protected override void OnSlowPeer(bool isKnown, string text)
    {
        if (!isKnown) _manager.CountSlowConsumer();
        RouteLog.SlowConsumer(Log, _label, isKnown ? "State" : "Detected", text);
    }

    protected override void OnPeerRecovered(string text) => RouteLog.SlowConsumer(Log, _label, "Recovered", text);
}
