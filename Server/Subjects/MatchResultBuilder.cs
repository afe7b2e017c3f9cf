using System.Runtime.InteropServices;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Subjects;

/// <summary>
/// Gathers what the matching nodes hold: links once each, queue groups by name. Makes one answer after the other; those with
/// the same receivers share the arrays that name them, since of a million subjects most are for the same few.
/// </summary>
internal sealed class MatchResultBuilder
{
    private readonly List<Subscription> _plain = [];
    private readonly List<Subscription> _links = [];
    private readonly List<Subscription> _outer = [];
    private readonly List<Subscription> _leafs = [];
    private readonly List<Subscription> _services = [];
    private Dictionary<byte[], Members>? _queues;
    private MatchResult _former = MatchResult.Nobody([]);

    /// <summary>Begins anew.</summary>
    public MatchResultBuilder Reset()
    {
        _plain.Clear();
        _links.Clear();
        _outer.Clear();
        _leafs.Clear();
        _services.Clear();
        _queues = null;
        return this;
    }

    /// <summary>Keeps nobody alive who has gone.</summary>
    public void Forget() => Reset()._former = MatchResult.Nobody([]);

    public void Add(TrieNode node)
    {
        if (node.Plain is not null)
        {
            foreach (var subscription in node.Plain.AsSpan()) AddPlain(subscription);
        }
        if (node.Queues is null) return;
        _queues ??= new Dictionary<byte[], Members>(ByteArrayComparer.Instance);
        foreach (var (name, members) in node.Queues)
        {
            if (!_queues.TryGetValue(name, out var group)) _queues[name] = group = new Members();
            foreach (var member in members.AsSpan()) group.Add(member);
        }
    }

    public MatchResult Build(byte[] subject) => _former = new MatchResult(
        subject,
        Freeze(_plain, _former.Plain),
        Freeze(_links, _former.Links),
        _queues is null ? [] : [.. _queues.Select(group => group.Value.ToGroup(group.Key))],
        Freeze(_services, _former.Services),
        Freeze(_outer, _former.Outer),
        Freeze(_leafs, _former.Leafs));

    private static Subscription[] Freeze(List<Subscription> gathered, Subscription[] former) =>
        CollectionsMarshal.AsSpan(gathered).SequenceEqual(former) ? former : [.. gathered];

    private void AddPlain(Subscription subscription)
    {
        switch (subscription.Subscriber.Kind)
        {
            case SubscriberKind.Gateway:
                AddOnce(_outer, subscription);
                break;
            case SubscriberKind.Leaf:
                AddOnce(_leafs, subscription);
                break;
            case SubscriberKind.Internal:
                _services.Add(subscription);
                break;
            default:
                if (subscription.Subscriber.IsLink) AddOnce(_links, subscription);
                else _plain.Add(subscription);
                break;
        }
    }

    private static void AddOnce(List<Subscription> links, Subscription subscription)
    {
        foreach (var known in links)
        {
            if (ReferenceEquals(known.Subscriber, subscription.Subscriber)) return;
        }
        links.Add(subscription);
    }

    /// <summary>A queue group's members as they are found.</summary>
    private sealed class Members
    {
        private readonly List<Subscription> _local = [];
        private readonly List<Subscription> _links = [];
        private readonly List<Subscription> _outer = [];
        private readonly List<Subscription> _distant = [];

        public void Add(Subscription member)
        {
            if (member.Subscriber.Kind == SubscriberKind.Gateway) AddOnce(_outer, member);
            else if (member.Subscriber.Kind == SubscriberKind.Leaf || member.Origin is not null) _distant.Add(member);
            else (member.Subscriber.IsLink ? _links : _local).Add(member);
        }

        public QueueGroup ToGroup(byte[] name) => new(name, [.. _local], [.. _links], [.. _outer], [.. _distant]);
    }
}
