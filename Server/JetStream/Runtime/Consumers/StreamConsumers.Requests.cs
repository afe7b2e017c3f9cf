using System.Collections.Concurrent;
using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>What the API asks of single consumers.</summary>
internal sealed partial class StreamConsumers
{
    /// <summary>Names of consumers, for any thread.</summary>
    private readonly ConcurrentDictionary<byte[], ConsumerHost> _names = new(ByteArrayComparer.Instance);
    private int _limitable;

    /// <summary>Whether there is such a consumer. From any thread.</summary>
    public bool Has(ReadOnlySpan<byte> name) => _names.GetAlternateLookup<ReadOnlySpan<byte>>().ContainsKey(name);

    /// <summary>Consumers that count. From any thread.</summary>
    public int Listed => Volatile.Read(ref _limitable);

    /// <summary>Those of this moment, in the order of their names. From any thread; what they are is the mailbox's.</summary>
    public ConsumerHost[] Snapshot()
    {
        var consumers = _names.Values.ToArray();
        Array.Sort(consumers, (left, right) => string.CompareOrdinal(left.Name, right.Name));
        return consumers;
    }

    /// <summary>How a consumer stands; where another server leads it, as far as it has been agreed on.</summary>
    public ConsumerFigures Describe(ConsumerHost consumer)
    {
        if (consumer.Leader is { } leader) return leader.Describe(Host.Now, consumer.Effects);
        return consumer.Replica.Describe(Host.Now, Visible.CountPending(consumer.Replica.Filter, consumer.Replica.Delivered.Stream + 1, lastPerSubject: false));
    }

    /// <returns>False: it has no such group.</returns>
    public bool Unpin(ConsumerHost consumer, string group)
    {
        if (!consumer.Leader!.Unpin(group, consumer.Effects)) return false;
        Schedule(consumer);
        return true;
    }

    /// <summary>Begins anew somewhere else.</summary>
    /// <returns>Null, or why it may not.</returns>
    public string? Reset(ConsumerHost consumer, ulong sequence, out ulong begins)
    {
        if (consumer.Leader!.Reset(sequence, default, Host.Now, consumer.Effects, out begins) is { } refusal) return refusal;
        ProposeLazy();
        Schedule(consumer);
        return null;
    }

    private void Publish(ConsumerHost consumer)
    {
        _names[consumer.Key] = consumer;
        if (IsLimitable(consumer)) Interlocked.Increment(ref _limitable);
    }

    private void Unpublish(ConsumerHost consumer)
    {
        _names.TryRemove(consumer.Key, out _);
        if (IsLimitable(consumer)) Interlocked.Decrement(ref _limitable);
    }

    /// <summary>Not one that a server made for a mirror or source.</summary>
    private static bool IsLimitable(ConsumerHost consumer) => consumer.Configuration is { Direct: false, Sourcing: false };
}
