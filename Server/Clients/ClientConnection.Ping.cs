using System.Diagnostics;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clients;

/// <summary>PING and PONG, stale connections, INFO out of turn, write deadline.</summary>
public sealed partial class ClientConnection
{
    private static readonly TimeSpan FirstPing = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RoundTripMeasurement = TimeSpan.FromHours(1);
    private LoopTimer? _pingTimer;
    private long _lastActivityMilliseconds;
    private long _pingSentMilliseconds;
    private long _pingSentTimestamp;
    private int _pingsOut;
    private bool _active;
    private bool _firstPongSent;

    /// <summary>The last measured round trip; before the first, from the accept to CONNECT; zero before that.</summary>
    public TimeSpan RoundTrip { get; private set; }

    /// <summary>Sends the current INFO if the client takes it out of turn.</summary>
    internal void SendInfoUpdate()
    {
        if (Volatile.Read(ref _infoUpdates)) Enqueue(BuildInfo(_hub.Info).ToProtocolLine());
    }

    /// <summary>Tells this client alone that its server is leaving. From any thread.</summary>
    internal void SendLameDuck()
    {
        if (Volatile.Read(ref _infoUpdates)) Enqueue((BuildInfo(_hub.Info) with { LameDuckMode = true }).ToProtocolLine());
    }

    private bool ProcessPing()
    {
        _active = true;
        if (_trace)
        {
            ClientLog.In(Log, _label, "PING");
            ClientLog.Out(Log, _label, "PONG");
        }
        Enqueue("PONG\r\n"u8);
        if (!_connectReceived || _firstPongSent) return true;
        _firstPongSent = true;
        if (_connect.Protocol is not >= 1) return true;
        var info = BuildInfo(_hub.Info) with
        {
            ConnectInfo = true,
            RemoteAccount = Account?.Name,
            IsSystemAccount = Account is not null && ReferenceEquals(Account, _hub.Accounts.System),
        };
        Enqueue(info.ToProtocolLine());
        Volatile.Write(ref _infoUpdates, true);
        return true;
    }

    private bool ProcessPong()
    {
        if (_trace) ClientLog.In(Log, _label, "PONG");
        _pingsOut = 0;
        if (_pingSentTimestamp != 0) RoundTrip = Stopwatch.GetElapsedTime(_pingSentTimestamp);
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
        var limits = _hub.Options.Limits;
        var quiet = TimeSpan.FromMilliseconds(Loop.NowMilliseconds - _lastActivityMilliseconds);
        var measured = _pingSentMilliseconds != 0
            && Loop.NowMilliseconds - _pingSentMilliseconds < RoundTripMeasurement.TotalMilliseconds;
        if (quiet >= PingInterval || (!measured && !_connectReceived))
        {
            if (_pingsOut + 1 > limits.MaxPingsOut)
            {
                _hub.CountStaleConnection();
                ClientLog.Debug(Log, _label, "Stale Client Connection - Closing");
                SendError("Stale Connection");
                Close(CloseReason.StaleConnection);
                return;
            }
            SendPing();
        }
        SchedulePing(first: false);
    }

    private void SendPing()
    {
        _pingsOut++;
        _pingSentMilliseconds = Loop.NowMilliseconds;
        _pingSentTimestamp = Stopwatch.GetTimestamp();
        if (_trace) ClientLog.Out(Log, _label, "PING");
        Enqueue("PING\r\n"u8);
    }

    protected override TimeSpan WriteDeadline => _hub.Options.Limits.WriteDeadline;

    protected override bool KeepsSlowPeer => _hub.Options.WriteTimeout == WriteTimeoutPolicy.Retry;

    protected override void OnSlowPeer(bool isKnown, string text)
    {
        _hub.CountSlowConsumer(Account);
        ClientLog.Notice(Log, _label, $"Slow Consumer {(isKnown ? "State" : "Detected")}: {text}");
    }

    protected override void OnPeerRecovered(string text) => ClientLog.Notice(Log, _label, "Slow Consumer Recovered: " + text);
}
