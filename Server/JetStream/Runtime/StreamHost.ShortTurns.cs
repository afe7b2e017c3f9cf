using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// Turns on the thread that brings the work: a connection's loop with a few messages, requests or acknowledgements, or the log's
/// with a few answers. They save two changes of threads, which cost more than the work. They neither wait for a disk nor take long.
/// </summary>
internal sealed partial class StreamHost
{
    /// <summary>Bytes of answers that the log's thread sends by itself.</summary>
    private const int ShortAnswers = 4 << 10;

    /// <summary>Direct gets that cost less than a change of threads.</summary>
    private const int FewGets = 8;

    private readonly AtEndOfBatch _atEndOfBatch;
    private Action? _workShortly;

    /// <summary>Has a turn come when a loop's batch ends, there if it may be short: one for all that has come with it.</summary>
    public IFlushTarget TurnAtEndOfBatch => _atEndOfBatch;

    /// <summary>Whether a message that comes makes none go, for which one might have to be read: then it is stored in no time.</summary>
    private bool PublishesAreShort => Configuration is
    {
        Retention: RetentionPolicy.Limits, MaxMessages: <= 0, MaxBytes: <= 0, MaxMessagesPerSubject: <= 0, AllowAtomicPublish: false, AllowBatchPublish: false,
    };

    /// <summary>Does on this thread what has come, or wakes the mailbox.</summary>
    private void WorkOrWake()
    {
        if (!FlushBatch.MayWorkHere || !_consumers.HasLittleTraffic || !_publishes.IsLittle) Wake();
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
            TakePublishesShortly();
            RunGets(mayWait: false);
            HandOver();
            if (HasMore || _logged >= _context.CheckpointBytes) Wake();
            Arm();
            PublishState();
        }
        catch (Exception fault)
        {
            Fence(fault);
            PublishState();
        }
        _flush.FlushAll();
    }

    private void TakePublishesShortly()
    {
        if (_isRegrouping || !PublishesAreShort) return;
        BeginBlock(_publishes.TakeLittle());
        if (_block is not null) TakePublishes();
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
            if (_block is not null || !_consumers.AreSimple || HasHeldCopies) return false;
            var answers = 0;
            foreach (var outbox in _unsent) answers += outbox.Length;
            if (answers > ShortAnswers) return false;
            lock (_commandLock) return _commands.Count == 0 && _gets.Count <= FewGets;
        }
    }

    private sealed class AtEndOfBatch(StreamHost host) : IFlushTarget
    {
        public void EnterGate()
        {
            // Nothing is appended to it under a gate.
        }

        public void ExitGate()
        {
            // Nothing is appended to it under a gate.
        }

        public void Flush() => host.WorkOrWake();
    }
}
