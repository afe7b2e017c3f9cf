using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Streams.Expiry;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.JetStream.Streams.Schedules;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>What the leader does when time passes. What is due at once is done in pieces, so that others have their turn.</summary>
public partial class StreamLeader
{
    /// <summary>Messages that schedules publish in one go.</summary>
    private const int MaxScheduled = 1000;

    /// <summary>Nanoseconds until what cannot be judged yet is looked at again.</summary>
    internal const long LookAgainAfter = GoDuration.Second / 10;

    private readonly DeleteMarkers _markers;
    private readonly ScheduledMessage _scheduled = new();
    private readonly List<DueSchedule> _due = [];

    /// <summary>When <see cref="Tick"/> has something to do, nanoseconds since 1970, maybe in the past; null: never, as things are.</summary>
    public long? NextTick => _flight is not null && !_isStarted ? null : Earlier(Earlier(_replica.Expiry.NextDue, _replica.Schedules?.NextDue), _batchesDue == long.MaxValue ? null : _batchesDue);

    /// <summary>Does what is due.</summary>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="effects">What comes of it.</param>
    public void Tick(long now, IStreamEffects effects)
    {
        Reconfigure();
        if (_flight is not null && !_isStarted) return;
        if (_replica.MarksDeletes) _markers.Expire(now, this, effects);
        else _replica.ExpireAged(now);
        if (_replica.Schedules is { } schedules) PublishScheduled(schedules, now, effects);
        if (_batchesDue <= now) AbandonBatches(now, effects);
    }

    private void AbandonBatches(long now, IStreamEffects effects)
    {
        _batchesDue = long.MaxValue;
        foreach (var batch in _atomic.Values)
        {
            if (batch.Deadline <= now) End(batch, BatchAbandonReason.Timeout, effects);
            else _batchesDue = Math.Min(_batchesDue, batch.Deadline);
        }
        foreach (var batch in _fast.Values)
        {
            if (batch.IsCommitting) continue;
            if (batch.Deadline <= now) End(batch);
            else _batchesDue = Math.Min(_batchesDue, batch.Deadline);
        }
    }

    /// <summary>Stores a message that was copied from another stream; what is refused here for good is left out.</summary>
    /// <param name="message">Its sequence counts for nothing; its time is now.</param>
    /// <param name="effects">What comes of it.</param>
    /// <returns>False: it is to come again when some of what was proposed has been applied, or the stream is full no more.</returns>
    public bool TakeSourced(in StoredMessage message, IStreamEffects effects)
    {
        Reconfigure();
        return Store(message, effects, out var isFull) is not null && !isFull;
    }

    private static long? Earlier(long? one, long? other) => one is null || other < one ? other : one;

    private void PublishScheduled(ScheduleIndex schedules, long now, IStreamEffects effects)
    {
        _due.Clear();
        while (_due.Count < MaxScheduled && schedules.TryTake(now, out var due)) _due.Add(due);
        _due.Sort((one, other) => one.Sequence.CompareTo(other.Sequence));
        foreach (var due in _due)
        {
            if (!_scheduled.TryMake(due, _replica.Store, now))
            {
                schedules.Remove(due.Subject);
                continue;
            }
            var message = new StoredMessage { Sequence = 0, Timestamp = now, Subject = _scheduled.Target, Headers = _scheduled.Headers, Payload = _scheduled.Payload };
            // What cannot be stored now is tried again when it would come next.
            if (Store(message, effects) is not { } isStored) schedules.PutOff(due, now + LookAgainAfter);
            else if (!isStored) schedules.PutOff(due, Math.Max(_scheduled.Next ?? 0, now + GoDuration.Second));
        }
    }

    /// <summary>Stores a message that the stream makes itself.</summary>
    /// <returns>False: it was refused. Null: that cannot be known before some of what was proposed has been applied.</returns>
    internal bool? Store(in StoredMessage message, IStreamEffects effects) => Store(message, effects, out _);

    private bool? Store(in StoredMessage message, IStreamEffects effects, out bool isFull)
    {
        isFull = false;
        if (_flight is not null && (!_isStarted || !_foresight!.IsClear(message, isSourced: true))) return null;
        var admission = _replica.Propose(message, default, out var entry, isSourced: true, _flight);
        isFull = admission.IsFull;
        if (admission.Error is not null || admission.Duplicate > 0) return false;
        if (_flight is null) Commit(entry, effects);
        else Dispatch(entry, admission.Change?.After, effects);
        return true;
    }

    /// <summary>Whether a message of a subject is proposed and not applied yet.</summary>
    internal bool IsInFlight(ReadOnlySpan<byte> subject) => _flight is { IsEmpty: false } flight && (!flight.FollowsSubjects || flight.On(subject) is not null);
}
