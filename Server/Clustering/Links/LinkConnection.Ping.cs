using System.Diagnostics;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Clustering.Links;

/// <summary>PING and PONG, stale and slow peers.</summary>
public abstract partial class LinkConnection
{
    private static readonly TimeSpan FirstPing = TimeSpan.FromSeconds(1);
    private LoopTimer? _pingTimer;
    private long _pingSentTimestamp;
    private long _roundTripTicks;
    private int _pingsOut;

    /// <summary>The last measured round trip; zero before the first.</summary>
    public TimeSpan RoundTrip
    {
        get => TimeSpan.FromTicks(Volatile.Read(ref _roundTripTicks));
        private protected set => Volatile.Write(ref _roundTripTicks, value.Ticks);
    }

    private protected abstract TimeSpan PingInterval { get; }

    /// <summary>PINGs without an answer before the peer is taken for dead.</summary>
    private protected abstract int MaxPingsOut { get; }

    /// <summary>False while a PING would come at the wrong moment: it is only counted then.</summary>
    private protected virtual bool MayPing => true;

    private protected abstract void CountStale();

    private protected abstract void CountSlow();

    /// <summary>A PONG has come.</summary>
    private protected virtual void OnRoundTrip()
    {
        // Most have nothing to do with it but to know it.
    }

    private protected bool ProcessPing()
    {
        Enqueue("PONG\r\n"u8);
        return true;
    }

    private protected bool ProcessPong()
    {
        _pingsOut = 0;
        RoundTrip = SincePing();
        OnRoundTrip();
        return true;
    }

    /// <summary>Time since the last PING, or since the connection was made.</summary>
    private protected TimeSpan SincePing() => Stopwatch.GetElapsedTime(_pingSentTimestamp);

    private protected void SchedulePing(bool first)
    {
        if (first) _pingsOut = 0;
        _pingTimer ??= Loop.CreateTimer(OnPingTimer);
        var interval = PingInterval;
        if (first)
        {
            if (interval > FirstPing) interval = FirstPing;
            interval += TimeSpan.FromMilliseconds(FastRandom.Next((int)(interval.TotalMilliseconds / 5) + 1));
        }
        Loop.Schedule(_pingTimer, interval);
    }

    private protected void StopPinging() => _pingTimer?.Cancel();

    private protected void SendPing()
    {
        _pingsOut++;
        _pingSentTimestamp = Stopwatch.GetTimestamp();
        Enqueue("PING\r\n"u8);
    }

    private void OnPingTimer()
    {
        if (IsClosing) return;
        if (_pingsOut + 1 > MaxPingsOut)
        {
            CountStale();
            LinkLog.Debug(Log, Label, "Stale Client Connection - Closing");
            Enqueue("-ERR 'Stale Connection'\r\n"u8);
            Close(CloseReason.StaleConnection);
            return;
        }
        if (MayPing) SendPing();
        else _pingsOut++;
        SchedulePing(first: false);
    }

    protected override void OnSlowPeer(bool isKnown, string text)
    {
        if (!isKnown) CountSlow();
        LinkLog.SlowConsumer(Log, Label, isKnown ? "State" : "Detected", text);
    }

    protected override void OnPeerRecovered(string text) => LinkLog.SlowConsumer(Log, Label, "Recovered", text);
}
