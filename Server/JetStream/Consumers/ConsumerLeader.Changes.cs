using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>What the leader hears of the stream.</summary>
public sealed partial class ConsumerLeader
{
    /// <summary>A message that the filter lets through has been added. Only told while it <see cref="IsAwake"/>, of each one and at once.</summary>
    public void MessageAdded(ulong sequence)
    {
        // A consumer may begin beyond the stream's end.
        if (sequence < _next) return;
        _mayHaveNew = true;
        if (_countKnown) _count++;
    }

    /// <summary>A message that the filter lets through has left the stream. Only told while it <see cref="IsAwake"/>, of each one and at once.</summary>
    /// <param name="sequence">Which.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="effects">What comes of it.</param>
    public void MessageRemoved(ulong sequence, long now, IConsumerEffects effects)
    {
        var wasWaited = _lasts is { } lasts && sequence <= lasts.Through ? lasts.Forget(sequence) : sequence >= (_lasts?.Through + 1 ?? _next);
        if (wasWaited && _countKnown && _count > 0) _count--;
        if (_lasts is { Count: 0 }) EndLasts(effects);
        if (TryFind(sequence, out var id)) Terminate(id, now, effects);
        else if (_state.TimesRedelivered(sequence) > 0) ProposeAck(0, sequence, now, effects);
    }

    /// <summary>
    /// Any number of messages may have left the stream: it was purged, or emptied by a limit. To be told to those awake, and to
    /// others if they are to say where they stand.
    /// </summary>
    public void MessagesRemoved(long now, IConsumerEffects effects)
    {
        var first = _store.State.FirstSequence;
        _countKnown = false;
        _mayHaveNew = true;
        RecountLasts(effects);
        ForgetPending(first, now, effects);
        ForgetRedelivered(first, now, effects);
        if (first > _state.Delivered.Stream + 1 && _lasts is null)
        {
            Propose(ConsumerEntry.Skip(stackalloc byte[ConsumerEntry.MaxLength], first), effects);
            _next = Math.Max(_next, first);
        }
    }

    private void RecountLasts(IConsumerEffects effects)
    {
        _lasts?.Recount(sequence => _store.TryLoad(sequence, Message) && _state.Filter.Includes(Message.Subject));
        if (_lasts is { Count: 0 }) EndLasts(effects);
    }

    private void ForgetPending(ulong first, long now, IConsumerEffects effects)
    {
        if (_state.Pending is not { Count: > 0 } pending) return;
        var gone = Gone(first, Sequences(pending));
        if (_state.AcksCoverEarlier)
        {
            // The last one below the first message covers all of them.
            var below = gone.FindLastIndex(sequence => sequence < first);
            if (below > 0) gone.RemoveRange(0, below);
        }
        foreach (var sequence in gone)
        {
            if (!TryFind(sequence, out var id)) continue;
            if (sequence >= first) Forget(id, now, effects);
            else ProposeAck(pending.ConsumerSequence(id), sequence, now, effects);
        }
    }

    private void ForgetRedelivered(ulong first, long now, IConsumerEffects effects)
    {
        if (_state.Redelivered == 0) return;
        foreach (var sequence in Gone(first, _state.RedeliveredSequences))
        {
            if (!TryFind(sequence, out _)) ProposeAck(0, sequence, now, effects);
        }
    }

    /// <summary>Those of some sequences that are no longer in the stream.</summary>
    private List<ulong> Gone(ulong first, IEnumerable<ulong> sequences)
    {
        var gone = _options.Workspace.Sequences;
        gone.Clear();
        foreach (var sequence in sequences)
        {
            if (sequence < first || !_store.TryLoad(sequence, Message)) gone.Add(sequence);
        }
        gone.Sort();
        return gone;
    }

    private static IEnumerable<ulong> Sequences(PendingMessages pending)
    {
        for (var id = pending.First; id != PendingMessages.None; id = pending.Next(id)) yield return pending.Sequence(id);
    }
}
