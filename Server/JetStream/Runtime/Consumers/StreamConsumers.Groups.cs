using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Runtime.Groups;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>Consumers of a stream that several servers hold: each has a group of its own.</summary>
internal sealed partial class StreamConsumers
{
    private readonly List<ConsumerHost> _grouped = [];

    /// <summary>When a group has something due, nanoseconds since 1970; null: none has.</summary>
    private long? NextGroupTick
    {
        get
        {
            var wait = long.MaxValue;
            foreach (var consumer in _grouped) wait = Math.Min(wait, consumer.Group!.NextTick - consumer.Group.Now);
            return wait > 86_400_000 ? null : Host.Now + (Math.Max(0, wait) * 1_000_000);
        }
    }

    /// <summary>Whether this server serves a consumer. From any thread.</summary>
    public bool Serves(ReadOnlySpan<byte> name) => _names.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var consumer) && consumer.Leads;

    /// <summary>Consumers that count and that this server serves. From any thread.</summary>
    public int Led => _names.Values.Count(consumer => consumer.Leads && IsLimitable(consumer));

    /// <summary>Has a consumer as it is assigned.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="configuration">What it is.</param>
    /// <param name="created">Nanoseconds since 1970.</param>
    /// <param name="open">Opens its group.</param>
    /// <param name="isPreferred">This server is to lead it first.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    public ConsumerHost Place(string name, ConsumerConfiguration configuration, long created, Func<IGroupMachine, GroupHost> open, bool isPreferred, long now)
    {
        var known = Find(System.Text.Encoding.UTF8.GetBytes(name));
        if (known is not null && known.Record.Created == created)
        {
            if (known.Configuration != configuration) Update(known, configuration, now);
            return known;
        }
        // Another one had the name.
        if (known is not null) Delete(known);
        var consumer = new ConsumerHost(this, new ConsumerRecord(++_lastId, created, name, configuration));
        Add(consumer);
        consumer.Join(open, isPreferred);
        _grouped.Add(consumer);
        return consumer;
    }

    /// <summary>What members of groups said meanwhile.</summary>
    public void BeginGroups(long now)
    {
        foreach (var consumer in _grouped) consumer.BeginTurn(now);
    }

    /// <summary>Sends what was proposed to groups.</summary>
    public void EndGroups()
    {
        foreach (var consumer in _grouped) consumer.EndTurn();
    }

    /// <summary>This server leads a consumer from now on, or does no longer.</summary>
    public void LeadershipChanged(ConsumerHost consumer)
    {
        consumer.Armed = long.MaxValue;
        if (consumer.Leads) Schedule(consumer);
        else Forget(consumer);
        Follow();
    }

    private IEnumerable<string> SubjectsOfLed()
    {
        var stream = Host.Configuration.Name;
        foreach (var consumer in _grouped.Where(consumer => consumer.Leads))
        {
            yield return $"$JS.ACK.{stream}.{consumer.Name}.>";
            yield return $"$JS.ACK.*.*.{stream}.{consumer.Name}.>";
            yield return $"$JS.FC.{stream}.{consumer.Name}.>";
        }
    }

    private void LeaveGroup(ConsumerHost consumer, bool isDeleted)
    {
        if (consumer.Group is not { } group) return;
        consumer.LeaveGroup();
        _grouped.Remove(consumer);
        if (isDeleted) Host.DeleteGroup(group.Name);
        else Host.CloseGroup(group);
    }

    /// <summary>A consumer that nobody has used for long goes; where a cluster decides, it is asked.</summary>
    private void Abandon(ConsumerHost consumer)
    {
        if (!Host.IsClustered)
        {
            Delete(consumer);
            return;
        }
        if (consumer.IsGoing) return;
        consumer.IsGoing = true;
        Host.AskForRemoval(consumer.Name);
    }

    /// <summary>Every member removes what the consumers' logs say is needed no more, each by itself.</summary>
    private void RemoveUnneededHere()
    {
        foreach (var sequence in _unneeded) _store.Remove(sequence, erase: false);
        _unneeded.Clear();
    }
}
