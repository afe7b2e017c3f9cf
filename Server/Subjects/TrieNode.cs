using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Subjects;

/// <summary>One token of the trie: its subscriptions and the tokens that may follow. Guarded by the trie's lock.</summary>
internal sealed class TrieNode
{
    private Dictionary<byte[], TrieNode>? _children;
    private SlotList? _plain;
    private Dictionary<byte[], SlotList>? _queues;

    /// <summary>The branch of <c>*</c>.</summary>
    public TrieNode? Star { get; private set; }

    /// <summary>The branch of <c>&gt;</c>.</summary>
    public TrieNode? Full { get; private set; }

    public SlotList? Plain => _plain;

    public Dictionary<byte[], SlotList>? Queues => _queues;

    /// <summary>Tokens that are no wildcards may follow.</summary>
    public bool HasLiterals => _children is { Count: > 0 };

    public bool IsEmpty =>
        _plain is null && _queues is null && Star is null && Full is null && _children is not { Count: > 0 };

    public TrieNode? FindLiteral(ReadOnlySpan<byte> token)
    {
        if (_children is null) return null;
        _children.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(token, out var child);
        return child;
    }

    /// <summary>The branch of a subscription's token, wildcard or not.</summary>
    public TrieNode? FindExact(ReadOnlySpan<byte> token) =>
        SubjectRules.IsStar(token) ? Star : SubjectRules.IsFull(token) ? Full : FindLiteral(token);

    public TrieNode GetOrAddChild(ReadOnlySpan<byte> token)
    {
        if (FindExact(token) is { } child) return child;
        child = new TrieNode();
        if (SubjectRules.IsStar(token)) Star = child;
        else if (SubjectRules.IsFull(token)) Full = child;
        else (_children ??= new Dictionary<byte[], TrieNode>(ByteArrayComparer.Instance)).Add(token.ToArray(), child);
        return child;
    }

    public void RemoveChild(ReadOnlySpan<byte> token)
    {
        if (SubjectRules.IsStar(token)) Star = null;
        else if (SubjectRules.IsFull(token)) Full = null;
        else if (_children is not null)
        {
            _children.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(token);
            if (_children.Count == 0) _children = null;
        }
    }

    public void Add(Subscription subscription)
    {
        if (subscription.Queue is not { } queue)
        {
            (_plain ??= new SlotList()).Add(subscription);
            return;
        }
        _queues ??= new Dictionary<byte[], SlotList>(ByteArrayComparer.Instance);
        if (!_queues.TryGetValue(queue, out var members)) _queues[queue] = members = new SlotList();
        members.Add(subscription);
    }

    public bool Remove(Subscription subscription)
    {
        if (subscription.Queue is not { } queue)
        {
            if (_plain is null || !_plain.Remove(subscription)) return false;
            if (_plain.Count == 0) _plain = null;
            return true;
        }
        if (_queues is null || !_queues.TryGetValue(queue, out var members) || !members.Remove(subscription)) return false;
        if (members.Count == 0) _queues.Remove(queue);
        if (_queues.Count == 0) _queues = null;
        return true;
    }

    /// <summary>All subscriptions of the node and its branches.</summary>
    public void CollectAll(List<Subscription> all)
    {
        var open = new Stack<TrieNode>([this]);
        while (open.TryPop(out var node))
        {
            if (node._plain is not null) all.AddRange(node._plain.AsSpan());
            foreach (var members in node._queues?.Values ?? Enumerable.Empty<SlotList>()) all.AddRange(members.AsSpan());
            foreach (var child in node._children?.Values ?? Enumerable.Empty<TrieNode>()) open.Push(child);
            if (node.Star is not null) open.Push(node.Star);
            if (node.Full is not null) open.Push(node.Full);
        }
    }

    /// <summary>Subscriptions in any order; each knows its slot, so that removal costs nothing however many there are.</summary>
    internal sealed class SlotList
    {
        private Subscription[] _items = new Subscription[1];

        public int Count { get; private set; }

        public ReadOnlySpan<Subscription> AsSpan() => _items.AsSpan(0, Count);

        public void Add(Subscription subscription)
        {
            if (Count == _items.Length) Array.Resize(ref _items, Count * 2);
            subscription.SlotInNode = Count;
            _items[Count++] = subscription;
        }

        public bool Remove(Subscription subscription)
        {
            var slot = subscription.SlotInNode;
            if (slot >= Count || !ReferenceEquals(_items[slot], subscription)) return false;
            var last = _items[--Count];
            _items[slot] = last;
            last.SlotInNode = slot;
            _items[Count] = null!;
            subscription.SlotInNode = -1;
            if (Count > 4 && Count < _items.Length / 4) Array.Resize(ref _items, _items.Length / 2);
            return true;
        }
    }
}
