using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Subjects;

/// <summary>Gathers what the matching nodes hold: links once each, queue groups by name.</summary>
internal sealed class MatchResultBuilder
{
    private readonly List<Subscription> _plain = [];
    private List<Subscription>? _links;
    private List<Subscription>? _services;
    private Dictionary<byte[], (List<Subscription> Local, List<Subscription> Links)>? _queues;

    public void Add(TrieNode node)
    {
        if (node.Plain is not null)
        {
            foreach (var subscription in node.Plain.AsSpan())
            {
                if (subscription.Subscriber.IsLink) AddLink(subscription);
                else if (subscription.Subscriber.Kind == SubscriberKind.Internal) (_services ??= []).Add(subscription);
                else _plain.Add(subscription);
            }
        }
        if (node.Queues is null) return;
        _queues ??= new Dictionary<byte[], (List<Subscription>, List<Subscription>)>(ByteArrayComparer.Instance);
        foreach (var (name, members) in node.Queues)
        {
            if (!_queues.TryGetValue(name, out var group)) _queues[name] = group = ([], []);
            foreach (var member in members.AsSpan()) (member.Subscriber.IsLink ? group.Links : group.Local).Add(member);
        }
    }

    public MatchResult Build(byte[] subject) => new(
        subject,
        _plain.Count == 0 ? [] : [.. _plain],
        _links is null ? [] : [.. _links],
        _queues is null ? [] : [.. _queues.Select(group => new QueueGroup(group.Key, [.. group.Value.Local], [.. group.Value.Links]))],
        _services is null ? [] : [.. _services]);

    private void AddLink(Subscription subscription)
    {
        _links ??= [];
        foreach (var known in _links)
        {
            if (ReferenceEquals(known.Subscriber, subscription.Subscriber)) return;
        }
        _links.Add(subscription);
    }
}
