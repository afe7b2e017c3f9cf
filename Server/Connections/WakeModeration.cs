namespace NatsAspire.Server.Connections;

/// <summary>
/// Keeps a flood of single small messages from costing a wake-up each, as network cards do with interrupts: the loop
/// pauses a little before it looks again, so that a turn finds several messages. A flood is sixty thousand turns a
/// second, or eight thousand when they hardly send anything, so that nobody waits for an answer. The pause ends
/// when it no longer gathers any; slower traffic is never delayed.
/// </summary>
internal struct WakeModeration
{
    private const int FloodTurnsPerMillisecond = 60;
    private const int SilentFloodTurnsPerMillisecond = 8;
    private const int SilentShare = 8;
    private const int WorthwhileBytesPerTurn = 256;

    /// <summary>Turns that find more are worth their wake-up already.</summary>
    private const int SmallTurnBytes = 8 * 1024;
    private const int PauseNanoseconds = 120_000;

    /// <summary>Nobody waits for what a silent turn does, so more of it may gather.</summary>
    private const int SilentPauseNanoseconds = 1_000_000;
    private const int TimerSlackNanoseconds = 1_000;
    private long _window;
    private long _bytes;
    private int _turns;
    private int _flushes;
    private bool _active;
    private bool _silent;
    private bool _preciseTimers;

    /// <summary>Waits, while there is a flood. On the loop's thread.</summary>
    public readonly unsafe void Pause()
    {
        if (!_active) return;
        var pause = new TimeSpec { Nanoseconds = _silent ? SilentPauseNanoseconds : PauseNanoseconds };
        // An interrupted pause is a shorter one, and as good.
        LibC.NanoSleep(&pause, null);
    }

    /// <summary>Notes a turn, the bytes it read and the connections it sent to.</summary>
    public void Count(long nowMilliseconds, int bytes, int flushes)
    {
        _turns++;
        _bytes += bytes;
        _flushes += flushes;
        var elapsed = nowMilliseconds - _window;
        if (elapsed < 2) return;
        var perTurn = _bytes / _turns;
        _silent = _flushes * SilentShare <= _turns;
        _active = _active
            ? perTurn >= WorthwhileBytesPerTurn && perTurn < IoLoop.ReceiveBufferSize / 8
            : perTurn < SmallTurnBytes && _turns / elapsed >= (_silent ? SilentFloodTurnsPerMillisecond : FloodTurnsPerMillisecond);
        if (_active && !_preciseTimers) UsePreciseTimers();
        _window = nowMilliseconds;
        _turns = 0;
        _bytes = 0;
        _flushes = 0;
    }

    /// <summary>Linux lets timers of ordinary threads come 50 microseconds late; the loop's must not.</summary>
    private void UsePreciseTimers()
    {
        _preciseTimers = true;
        LibC.ProcessControl(LibC.SetTimerSlack, TimerSlackNanoseconds, 0, 0, 0);
    }
}
