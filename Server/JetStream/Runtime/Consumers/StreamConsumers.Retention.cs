using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>Streams that keep messages only as long as a consumer needs them.</summary>
internal sealed partial class StreamConsumers
{
    /// <summary>Filters of all consumers, of streams that keep what is wanted.</summary>
    private readonly SubscriptionTrie _wanted = new(cached: true);
    private readonly Dictionary<ConsumerHost, Subscription[]> _wants = [];

    /// <summary>Sequences that somebody has said he needs no more.</summary>
    private readonly List<ulong> _released = [];
    private ulong _releasedThrough;

    private bool KeepsWhatIsWanted => Host.Configuration.Retention == RetentionPolicy.Interest;

    private bool LetsGo => Host.Configuration.Retention != RetentionPolicy.Limits;

    /// <summary>The stream keeps only what consumers want, and none wants messages of this subject.</summary>
    public bool IsUnwanted(ReadOnlySpan<byte> subject) => KeepsWhatIsWanted && !Wanting(subject).Any(consumer => !consumer.Configuration.Direct);

    /// <summary>A consumer will not ask for a message again.</summary>
    public void Release(ConsumerHost consumer, ulong sequence)
    {
        if (_isRunning && LetsGo && !consumer.Configuration.Direct) _released.Add(sequence);
    }

    /// <summary>A consumer will not ask for any message up to this one again.</summary>
    public void ReleaseThrough(ConsumerHost consumer, ulong sequence)
    {
        if (_isRunning && LetsGo && !consumer.Configuration.Direct) _releasedThrough = Math.Max(_releasedThrough, Math.Min(sequence, _store.State.LastSequence));
    }

    /// <summary>Proposes that what nobody needs any more goes.</summary>
    public void ProposeReleased()
    {
        if (_releasedThrough > 0)
        {
            var through = Math.Min(_releasedThrough, _store.State.LastSequence);
            _releasedThrough = 0;
            for (var sequence = _store.State.FirstSequence; sequence <= through && _store.TryLoadNext(SubjectFilter.All, sequence, _message) && _message.Sequence <= through; sequence = _message.Sequence + 1)
            {
                _released.Add(_message.Sequence);
            }
        }
        if (_released.Count == 0) return;
        _released.Sort();
        _unneeded.Clear();
        ulong before = 0;
        foreach (var sequence in _released)
        {
            if (sequence != before && !IsNeeded(sequence)) _unneeded.Add(sequence);
            before = sequence;
        }
        _released.Clear();
        ProposeUnneeded();
    }

    /// <summary>A consumer has gone or wants something else: what is wanted by nobody goes.</summary>
    private void RemoveUnwanted()
    {
        if (!KeepsWhatIsWanted) return;
        _releasedThrough = _store.State.LastSequence;
        ProposeReleased();
    }

    /// <summary>At a start: a crash may have come between an acknowledgement and what follows from it. What no consumer is for stays.</summary>
    private void RemoveAcknowledged()
    {
        if (!LetsGo || _byId.Count == 0) return;
        _unneeded.Clear();
        for (ulong sequence = 0; _store.TryLoadNext(SubjectFilter.All, sequence, _message); sequence = _message.Sequence + 1)
        {
            var wanting = Wanting(_message.Subject).Where(consumer => !consumer.Configuration.Direct).ToList();
            if (wanting.Count > 0 && !wanting.Any(consumer => consumer.Replica.Needs(_message.Sequence))) _unneeded.Add(_message.Sequence);
        }
        ProposeUnneeded();
    }

    /// <summary>Whether a consumer needs a message. One that is gone already is needed by nobody, and cannot be removed again.</summary>
    private bool IsNeeded(ulong sequence)
    {
        if (!_store.TryLoad(sequence, _message)) return true;
        var isFor = false;
        foreach (var consumer in Wanting(_message.Subject))
        {
            if (consumer.Configuration.Direct) continue;
            isFor = true;
            if (consumer.Replica.Needs(sequence)) return true;
        }
        // What no consumer of a work queue is for yet, waits for one.
        return !isFor && Host.Configuration.Retention == RetentionPolicy.WorkQueue;
    }

    private bool IsWanted(ReadOnlySpan<byte> subject) => !_wanted.Match(subject).IsEmpty;

    private IEnumerable<ConsumerHost> Wanting(ReadOnlySpan<byte> subject) =>
        _wanted.Match(subject).Plain.Select(subscription => ((Listener)subscription.Subscriber).Consumer);

    private void AddInterest(ConsumerHost consumer)
    {
        if (!LetsGo) return;
        var listener = new Listener(consumer);
        var patterns = consumer.Replica.Filter.IsAll ? [">"u8.ToArray()] : consumer.Replica.Filter.Patterns;
        Subscription[] subscriptions = [.. patterns.Select(pattern => new Subscription(listener, pattern))];
        foreach (var subscription in subscriptions) _wanted.Insert(subscription);
        _wants[consumer] = subscriptions;
    }

    private void RemoveInterest(ConsumerHost consumer)
    {
        if (!_wants.Remove(consumer, out var subscriptions)) return;
        foreach (var subscription in subscriptions) _wanted.Remove(subscription);
    }
}
