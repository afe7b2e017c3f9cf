using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>What the leader does when time passes.</summary>
public sealed partial class ConsumerLeader
{
    /// <summary>How long it listens to what happens in the stream after it was used last.</summary>
    private const long AwakeFor = 5 * GoDuration.Second;

    private const long DefaultThreshold = 5 * GoDuration.Second;
    private const long Millisecond = GoDuration.Second / 1000;

    private DeliveryPace? _pace;
    private long _lastUse;

    /// <summary>Nanoseconds without use after which it goes; 0: it stays.</summary>
    private long _threshold;
    private long _unpauseAt;

    /// <summary>When <see cref="Tick"/>, and then <see cref="Pump"/>, have something to do, nanoseconds since 1970, maybe in the past; null: never, as things are.</summary>
    public long? NextTick
    {
        get
        {
            var next = Math.Min(_state.Pending?.NextDeadline ?? long.MaxValue, _requests?.Due ?? long.MaxValue);
            if (_push is { IsActive: true }) next = Math.Min(next, _push.HeartbeatDue);
            if (_unpauseAt > 0) next = Math.Min(next, _unpauseAt);
            if (_pin is not null) next = Math.Min(next, _pin.Until);
            if (_pace?.Due is { } due) next = Math.Min(next, due);
            if (IsUnused && !IsAbandoned && _threshold > 0) next = Math.Min(next, _lastUse + _threshold);
            if (IsAwake && !MustStayAwake) next = Math.Min(next, _lastUse + AwakeFor);
            return next == long.MaxValue ? null : next;
        }
    }

    /// <summary>Does what is due.</summary>
    public void Tick(long now, IConsumerEffects effects)
    {
        ExpirePending(now, effects);
        _pace?.Tick(now);
        if (_requests is not null && _requests.Due <= now) SweepRequests(now, isEnd: false, effects);
        if (_push is { IsActive: true } && _push.HeartbeatDue <= now) BeatHeart(now, effects);
        if (_pin is { } pin && pin.Until <= now) Unpin(pin.Group, "timeout", effects);
        if (_unpauseAt > 0 && _unpauseAt <= now)
        {
            _unpauseAt = 0;
            ReportPause(now, effects);
        }
        if (IsUnused && _threshold > 0 && _lastUse + _threshold <= now) Abandon(now, effects);
        if (IsAwake && !MustStayAwake && _lastUse + AwakeFor <= now) Sleep();
    }

    private bool MustStayAwake => _push is { IsActive: true } || _requests is { Count: > 0 } || _state.AckPending > 0 || _state.Redelivered > 0 || _lasts is not null;

    /// <summary>Whether the countdown to its end may run. Of one that is pulled it always does.</summary>
    private bool IsUnused => _push is not { IsActive: true };

    private void Use(long now)
    {
        _lastUse = now;
        Wake();
    }

    private void Wake()
    {
        if (IsAwake) return;
        IsAwake = true;
        _countKnown = false;
        _mayHaveNew = true;
    }

    private void Sleep()
    {
        IsAwake = false;
        _countKnown = false;
        _requests?.Trim();
        _state.Trim();
    }

    /// <summary>What has waited long enough for an acknowledgement is delivered again, in the order of the stream.</summary>
    private void ExpirePending(long now, IConsumerEffects effects)
    {
        if (_state.Pending is not { } pending || !pending.TryGetDue(now, out var id)) return;
        var due = _options.Workspace.Sequences;
        due.Clear();
        for (; pending.TryGetDue(now, out id); pending.Enqueue(id)) due.Add(pending.Sequence(id));
        due.Sort();
        // Back to where they were, so that they stand in the queue in order.
        foreach (var sequence in due)
        {
            if (!pending.TryFind(sequence, out id)) continue;
            pending.Dequeue(id);
            Expire(id, effects);
        }
    }

    /// <summary>A message is to be delivered again, or is given up.</summary>
    private void Expire(int id, IConsumerEffects effects)
    {
        var pending = _state.Pending!;
        var deliveries = _state.TimesRedelivered(pending.Sequence(id)) + 1;
        if (Configuration.MaxDeliver > 0 && deliveries >= (ulong)Configuration.MaxDeliver) GiveUp(id, deliveries + 1, effects);
        else pending.Enqueue(id);
    }

    /// <summary>A message has been delivered as often as may be.</summary>
    private void GiveUp(int id, ulong deliveries, IConsumerEffects effects)
    {
        var sequence = _state.Pending!.Sequence(id);
        ProposeTime(id, deliveries, _state.Pending.Timestamp(id), effects);
        effects.Report(new ConsumerEvent(ConsumerEventKind.MaxDeliveries) { StreamSequence = sequence, Deliveries = deliveries - 1 });
    }

    /// <summary>All that waits is delivered again at once.</summary>
    private void RedeliverAll()
    {
        if (_state.Pending is not { } pending) return;
        for (var id = pending.First; id != PendingMessages.None; id = pending.Next(id)) pending.Enqueue(id);
    }

    private void ReportPause(long now, IConsumerEffects effects)
    {
        var until = Configuration.PauseUntil?.UnixNanoseconds;
        effects.Report(new ConsumerEvent(ConsumerEventKind.Paused) { PauseUntil = until, IsPaused = until > now });
    }

    /// <summary>It goes, unless somebody who waits is still there, or may still work on what he has got.</summary>
    private void Abandon(long now, IConsumerEffects effects)
    {
        if (_requests is { Count: > 0 })
        {
            SweepRequests(now, isEnd: true, effects);
            if (_requests.Count > 0)
            {
                _lastUse = now;
                return;
            }
        }
        var latest = 0L;
        if (_requests is not null && _state.Pending is { } pending)
        {
            for (var id = pending.First; id != PendingMessages.None; id = pending.Next(id))
            {
                if (pending.Deadline(id) != long.MaxValue) latest = Math.Max(latest, pending.Deadline(id));
            }
        }
        if (latest + _threshold > now) _lastUse = latest;
        else IsAbandoned = true;
    }

    private long ThresholdOf(ConsumerConfiguration configuration)
    {
        var threshold = configuration.InactiveThreshold;
        var isDurable = configuration.Durable is { Length: > 0 };
        if (threshold <= 0 && isDurable) return 0;
        // So that many that were left at the same time do not go at the same time.
        var jitter = IsPush && threshold > 0 ? 0 : (100 + _options.Random.Next(900)) * Millisecond;
        return (threshold > 0 ? threshold : DefaultThreshold) + jitter;
    }
}
