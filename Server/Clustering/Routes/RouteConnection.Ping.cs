using System.Diagnostics;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>PING and PONG, stale peers, write deadline.</summary>
public sealed partial class RouteConnection
{
    private static readonly TimeSpan FirstPing = TimeSpan.FromSeconds(1);
    private LoopTimer? _pingTimer;
    private LoopTimer? _writeTimer;
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

    /// <summary>A peer that takes nothing for the write deadline is closed, to be dialled anew.</summary>
    protected override void OnWriteBlocked()
    {
        _writeTimer ??= Loop.CreateTimer(CheckWriteDeadline);
        Loop.Schedule(_writeTimer, WriteDeadline);
    }

    private TimeSpan WriteDeadline => _host.Options.Cluster.WriteDeadline ?? _host.Options.Limits.WriteDeadline;

    private void CheckWriteDeadline()
    {
        if (IsClosing || !WriteIsBlocked) return;
        if (BlockedFor < WriteDeadline)
        {
            Loop.Schedule(_writeTimer!, WriteDeadline - BlockedFor);
            return;
        }
        _manager.CountSlowConsumer();
        RouteLog.SlowConsumer(Log, _label, $"WriteDeadline of {WriteDeadline.TotalSeconds:0.###}s exceeded with {PendingBytes} total bytes.");
        Close(CloseReason.SlowConsumerWriteDeadline);
    }
}
