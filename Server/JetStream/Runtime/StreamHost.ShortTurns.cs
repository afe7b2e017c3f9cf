using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// Turns on the thread that brings the work: a connection's loop with a few requests or acknowledgements, or the log's with a
/// few answers. They save two changes of threads, which cost more than the work. They neither wait for a disk nor take long.
/// </summary>
internal sealed partial class StreamHost
{
    /// <summary>Bytes of answers that the log's thread sends by itself.</summary>
    private const int ShortAnswers = 4 << 10;

    private Action? _workShortly;

    /// <summary>Does what consumers have been told on this thread, or wakes the mailbox.</summary>
    internal void WorkOrWake()
    {
        if (!FlushBatch.MayWorkHere || !_consumers.HasLittleTraffic) Wake();
        else FlushBatch.Work(_workShortly ??= TakeShortTurnOrWake);
    }

    protected override void ShortTurn()
    {
        if (!MayBeShort)
        {
            Wake();
            return;
        }
        _flush.NowMilliseconds = Environment.TickCount64;
        try
        {
            _durable = _log is null ? _index : Volatile.Read(ref _completed);
            SendSettled();
            StartCheckpoint();
            var now = _context.Now;
            _consumers.TakeTraffic(now);
            _consumers.PumpShortly(now);
            HandOver();
            if (HasMore) Wake();
            Arm();
        }
        catch (Exception fault)
        {
            Fence(fault);
            PublishState();
        }
        _flush.FlushAll();
    }

    private void TakeShortTurnOrWake()
    {
        if (!TryTakeShortTurn()) Wake();
    }

    /// <summary>Whether there is nothing but what may be done shortly.</summary>
    private bool MayBeShort
    {
        get
        {
            if (Fault is not null || _logFailure is not null || _isStopping || _group is not null || !_leads || IsHeldUp || _whenQuiet.Count > 0) return false;
            if (_block is not null || !_consumers.AreSimple) return false;
            var answers = 0;
            foreach (var outbox in _unsent) answers += outbox.Length;
            if (answers > ShortAnswers) return false;
            lock (_commandLock) return _commands.Count == 0;
        }
    }
}
