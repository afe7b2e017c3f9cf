namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>
/// Messages that were delivered and wait for an acknowledgement: found by sequence, in order of sequences, and by when
/// they are due. One that is due leaves the deadlines and stands in the queue of redeliveries until it has gone out.
/// </summary>
/// <remarks>About 90 bytes a message; nothing is allocated for one as long as there is room.</remarks>
internal sealed partial class PendingMessages
{
    /// <summary>Stands for no message.</summary>
    public const int None = -1;

    private readonly Dictionary<ulong, int> _bySequence = [];
    private Node[] _nodes = [];
    private int _used;
    private int _free = None;

    public int Count => _bySequence.Count;

    /// <summary>The lowest sequence; <see cref="None"/>: there is no message.</summary>
    public int First { get; private set; } = None;

    private int Last { get; set; } = None;

    /// <summary>The next sequence above.</summary>
    public int Next(int id) => _nodes[id].Next;

    public ulong Sequence(int id) => _nodes[id].Sequence;

    /// <summary>Of its first delivery.</summary>
    public ulong ConsumerSequence(int id) => _nodes[id].ConsumerSequence;

    /// <summary>When its wait began, nanoseconds since 1970.</summary>
    public long Timestamp(int id) => _nodes[id].Timestamp;

    /// <summary>When its wait ends.</summary>
    public long Deadline(int id) => _nodes[id].Deadline;

    public bool Contains(ulong sequence) => _bySequence.ContainsKey(sequence);

    public bool TryFind(ulong sequence, out int id) => _bySequence.TryGetValue(sequence, out id);

    /// <summary>Adds a message that is not there yet.</summary>
    public void Add(ulong sequence, ulong consumerSequence, long timestamp, long deadline)
    {
        var id = Take();
        ref var node = ref _nodes[id];
        node.Sequence = sequence;
        node.ConsumerSequence = consumerSequence;
        node.Timestamp = timestamp;
        node.Deadline = deadline;
        _bySequence.Add(sequence, id);
        Link(id);
        Schedule(id);
    }

    /// <summary>Its wait begins anew. One in the queue of redeliveries stays there.</summary>
    public void SetTime(int id, long timestamp, long deadline)
    {
        ref var node = ref _nodes[id];
        node.Timestamp = timestamp;
        node.Deadline = deadline;
        if (!IsQueued(id)) Reschedule(id);
    }

    public void Remove(int id)
    {
        if (IsQueued(id)) Unqueue(id);
        else Unschedule(id);
        ref var node = ref _nodes[id];
        if (node.Previous == None) First = node.Next;
        else _nodes[node.Previous].Next = node.Next;
        if (node.Next == None) Last = node.Previous;
        else _nodes[node.Next].Previous = node.Previous;
        _bySequence.Remove(node.Sequence);
        node.Next = _free;
        _free = id;
    }

    /// <summary>Links a message in; they come in order, so its place is nearly always the end.</summary>
    private void Link(int id)
    {
        ref var node = ref _nodes[id];
        var before = Last;
        while (before != None && _nodes[before].Sequence > node.Sequence) before = _nodes[before].Previous;
        node.Previous = before;
        node.Next = before == None ? First : _nodes[before].Next;
        if (before == None) First = id;
        else _nodes[before].Next = id;
        if (node.Next == None) Last = id;
        else _nodes[node.Next].Previous = id;
    }

    private int Take()
    {
        if (_free != None)
        {
            var id = _free;
            _free = _nodes[id].Next;
            return id;
        }
        if (_used == _nodes.Length)
        {
            Array.Resize(ref _nodes, Math.Max(4, _used * 2));
            Array.Resize(ref _heap, _nodes.Length);
        }
        return _used++;
    }

    private struct Node
    {
        public ulong Sequence;
        public ulong ConsumerSequence;
        public long Timestamp;
        public long Deadline;

        /// <summary>By sequence; of a free node the next free one.</summary>
        public int Next;
        public int Previous;

        /// <summary>In the heap of deadlines, or <see cref="Queued"/>.</summary>
        public int Place;
        public int QueueNext;
        public int QueuePrevious;
    }
}
