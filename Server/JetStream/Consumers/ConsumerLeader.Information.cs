namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>What is told of a consumer.</summary>
public sealed partial class ConsumerLeader
{
    /// <summary>How it stands. Requests whose time has come or whose senders are gone are dealt with first.</summary>
    public ConsumerFigures Describe(long now, IConsumerEffects effects)
    {
        if (_requests is { Count: > 0 }) SweepRequests(now, isEnd: false, effects);
        // Told exactly, whatever has been heard of the stream or not yet.
        _countKnown = false;
        var until = Configuration.PauseUntil?.UnixNanoseconds;
        // Before its beginning is agreed on, it is told where that will be.
        var begin = new SequencePair(0, _begin - 1);
        return new ConsumerFigures
        {
            Delivered = _replica.HasState ? _replica.Delivered : begin,
            AckFloor = _replica.HasState ? _replica.AckFloor : begin,
            LastDelivered = _lastDelivered,
            LastAcknowledged = _lastAcked,
            AckPending = _state.AckPending,
            // Where nothing is delivered again, what is remembered of deliveries is nobody's business.
            Redelivered = Configuration.MaxDeliver == 1 ? 0 : _state.Redelivered,
            Waiting = _requests?.Count ?? 0,
            Pending = CountPending(),
            IsPushBound = _push is { IsActive: true },
            IsPaused = until > now,
            PauseRemaining = until > now ? until.Value - now : 0,
            PinnedId = _pin?.Id,
            PinnedSince = _pin?.Since ?? 0,
        };
    }
}
