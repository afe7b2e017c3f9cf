using System.Text;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>What consumers hear of the stream: only those awake, and only of messages that are for them.</summary>
internal sealed partial class StreamConsumers : IStoreObserver
{
    private const int MostGone = 10_000;

    private readonly IMessageStore _store;

    /// <summary>Those that hear of every message.</summary>
    private readonly HashSet<ConsumerHost> _unfiltered = [];

    /// <summary>Filters of the others that hear of messages.</summary>
    private readonly SubscriptionTrie _filters = new(cached: true);
    private readonly FreshSubjects _fresh = new();
    private readonly List<(ConsumerHost Consumer, ulong Sequence)> _gone = [];
    private readonly MessageBuffer _message = new();
    private bool _wasCleared;

    /// <inheritdoc/>
    public void Added(ulong sequence, ReadOnlySpan<byte> subject)
    {
        if (!_isRunning) return;
        if (_filters.Count > 0) _fresh.Add(sequence, subject);
        // A member may hear of acknowledgements before it has the messages.
        if ((KeepsWhatIsWanted && !IsWanted(subject)) || (LetsGo && Host.Group is not null)) _released.Add(sequence);
    }

    /// <inheritdoc/>
    public void Removed(ulong sequence, ReadOnlySpan<byte> subject)
    {
        if (!_isRunning || _wasCleared) return;
        if (_gone.Count >= MostGone)
        {
            // To count again is cheaper then, and needs no room.
            _wasCleared = true;
            return;
        }
        foreach (var consumer in _unfiltered) _gone.Add((consumer, sequence));
        if (_filters.Count == 0) return;
        foreach (var subscription in _filters.Match(subject).Plain) _gone.Add((((Listener)subscription.Subscriber).Consumer, sequence));
    }

    /// <inheritdoc/>
    public void Cleared() => _wasCleared = true;

    /// <summary>Tells who hears of it what has left the stream.</summary>
    public void TellOfRemovals(long now)
    {
        if (!_isRunning || (_gone.Count == 0 && !_wasCleared)) return;
        if (_wasCleared)
        {
            foreach (var consumer in _byId.Values.Where(consumer => consumer.Hears is not null).ToList())
            {
                consumer.Leader!.MessagesRemoved(now, consumer.Effects);
                Schedule(consumer);
            }
        }
        else
        {
            foreach (var (consumer, sequence) in _gone)
            {
                // It may have stopped to lead in the same turn; who leads next counts anew.
                if (consumer.Leader is not { } leader) continue;
                // One of a message's filters is enough.
                leader.MessageRemoved(sequence, now, consumer.Effects);
                Schedule(consumer);
            }
        }
        _gone.Clear();
        _wasCleared = false;
    }

    /// <summary>More may be seen: those it is for are due.</summary>
    /// <param name="last">The last sequence that may be.</param>
    public void Show(ulong last)
    {
        var first = Visible.Last + 1;
        Visible.Last = last;
        if (!_isRunning) return;
        if (_unfiltered.Count == 0 && _filters.Count == 0) return;
        for (var sequence = first; sequence <= last; sequence++)
        {
            foreach (var consumer in _unfiltered) TellOfNew(consumer, sequence);
            if (_filters.Count > 0) TellFiltered(sequence);
        }
        if (_filters.Count == 0) _fresh.Clear();
    }

    /// <summary>Notes whether a consumer hears of messages now.</summary>
    private void Note(ConsumerHost consumer)
    {
        var hears = consumer is { IsOver: false, Leader.IsAwake: true };
        if (hears == consumer.Hears is not null) return;
        if (!hears)
        {
            Forget(consumer);
            return;
        }
        if (consumer.Replica.Filter.IsAll)
        {
            _unfiltered.Add(consumer);
            consumer.Hears = [];
            return;
        }
        var listener = new Listener(consumer);
        consumer.Hears = [.. consumer.Replica.Filter.Patterns.Select(pattern => new Subscription(listener, pattern))];
        foreach (var subscription in consumer.Hears) _filters.Insert(subscription);
    }

    private void Forget(ConsumerHost consumer)
    {
        if (consumer.Hears is not { } hears) return;
        _unfiltered.Remove(consumer);
        foreach (var subscription in hears) _filters.Remove(subscription);
        consumer.Hears = null;
    }

    private void TellOfNew(ConsumerHost consumer, ulong sequence)
    {
        consumer.Leader!.MessageAdded(sequence);
        SetDue(consumer);
    }

    private void TellFiltered(ulong sequence)
    {
        if (!_fresh.TryTake(sequence, out var subject))
        {
            if (!_store.TryLoad(sequence, _message)) return;
            subject = _message.Subject;
        }
        foreach (var subscription in _filters.Match(subject).Plain) TellOfNew(((Listener)subscription.Subscriber).Consumer, sequence);
    }

    /// <summary>A consumer in the index of filters. Filters of a consumer do not overlap, so that it is met once.</summary>
    private sealed class Listener(ConsumerHost consumer) : Subscriber
    {
        public ConsumerHost Consumer => consumer;

        public override SubscriberKind Kind => SubscriberKind.Client;

        public override bool Deliver(Subscription subscription, in Message message, FlushBatch batch) => false;
    }
}
