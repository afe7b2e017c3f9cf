using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Subjects;

/// <summary>Gathers what the matching nodes hold: links once each, queue groups by name.</summary>
internal sealed class MatchResultBuilder
{
    private readonly List<Subscription> _plain = [];
    private List<Subscription>? _links;
    private List<Subscription>? _outer;
    private List<Subscription>? _leafs;
    private List<Subscription>? _services;
    private Dictionary<byte[], Members>? _queues;

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

    public MatchResult Build(byte[] subject) => new(
        subject,
        _plain.Count == 0 ? [] : [.. _plain],
        _links is null ? [] : [.. _links],
        _queues is null ? [] : [.. _queues.Select(group => group.Value.ToGroup(group.Key))],
        _services is null ? [] : [.. _services],
        _outer is null ? [] : [.. _outer],
        _leafs is null ? null : [.. _leafs]);

    private void AddPlain(Subscription subscription)
    {
        switch (subscription.Subscriber.Kind)
        {
            case SubscriberKind.Gateway:
                AddOnce(_outer ??= [], subscription);
                break;
            case SubscriberKind.Leaf:
                AddOnce(_leafs ??= [], subscription);
                break;
            case SubscriberKind.Internal:
                (_services ??= []).Add(subscription);
                break;
            default:
                if (subscription.Subscriber.IsLink) AddOnce(_links ??= [], subscription);
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
